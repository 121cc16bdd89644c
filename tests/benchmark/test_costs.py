from time import perf_counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from benchmark.costs import count_flops, count_parameters, measure_costs, median_bounds
from benchmark.oracle.supernet import NetworkSpec
from benchmark.store.records import Interval
from benchmark.verdicts import LATENCY_TARGET, latency_half_width
from tests.benchmark.small import SMALL

SPEC = NetworkSpec(SMALL, "se", reduction=2, sharing="full")


def test_parameters_are_counted_as_integers() -> None:
    assert count_parameters(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))) == 3 * 4 + 4 + 2 * 4


def test_a_multiply_add_is_two_operations() -> None:
    convolution = nn.Conv2d(3, 5, kernel_size=3, padding=1, bias=False)
    assert count_flops(convolution, (3, 8, 8)) == 2 * (3 * 3 * 3) * 5 * 8 * 8


def test_costs_of_a_scheme_lie_between_original_and_full_sa() -> None:
    costs = {
        bits: measure_costs(SPEC, bits, (3, 6, 6), rounds=5) for bits in ("00000", "10010", "11111")
    }
    original, ticket, full = costs.values()
    assert original.parameters < ticket.parameters < full.parameters
    assert original.flops < ticket.flops < full.flops
    assert full.parameters == full.parameters_as_built == original.parameters_as_built


def test_a_shared_module_is_built_once_and_dropped_when_unused() -> None:
    shared = NetworkSpec(SMALL, "se", reduction=2, sharing="share")
    one = measure_costs(shared, "10000", (3, 6, 6), rounds=2)
    both = measure_costs(shared, "11000", (3, 6, 6), rounds=2)
    assert one.parameters == both.parameters < one.parameters_as_built


def test_a_slower_network_has_a_positive_increment() -> None:
    # Full-SA does everything that Original does, and more: by far at this size.
    full = measure_costs(SPEC, "11111", (3, 6, 6), rounds=60, patience=10.0)
    assert full.increment.low > 0
    assert full.increment.low <= full.increment.center <= full.increment.high
    assert full.milliseconds > 0


def test_times_stay_with_their_networks_in_either_order(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []

    def clock(network: nn.Module, _: torch.Tensor) -> float:
        timed.append(count_parameters(network))
        return float(timed[-1])

    monkeypatch.setattr("benchmark.costs._timed", clock)
    cost = measure_costs(SPEC, "10000", (3, 6, 6), rounds=4)
    some, none, every = timed[:3]
    assert none < some < every
    assert timed == [some, none, every] + [every, none, some] * 2 + [some, none, every]
    same = some / every - 1
    assert cost.increment_over_full == Interval(same, same, same)


def test_timing_goes_on_until_intervals_are_narrow_or_patience_ends() -> None:
    started = perf_counter()
    cost = measure_costs(SPEC, "10000", (3, 6, 6), rounds=8, patience=1.0)
    seconds = perf_counter() - started
    half = max(map(latency_half_width, (cost.increment, cost.increment_over_full)))
    assert half <= LATENCY_TARGET or seconds >= 1.0


def test_bounds_of_the_median_of_ten_are_the_second_and_ninth_values() -> None:
    # P(fewer than 2 of 10 fall below the median) = 11/1024 on each side: 97.9% between them.
    assert median_bounds(np.arange(1.0, 11.0), 0.95) == (2.0, 9.0)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60))
def test_bounds_enclose_the_median(values: list[float]) -> None:
    low, high = median_bounds(np.array(values), 0.95)
    assert low <= np.median(values) <= high

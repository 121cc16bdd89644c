from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import dropout

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import State
from benchmark.networks.connect import SHARINGS, Sharing
from benchmark.networks.se import SE
from benchmark.networks.spec import NetworkSpec
from benchmark.records.costs import LATENCY_TARGET, half_width
from benchmark.records.run import Interval
from benchmark.standalone.costs import (
    check_fit,
    count_flops,
    count_parameters,
    measure_costs,
    median_bounds,
)
from tests.benchmark.attentions import registered
from tests.benchmark.small import SMALL
from tests.costs import flops_of, parameters_of, time_of

SPEC = NetworkSpec(SMALL, "se", reduction=2, sharing="full")


class Centred(SE):
    """Gates by how far a row lies from the rows beside it."""

    def gate(self, means: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return super().gate(means - means.mean(0), state)


class Batched(SE):
    """A batch norm that knows nothing but the batch at hand."""

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__(channels, divisor)
        self.norm = nn.BatchNorm1d(channels, track_running_stats=False)

    def gate(self, means: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return super().gate(self.norm(torch.cat([means, -means])), state)[0][: len(means)], state


class Chancy(SE):
    """Noise in evaluation mode too."""

    def gate(self, means: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return super().gate(dropout(means, training=True), state)


class Picky(SE):
    """Indices, one of which is no index before somebody fills it."""

    order: torch.Tensor

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__(channels, divisor)
        self.register_buffer("order", torch.arange(channels), persistent=False)
        self.back = nn.Parameter(torch.arange(channels).flip(0), requires_grad=False)

    def gate(self, means: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return super().gate(means[:, self.order][:, self.back], state)


@pytest.mark.parametrize("module", [Centred, Chancy])
def test_a_module_whose_answer_depends_on_the_rows_beside_is_refused(module: type[SE]) -> None:
    with (
        registered({"written": module}),
        pytest.raises(UsageError, match=f"{module.__name__}: expected a row's result to depend"),
    ):
        check_fit(replace(SPEC, attention="written"), (3, 6, 6))


class Activated(SE):
    """A batch norm of its author's own, with what usually follows."""

    class Norm(nn.BatchNorm1d):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return super().forward(features).relu()

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__(channels, divisor)
        self.norm = self.Norm(channels)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (Batched, "expected a batch norm with running statistics, received"),
        (Activated, "expected a batch norm that does what torch's does, received Norm with"),
    ],
)
def test_a_norm_that_no_scheme_can_be_scored_with_is_refused_by_name(
    module: type[SE], says: str
) -> None:
    with (
        registered({"written": module}),
        pytest.raises(UsageError, match=rf"attention\.0\.norm: {says}"),
    ):
        check_fit(replace(SPEC, attention="written"), (3, 6, 6))


class NotInPlace(SE):
    """Leaves its features as they are, which schemes are scored with."""

    def rescale_(self, features: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return self.forward(features, state)


class InPlace(SE):
    """Overwrites features that others need."""

    def forward(self, features: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return self.rescale_(features, state)


@pytest.mark.parametrize("module", [NotInPlace, InPlace])
def test_a_module_that_is_another_in_place_is_refused(module: type[SE]) -> None:
    with (
        registered({"written": module}),
        pytest.raises(UsageError, match=f"{module.__name__}: expected rescale_ to leave in its"),
    ):
        check_fit(replace(SPEC, attention="written"), (3, 6, 6))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_indices_hold_what_the_author_put_there_when_parts_are_tried(sharing: Sharing) -> None:
    with registered({"written": Picky}):
        check_fit(replace(SPEC, attention="written", sharing=sharing), (3, 6, 6))


def test_parameters_are_counted_as_integers() -> None:
    assert count_parameters(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))) == 3 * 4 + 4 + 2 * 4


def test_a_multiply_add_is_two_operations() -> None:
    convolution = nn.Conv2d(3, 5, kernel_size=3, padding=1, bias=False)
    assert count_flops(convolution, (3, 8, 8)) == 2 * (3 * 3 * 3) * 5 * 8 * 8


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # Four gates of 8 × 8 products with the input and with the state, for each of six rows.
        (nn.LSTM(8, 8, batch_first=True), 2 * 6 * 4 * 2 * 8 * 8),
        # Four projections, two products of 6 × 6 pairs with 8 numbers, and two layers of 16.
        (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
            2 * (4 * 6 * 8 * 8 + 2 * 6 * 6 * 8 + 2 * 6 * 8 * 16),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_fused_layers_are_counted_as_their_products(
    layer: nn.Module, expected: int, device: str
) -> None:
    rows = nn.Flatten(1, 2)  # six of eight numbers
    assert count_flops(nn.Sequential(rows, layer).to(device), (1, 6, 8)) == expected


def test_costs_of_a_scheme_lie_between_original_and_full_sa() -> None:
    costs = {
        bits: measure_costs(SPEC, bits, (3, 6, 6), rounds=5) for bits in ("00000", "10010", "11111")
    }
    original, ticket, full = costs.values()
    assert parameters_of(original) < parameters_of(ticket) < parameters_of(full)
    assert flops_of(original) < flops_of(ticket) < flops_of(full)
    assert parameters_of(full) == full.parameters_as_built == original.parameters_as_built


def test_a_shared_module_is_built_once_and_dropped_when_unused() -> None:
    shared = NetworkSpec(SMALL, "se", reduction=2, sharing="share")
    one = measure_costs(shared, "10000", (3, 6, 6), rounds=2)
    both = measure_costs(shared, "11000", (3, 6, 6), rounds=2)
    assert parameters_of(one) == parameters_of(both) < one.parameters_as_built


def test_a_slower_network_has_a_positive_increment() -> None:
    # Full-SA does everything that Original does, and more: by far at this size.
    full = measure_costs(SPEC, "11111", (3, 6, 6), rounds=60, more_seconds=10.0)
    time = time_of(full)
    assert time.increment is not None
    assert 0 < time.increment.low <= time.increment.center <= time.increment.high
    assert time.value > 0


def test_times_stay_with_their_networks_in_either_order(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []

    def clock(network: nn.Module, _: torch.Tensor) -> float:
        timed.append(count_parameters(network))
        return float(timed[-1])

    monkeypatch.setattr("benchmark.standalone.costs.timed", clock)
    cost = measure_costs(SPEC, "10000", (3, 6, 6), rounds=4)
    some, none, every = timed[:3]
    assert none < some < every
    assert timed == [some, none, every] + [every, none, some] * 2 + [some, none, every]
    same = some / every - 1
    assert time_of(cost).increment_over_full == Interval(same, same, same)


def test_timing_goes_on_until_intervals_are_narrow_or_patience_ends() -> None:
    started = perf_counter()
    cost = measure_costs(SPEC, "10000", (3, 6, 6), rounds=8, more_seconds=1.0)
    seconds = perf_counter() - started
    time = time_of(cost)
    assert time.increment is not None
    assert time.increment_over_full is not None
    half = max(map(half_width, (time.increment, time.increment_over_full)))
    assert half <= LATENCY_TARGET or seconds >= 1.0


def test_bounds_of_the_median_of_ten_are_the_second_and_ninth_values() -> None:
    # P(fewer than 2 of 10 fall below the median) = 11/1024 on each side: 97.9% between them.
    assert median_bounds(np.arange(1.0, 11.0), 0.95) == (2.0, 9.0)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60))
def test_bounds_enclose_the_median(values: list[float]) -> None:
    low, high = median_bounds(np.array(values), 0.95)
    assert low <= np.median(values) <= high

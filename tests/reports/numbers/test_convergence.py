from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.records.run import RunRecords
from reports.numbers.convergence import agreement, convergence, distinct
from reports.numbers.ranking import rank_strategies

MakeRecords = Callable[..., RunRecords]
SCHEMES = arrays(bool, st.tuples(st.integers(0, 30), st.integers(1, 12)))


def test_agreement_counts_pairs_of_a_window_block_by_block() -> None:
    schemes = np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=bool)
    # Block 1: 1, 1, 0 agree in one of three pairs; block 2: 0, 1, 1 in one; then 1,0,0 and 1,1,1.
    assert agreement(schemes, 3) == pytest.approx([1 / 3, (1 / 3 + 1) / 2])


def test_agreement_of_one_scheme_repeated_is_one() -> None:
    assert agreement(np.tile([True, False, True], (6, 1)), 4).tolist() == [1.0, 1.0, 1.0]


def test_agreement_of_independent_draws_estimates_the_papers_mean_probability() -> None:
    rng = np.random.default_rng(0)
    chance = np.array([0.5, 0.9, 0.2])
    found = agreement(rng.random((40_000, 3)) < chance, 20)
    assert found.mean() == pytest.approx(np.mean(chance**2 + (1 - chance) ** 2), abs=0.005)


@given(SCHEMES)
def test_distinct_is_the_size_of_the_set_so_far(schemes: np.ndarray) -> None:
    rows = [tuple(row) for row in schemes.tolist()]
    assert distinct(schemes).tolist() == [len(set(rows[: n + 1])) for n in range(len(rows))]


def test_curves_are_means_over_lanes_at_evaluations(make_records: MakeRecords) -> None:
    records = make_records(strategies={"ean": 0.8}, lanes=3)
    found = convergence(records, rank_strategies(records))
    (agreed,), (counted,) = found.agreement, found.distinct
    assert found.window == 12
    assert counted.where.tolist() == list(range(1, 61))
    assert agreed.where.tolist() == list(range(12, 61))
    last = [len(np.unique(lane.schemes, axis=0)) for lane in records.lanes]
    assert counted.center[-1] == pytest.approx(np.mean(last))
    windows = [agreement(lane.schemes[-12:], 12)[0] for lane in records.lanes]
    assert agreed.center[-1] == pytest.approx(np.mean(windows))
    assert agreed.low[-1] < agreed.center[-1] < agreed.high[-1]


def test_a_lane_without_a_whole_window_has_no_agreement(make_records: MakeRecords) -> None:
    records = make_records(strategies={"ean": 0.8, "ga": 0.7}, lanes=2)
    short = [
        replace(lane, schemes=lane.schemes[:5], accuracy=lane.accuracy[:5],
                loss=lane.loss[:5], charged=lane.charged[:5], total=5.0)
        if lane.key.strategy == "ga" else lane
        for lane in records.lanes
    ]  # fmt: skip
    found = convergence(replace(records, lanes=short), rank_strategies(records))
    assert [curve.strategy for curve in found.agreement] == ["ean"]
    assert {curve.strategy for curve in found.distinct} == {"ean", "ga"}


def test_a_run_without_answers_has_no_curves(records: RunRecords) -> None:
    empty = replace(records, lanes=[])
    found = convergence(empty, rank_strategies(empty))
    assert (found.agreement, found.distinct) == ((), ())

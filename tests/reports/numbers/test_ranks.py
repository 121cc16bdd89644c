from dataclasses import replace
from itertools import combinations
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from benchmark.records.run import RunRecords
from reports.charts.ranks import draw_ranks, ranks_table
from reports.numbers.analysis import analyse
from reports.numbers.ranks import (
    Cell,
    critical_difference,
    friedman,
    summarise_ranks,
    tied_neighbours,
)

# Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", Table 5 (α = 0.05).
NEMENYI = {3: 2.343, 4: 2.569, 5: 2.728, 10: 3.164}


@pytest.mark.parametrize(("strategies", "quantile"), NEMENYI.items())
def test_critical_difference_is_the_printed_one(strategies: int, quantile: float) -> None:
    expected = quantile * sqrt(strategies * (strategies + 1) / (6 * 14))
    assert critical_difference(strategies, 14) == pytest.approx(expected, abs=1e-3)


def test_nothing_is_critical_without_cells_or_rivals() -> None:
    assert critical_difference(3, 0) == inf
    assert critical_difference(1, 9) == inf


def test_two_strategies_take_as_many_cells_as_a_sign_test() -> None:
    # Always the same winner: 2·(1/2)^5 = 0.0625 in five cells, 0.031 in six.
    assert critical_difference(2, 5) == inf
    assert critical_difference(2, 6) < 1
    assert critical_difference(2, 5, 0.9) < 1
    # 7 of 8: p = 2·(1 + 8)/256 = 0.070, so a difference of (7 - 1)/8 proves nothing; 8 of 8 does.
    assert critical_difference(2, 8) == 0.75


@pytest.mark.parametrize("cells", [6, 9, 14, 21, 39])
def test_two_strategies_are_told_apart_as_the_sign_test_does(cells: int) -> None:
    for won in range(cells // 2 + 1, cells + 1):
        apart = (2 * won - cells) / cells > critical_difference(2, cells)
        assert apart == (binomtest(won, cells).pvalue <= 0.05)


def test_cells_that_agree_do_not_make_an_interval_narrow() -> None:
    def ranked(cells: int, names: str) -> list[tuple[float, float]]:
        scores: dict[Cell, dict[str, float]] = {
            (cell,): {name: -float(place) for place, name in enumerate(names)}
            for cell in range(cells)
        }
        means = summarise_ranks(scores, list(names)).mean
        return [(round(mean.low, 2), round(mean.high, 2)) for mean in means]

    # Half of 2.343·sqrt(3·4/(6·2)) = 1.17 to each side, within [1, 3].
    assert ranked(2, "abc") == [(1, 2.17), (1, 3), (1.83, 3)]
    assert ranked(2, "ab") == [(1, 2), (1, 2)]
    # Half of 0.75 to each side.
    assert ranked(8, "ab") == [(1, 1.38), (1.62, 2)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(2, 6))
def test_intervals_overlap_exactly_where_strategies_share_a_group(
    seed: int, cells: int, strategies: int
) -> None:
    rng = np.random.default_rng(seed)
    names = [f"s{number}" for number in range(strategies)]
    scores: dict[Cell, dict[str, float]] = {
        (cell,): dict(zip(names, rng.normal(size=strategies).tolist(), strict=True))
        for cell in range(cells)
    }
    found = summarise_ranks(scores, names)
    mean = dict(zip(found.strategies, found.mean, strict=True))
    for one, other in combinations(found.strategies, 2):
        together = any({one, other} <= set(group) for group in found.groups)
        assert together == (mean[one].high >= mean[other].low - 1e-12)


def test_friedman_worked_by_hand() -> None:
    # Ranks 1 2 3 in all four cells: χ² = 12·4/(3·4)·(1 + 4 + 9 − 3·16/4) = 8, p = exp(−4).
    scores = np.tile([0.9, 0.8, 0.7], (4, 1))
    assert friedman(scores) == pytest.approx(np.exp(-4))
    assert friedman(np.ones((4, 3))) == 1
    assert isnan(friedman(scores[:, :2]))
    assert isnan(friedman(scores[:1]))


def test_neighbours_within_the_difference_make_largest_groups() -> None:
    assert tied_neighbours([1.0, 1.5, 2.2, 4.0], 1.0) == [(0, 1), (1, 2)]
    assert tied_neighbours([1.0, 1.2, 1.4], 0.5) == [(0, 2)]
    assert tied_neighbours([1.0, 3.0], 0.5) == []


@given(st.lists(st.floats(1, 9), min_size=1, max_size=8), st.floats(0, 4))
def test_groups_are_all_and_only_the_largest_runs(ranks: list[float], difference: float) -> None:
    ordered = sorted(ranks)
    runs = tied_neighbours(ordered, difference)
    for first, last in runs:
        assert ordered[last] - ordered[first] <= difference
        assert not any((a <= first and last <= b) and (a, b) != (first, last) for a, b in runs)
    for one in range(len(ordered)):
        for other in range(one + 1, len(ordered)):
            close = ordered[other] - ordered[one] <= difference
            assert close == any(a <= one and other <= b for a, b in runs)


def test_ranks_over_tasks_worked_by_hand() -> None:
    scores: dict[Cell, dict[str, float]] = {
        ("digits", 0): {"a": 0.9, "b": 0.8, "c": 0.8},
        ("digits", 1): {"a": 0.7, "b": 0.9, "c": 0.6},
        ("cifar", 0): {"a": 0.5, "b": nan, "c": 0.4},
        ("cifar", 1): {"a": 0.5, "c": 0.4},
    }
    found = summarise_ranks(scores, ["c", "b", "a"])
    assert found.strategies == ("a", "b", "c")
    assert [mean.center for mean in found.mean] == [1.5, 1.75, 2.75]
    assert all(1 <= mean.low <= mean.center <= mean.high <= 3 for mean in found.mean)
    assert found.cells == 2
    assert found.missing == ((("cifar", 0), "b"), (("cifar", 1), "b"))
    assert found.groups == (("a", "b", "c"),)


def test_without_a_complete_cell_there_is_nothing_to_rank() -> None:
    found = summarise_ranks({(0,): {"a": 0.5}}, ["a", "b"])
    assert found.cells == 0
    assert isnan(found.mean[0].center)
    assert not draw_ranks(found)
    assert not draw_ranks(summarise_ranks({}, []))


def test_a_missing_cell_is_named(failed_lane: RunRecords, records: RunRecords) -> None:
    assert "No cell is missing" in ranks_table(analyse(records)).caption
    table = ranks_table(analyse(failed_lane))
    assert "left out of ranks: ga on supernet 0, seed 1." in table.caption
    assert {row["strategy"]: row["missing"] for row in table.records()}["ga"] == 1


def test_cells_without_one_strategy_count_for_none(records: RunRecords) -> None:
    broken = [
        replace(lane, state="failed")
        if lane.key.strategy == "ga" and lane.key.strategy_seed
        else lane
        for lane in records.lanes
    ]
    ranks = analyse(replace(records, lanes=broken)).ranking.ranks
    assert (ranks.cells, len(ranks.missing)) == (1, 4)


def test_the_diagram_of_too_few_cells_says_so() -> None:
    few = summarise_ranks({(0,): {"a": 0.9, "b": 0.8}}, ["a", "b"])
    assert "too few cells to tell any apart" in draw_ranks(few)


def test_the_diagram_names_strategies_and_joins_groups(records: RunRecords) -> None:
    ranks = analyse(records).ranking.ranks
    drawn = draw_ranks(ranks)
    assert all(f">{name}<" in drawn for name in ranks.strategies)
    assert drawn.count('class="bracket"') == 3 + 3 * len(ranks.groups)
    assert "critical difference 1.48 at 95%" in drawn

"""What rankings, intervals and fronts must not depend on, and what they always keep."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reports.numbers.fronts import best_within, hypervolume, non_dominated
from reports.numbers.ranks import Cell, Ranks, friedman, summarise_ranks
from reports.numbers.statistics import (
    bootstrap_interval,
    difference_interval,
    mean_interval,
    mean_ranks,
    permutation_test,
    tie_groups,
)

NAMES = ["a", "b", "c", "d"]
LEVELS = st.integers(0, 5)
"""Few different scores, so that there are ties."""
TABLES = st.integers(2, 4).flatmap(
    lambda width: arrays(np.int64, st.tuples(st.integers(1, 6), st.just(width)), elements=LEVELS)
)
NUMBERS = st.floats(-100, 100, width=32)
SAMPLES = arrays(np.float64, st.integers(1, 5), elements=NUMBERS)
CELLS = st.dictionaries(st.integers(0, 3), SAMPLES, min_size=1, max_size=3)


def scored(table: np.ndarray, names: list[str]) -> dict[Cell, dict[str, float]]:
    return {
        (row,): dict(zip(names, map(float, scores), strict=True))
        for row, scores in enumerate(table)
    }


def rising(steps: list[float]) -> np.ndarray:
    """Values of a strictly rising function at 0, 1, …"""
    return np.cumsum(steps)


STEPS = st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6).map(rising)


def means(ranks: Ranks) -> dict[str, tuple[float, float, float]]:
    return {
        name: (mean.center, mean.low, mean.high)
        for name, mean in zip(ranks.strategies, ranks.mean, strict=True)
    }


def close(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True))


@settings(max_examples=30)
@given(TABLES, STEPS)
def test_ranks_see_the_order_of_scores_and_nothing_else(table: np.ndarray, to: np.ndarray) -> None:
    names = NAMES[: table.shape[1]]
    before = summarise_ranks(scored(table, names), names)
    assert summarise_ranks(scored(to[table], names), names) == before


@settings(max_examples=30)
@given(st.data(), TABLES)
def test_ranks_do_not_depend_on_the_order_of_cells_nor_on_names(
    data: st.DataObject, table: np.ndarray
) -> None:
    names = NAMES[: table.shape[1]]
    shuffled = data.draw(st.permutations(range(len(table))))
    renamed = data.draw(st.permutations([name.upper() for name in names]))
    before = summarise_ranks(scored(table, names), names)
    after = summarise_ranks(scored(table[list(shuffled)], renamed), renamed)
    to = dict(zip(names, renamed, strict=True))
    assert [to[name] for name in before.strategies] == list(after.strategies)
    assert [tuple(to[name] for name in group) for group in before.groups] == list(after.groups)
    assert close(before.p_value, after.p_value)
    for name, found in means(before).items():
        assert all(map(close, found, means(after)[to[name]]))


@settings(max_examples=30)
@given(st.data(), TABLES)
def test_whoever_is_ranked_first_does_not_hang_on_the_order_of_strategies(
    data: st.DataObject, table: np.ndarray
) -> None:
    names = NAMES[: table.shape[1]]
    one = summarise_ranks(scored(table, names), names)
    other = summarise_ranks(scored(table, names), data.draw(st.permutations(names)))
    assert means(one) == means(other)
    assert (one.p_value, one.critical_difference) == (other.p_value, other.critical_difference)
    assert {frozenset(group) for group in one.groups} == {frozenset(g) for g in other.groups}


@settings(max_examples=30)
@given(TABLES)
def test_ranks_ascend_and_groups_are_neighbours_within_the_difference(table: np.ndarray) -> None:
    names = NAMES[: table.shape[1]]
    found = summarise_ranks(scored(table, names), names)
    centers = [mean.center for mean in found.mean]
    assert all(low <= high + 1e-12 for low, high in pairwise(centers))
    assert all(1 <= mean.low <= mean.center <= mean.high <= len(names) for mean in found.mean)
    places = {name: place for place, name in enumerate(found.strategies)}
    for group in found.groups:
        spots = [places[name] for name in group]
        assert spots == list(range(spots[0], spots[-1] + 1))
        assert centers[spots[-1]] - centers[spots[0]] <= found.critical_difference


@settings(max_examples=30)
@given(TABLES)
def test_a_strategy_that_is_never_worse_is_never_ranked_lower(table: np.ndarray) -> None:
    better = table.copy()
    better[:, 0] = np.maximum(table[:, 0], table[:, 1])
    ranks = mean_ranks(better.astype(np.float64))
    assert ranks[0] <= ranks[1]
    assert ranks[0] <= mean_ranks(table.astype(np.float64))[0]


@settings(max_examples=30)
@given(st.data(), TABLES)
def test_friedman_is_a_probability_that_sees_ranks_only(
    data: st.DataObject, table: np.ndarray
) -> None:
    scores = table.astype(np.float64)
    p_value = friedman(scores)
    assert np.isnan(p_value) or 0 <= p_value <= 1
    to = data.draw(STEPS)
    columns = data.draw(st.permutations(range(table.shape[1])))
    assert close(p_value, friedman(to[table][:, list(columns)]))


@given(CELLS, st.floats(0.5, 0.999))
def test_an_interval_holds_its_estimate_and_widens_with_confidence(
    cells: dict[int, np.ndarray], confidence: float
) -> None:
    narrow, wide = mean_interval(cells, confidence), mean_interval(cells, 0.9995)
    assert wide.low <= narrow.low <= narrow.center <= narrow.high <= wide.high
    assert close(narrow.center, float(np.mean([values.mean() for values in cells.values()])))


@settings(max_examples=50)
@given(st.data(), CELLS)
def test_intervals_do_not_depend_on_the_order_of_lanes_or_supernets(
    data: st.DataObject, cells: dict[int, np.ndarray]
) -> None:
    order = data.draw(st.permutations(list(cells)))
    mixed = {f: np.array(data.draw(st.permutations(cells[f].tolist()))) for f in order}
    one, other = mean_interval(cells), mean_interval(mixed)
    for bound in ("center", "low", "high"):
        assert np.isclose(getattr(one, bound), getattr(other, bound), rtol=1e-6, atol=1e-6)


@given(CELLS, NUMBERS)
def test_a_difference_does_not_see_what_both_have_in_common(
    cells: dict[int, np.ndarray], level: float
) -> None:
    same = difference_interval(cells, cells)
    assert same.center == 0
    assert same.low <= 0 <= same.high
    raised = {seed: values + level for seed, values in cells.items()}
    found = difference_interval(raised, cells)
    assert np.isclose(found.center, level, atol=1e-4)
    assert found.low <= found.center <= found.high


@settings(max_examples=25)
@given(st.data(), SAMPLES, SAMPLES)
def test_a_permutation_test_does_not_depend_on_order_sides_or_level(
    data: st.DataObject, a: np.ndarray, b: np.ndarray
) -> None:
    def p_value(one: np.ndarray, other: np.ndarray) -> float:
        return permutation_test({0: one}, {0: other}, rng=np.random.default_rng(0)).p_value

    a, b = np.round(a), np.round(b)  # sums are exact, ties are ties
    mixed = np.array(data.draw(st.permutations(a.tolist())))
    assert p_value(a, b) == p_value(mixed, b) == p_value(b, a) == p_value(a + 8, b + 8)


@settings(max_examples=15)
@given(st.lists(arrays(np.float64, 4, elements=NUMBERS), min_size=1, max_size=4))
def test_tie_groups_count_up_along_the_means(samples: list[np.ndarray]) -> None:
    groups = tie_groups(samples, rng=np.random.default_rng(0))
    order = sorted(range(len(samples)), key=lambda index: round(samples[index].mean(), 12))
    along = [groups[index] for index in order]
    assert along[0] == 1
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(along))


@settings(max_examples=10)
@given(arrays(np.float64, st.integers(2, 6), elements=NUMBERS))
def test_a_bootstrap_interval_holds_the_mean_within_the_range(values: np.ndarray) -> None:
    found = bootstrap_interval(values, rng=np.random.default_rng(0))
    slack = 1e-9 * max(1, abs(values).max())
    assert values.min() - slack <= found.low <= found.center + slack
    assert found.center - slack <= found.high <= values.max() + slack


BLOCKS = 6
POINTS = st.lists(st.tuples(st.integers(0, BLOCKS), st.integers(0, 10)), max_size=8)
REFERENCES = st.sampled_from([0.0, 0.35, 1.0])


def columns(points: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.array([size for size, _ in points], dtype=np.int64)
    return sizes, np.array([accuracy / 10 for _, accuracy in points], dtype=np.float64)


def volume(points: list[tuple[int, int]], reference: float) -> float:
    return hypervolume(*columns(points), blocks=BLOCKS, reference=reference)


@settings(max_examples=60)
@given(st.data(), POINTS, POINTS, REFERENCES)
def test_a_hypervolume_never_shrinks_with_more_schemes(
    data: st.DataObject, points: list[tuple[int, int]], more: list[tuple[int, int]], at: float
) -> None:
    small, large = volume(points, at), volume(points + more, at)
    assert 0 <= small <= large + 1e-12
    assert large <= max(1 - at, 0) + 1e-12
    assert close(volume(data.draw(st.permutations(points)), at), small)
    kept = non_dominated(*columns(points))
    assert close(volume([p for p, keep in zip(points, kept, strict=True) if keep], at), small)


@given(POINTS)
def test_the_front_is_all_that_nobody_beats(points: list[tuple[int, int]]) -> None:
    kept = non_dominated(*columns(points))
    front = {point for point, keep in zip(points, kept, strict=True) if keep}
    beaten = {
        (size, accuracy)
        for size, accuracy in points
        for other, better in points
        if other <= size and better >= accuracy and (other, better) != (size, accuracy)
    }
    assert front == set(points) - beaten
    assert kept.sum() == len(front)


@given(POINTS)
def test_more_connections_allow_no_less(points: list[tuple[int, int]]) -> None:
    best = best_within(*columns(points), BLOCKS)
    known = best[~np.isnan(best)]
    assert np.all(np.diff(known) >= 0)
    assert np.isnan(best[: BLOCKS + 1 - len(known)]).all()
    for size in range(BLOCKS + 1):
        allowed = [accuracy / 10 for used, accuracy in points if used <= size]
        assert close(best[size], max(allowed, default=np.nan))

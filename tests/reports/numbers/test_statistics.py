from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmark.records.run import Interval
from reports.numbers.statistics import (
    best_so_far,
    bootstrap_interval,
    difference_interval,
    holm,
    mean_interval,
    mean_intervals,
    mean_ranks,
    permutation_test,
    shaffer,
)

RNG = np.random.default_rng(0)
NUMBERS = st.floats(-10, 10, width=32)
SAMPLES = arrays(np.float64, st.integers(2, 5), elements=NUMBERS)


def cells(*values: list[float]) -> dict[int, np.ndarray]:
    return {seed: np.array(row, dtype=np.float64) for seed, row in enumerate(values)}


def test_best_so_far_holds_the_maximum_and_skips_failed_answers() -> None:
    reward = np.array([np.nan, 1.0, 0.5, np.nan, 2.0, 1.5])
    assert best_so_far(reward).tolist()[1:] == [1.0, 1.0, 1.0, 2.0, 2.0]
    assert np.isnan(best_so_far(reward)[0])
    assert len(best_so_far(np.zeros(0))) == 0


@given(arrays(np.float64, st.integers(1, 20), elements=NUMBERS))
def test_best_so_far_never_falls_and_ends_at_the_maximum(reward: np.ndarray) -> None:
    best = best_so_far(reward)
    assert np.all(np.diff(best) >= 0)
    assert best[-1] == reward.max()
    assert np.all(best >= reward)


def test_mean_interval_of_one_supernet_is_students() -> None:
    found = mean_interval(cells([1.0, 2.0, 3.0]))
    half = 4.302652729911275 * 1 / sqrt(3)
    assert found.center == 2
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))


def test_mean_interval_weighs_supernets_equally_and_ignores_their_levels() -> None:
    near = mean_interval(cells([1.0, 3.0], [1.0, 3.0]))
    far = mean_interval(cells([1.0, 3.0], [101.0, 103.0]))
    assert far.center == 52
    assert far.high - far.center == pytest.approx(near.high - near.center)


def test_single_lane_has_no_interval_and_single_lanes_use_supernets() -> None:
    alone = mean_interval(cells([5.0]))
    assert (alone.center, alone.low, alone.high) == (5, -inf, inf)
    paired = mean_interval(cells([1.0], [2.0], [3.0]))
    assert paired.high == pytest.approx(2 + 4.302652729911275 / sqrt(3))


@given(SAMPLES, SAMPLES)
def test_difference_interval_is_welchs(a: np.ndarray, b: np.ndarray) -> None:
    found = difference_interval({0: a}, {0: b})
    assert found.center == pytest.approx(a.mean() - b.mean(), abs=1e-9)
    if min(np.var(a), np.var(b)) > 1e-6:
        expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_difference_interval_with_one_lane_a_supernet_is_the_paired_one() -> None:
    found = difference_interval(cells([3.0], [5.0], [4.0]), cells([1.0], [2.0], [3.0]))
    expected = stats.ttest_rel([3, 5, 4], [1, 2, 3]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_difference_interval_uses_shared_supernets_only() -> None:
    found = difference_interval(cells([1.0, 2.0], [50.0, 60.0]), cells([0.0, 1.0]))
    assert found.center == 1


@given(SAMPLES, SAMPLES)
def test_difference_interval_turns_round_with_its_sides(a: np.ndarray, b: np.ndarray) -> None:
    one, other = difference_interval({0: a}, {0: b}), difference_interval({0: b}, {0: a})
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


def test_permutation_test_of_three_against_three_worked_by_hand() -> None:
    found = permutation_test(cells([4.0, 5.0, 6.0]), cells([1.0, 2.0, 3.0]), rng=RNG)
    assert found.p_value == pytest.approx(2 / 20)
    assert found.smallest == pytest.approx(2 / 20)
    assert found.exact


@settings(max_examples=30)
@given(
    arrays(np.float64, 4, elements=st.integers(0, 5).map(float)),
    arrays(np.float64, 4, elements=st.integers(0, 5).map(float)),
)
def test_permutation_test_equals_scipys(a: np.ndarray, b: np.ndarray) -> None:
    def gap(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(x.mean(axis=axis) - y.mean(axis=axis))

    expected = stats.permutation_test((a, b), gap, vectorized=True, n_resamples=np.inf)
    found = permutation_test({0: a}, {0: b}, rng=RNG)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_permutation_test_stays_within_supernets() -> None:
    # The supernets differ by 100, the strategies by 1 on each: 2 of 2² sign flips are as extreme.
    found = permutation_test(cells([101.0], [1.0]), cells([100.0], [0.0]), rng=RNG)
    assert found.p_value == pytest.approx(2 / 4)


def test_unequal_groups_have_one_most_extreme_relabelling() -> None:
    # 10.5 − 2 = 8.5; the other end, {1, 2} against {3, 10, 11}, is 6.5 away only.
    found = permutation_test(cells([10.0, 11.0]), cells([1.0, 2.0, 3.0]), rng=RNG)
    assert found.p_value == pytest.approx(1 / 10)
    assert found.smallest == pytest.approx(1 / 10)


def test_many_lanes_are_drawn_and_repeat_with_the_generator() -> None:
    a, b = np.arange(12.0), np.arange(12.0) + 1
    one, two = (
        permutation_test({0: a}, {0: b}, rng=np.random.default_rng(3)).p_value for _ in range(2)
    )
    assert one == two
    assert one == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.05)
    assert not permutation_test({0: a}, {0: b}, rng=RNG).exact


@given(SAMPLES, SAMPLES)
def test_permutation_p_is_a_probability_above_its_floor(a: np.ndarray, b: np.ndarray) -> None:
    found = permutation_test({0: a}, {0: b}, rng=RNG)
    assert found.smallest <= found.p_value + 1e-12
    assert found.p_value <= 1


def test_holm_worked_by_hand() -> None:
    adjusted = holm(np.array([0.01, 0.04, 0.03]))
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert len(holm(np.zeros(0))) == 0


def test_shaffer_worked_by_hand() -> None:
    """Of four strategies six pairs may be equal; once two differ, three."""
    adjusted = shaffer(np.array([0.01, 0.04, 0.03]), compared=4)
    assert adjusted.tolist() == pytest.approx([0.06, 0.12, 0.09])
    assert shaffer(np.array([0.04]), compared=2).tolist() == [0.04]
    assert len(shaffer(np.zeros(0), compared=1)) == 0


def test_shaffer_counts_those_that_the_leader_could_not_be_tested_against() -> None:
    assert shaffer(np.array([0.01]), compared=4).tolist() == pytest.approx([0.06])


@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 1)))
def test_shaffer_is_never_less_strict_than_holm(p_values: np.ndarray) -> None:
    assert np.all(shaffer(p_values, compared=len(p_values) + 1) >= holm(p_values) - 1e-12)


@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 1)))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: np.ndarray) -> None:
    adjusted = holm(p_values)
    assert np.all(adjusted >= p_values)
    assert np.all(adjusted <= 1)
    assert np.all(np.diff(adjusted[np.argsort(p_values)]) >= 0)


def test_mean_ranks_share_ties() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [5.0, 5.0, 1.0]])
    assert mean_ranks(scores).tolist() == [1.25, 1.75, 3.0]


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=NUMBERS))
def test_mean_ranks_sum_to_a_constant(scores: np.ndarray) -> None:
    strategies = scores.shape[1]
    assert mean_ranks(scores).sum() == pytest.approx(strategies * (strategies + 1) / 2)


@given(st.lists(arrays(np.float64, st.tuples(st.integers(1, 4), st.just(3)), elements=NUMBERS),
                min_size=1, max_size=3))  # fmt: skip
def test_intervals_of_a_line_are_those_of_its_points(lines: list[np.ndarray]) -> None:
    center, low, high = mean_intervals(dict(enumerate(lines)))
    for point in range(3):
        alone = mean_interval({seed: line[:, point] for seed, line in enumerate(lines)})
        found = (center[point], low[point], high[point])
        assert found == pytest.approx((alone.center, alone.low, alone.high), rel=1e-6, abs=1e-6)


def test_a_single_value_has_no_bootstrap_interval() -> None:
    found = bootstrap_interval(np.array([0.3]), rng=np.random.default_rng(0))
    assert found == Interval(0.3, -np.inf, np.inf)

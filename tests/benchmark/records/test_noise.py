from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel

from benchmark.records.noise import paired_difference, residual_noise

FULL = "111"


def test_residual_variance_of_a_table_worked_by_hand() -> None:
    # Means: rows 1, 3; columns 1, 3 of [[0, 2], [2, 4]] plus noise ±0.5 in a checkerboard.
    scores = {"100": {0: 0.5, 1: 1.5}, "111": {0: 1.5, 1: 4.5}}
    noise = residual_noise(scores)
    assert noise.freedom == 1
    assert noise.variance == pytest.approx(4 * 0.5**2)


def test_purely_additive_scores_leave_no_noise() -> None:
    scores = {"100": {0: 0.90, 1: 0.92}, "010": {0: 0.93, 1: 0.95}, "111": {0: 0.91, 1: 0.93}}
    noise = residual_noise(scores)
    assert noise.freedom == 2
    assert noise.variance == pytest.approx(0, abs=1e-25)


def test_one_seed_or_nothing_leaves_noise_unknown() -> None:
    assert residual_noise({"100": {0: 0.9}, "111": {0: 0.8}}).freedom == 0
    assert residual_noise({}).variance == inf


def test_missing_cell_costs_one_degree_of_freedom() -> None:
    scores = {"100": {0: 0.90, 1: 0.91}, "010": {0: 0.93}, "111": {0: 0.91, 1: 0.93}}
    assert residual_noise(scores).freedom == 1


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_two_schemes_give_the_paired_t_interval(values: list[float]) -> None:
    one, other = np.array(values[:3]), np.array(values[3:])
    scores = {"100": dict(enumerate(values[:3])), FULL: dict(enumerate(values[3:]))}
    gap = paired_difference(scores, "100", FULL, residual_noise(scores))
    assert gap is not None
    half = t.ppf(0.975, 2) * np.std(one - other, ddof=1) / sqrt(3)
    assert (gap.low, gap.high) == pytest.approx(
        ((one - other).mean() - half, (one - other).mean() + half), abs=1e-9
    )


def test_two_schemes_agree_with_scipy() -> None:
    one, other = [0.95, 0.93, 0.96], [0.90, 0.91, 0.92]
    scores = {"100": dict(enumerate(one)), FULL: dict(enumerate(other))}
    gap = paired_difference(scores, "100", FULL, residual_noise(scores))
    expected = ttest_rel(one, other).confidence_interval(0.95)
    assert gap is not None
    assert (gap.low, gap.high) == pytest.approx((expected.low, expected.high))

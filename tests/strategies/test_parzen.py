import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool

from strategies._parzen import ParzenEstimator
from strategies.base import Schemes

CUBE = np.array(list(np.ndindex(2, 2, 2)), dtype=bool)


def bits(*rows: str) -> Schemes:
    return np.array([[bit == "1" for bit in row] for row in rows], dtype=bool)


def test_without_trials_every_scheme_is_equally_likely() -> None:
    estimator = ParzenEstimator(np.empty((0, 3), dtype=bool))
    assert np.exp(estimator.log_density(CUBE)) == pytest.approx([1 / 8] * 8)


def test_one_trial_worked_by_hand() -> None:
    """s = 1/2: a bit of the trial has 3/4; the trial and the uniform kernel weigh 1/2 each."""
    density = np.exp(ParzenEstimator(bits("10")).log_density(bits("10", "11", "00", "01")))
    assert density == pytest.approx([13 / 32, 7 / 32, 7 / 32, 5 / 32])


def test_two_trials_worked_by_hand() -> None:
    """s = 1/3: a bit of the trial has 4/5; three kernels weigh 1/3 each."""
    density = np.exp(ParzenEstimator(bits("1", "1")).log_density(bits("1", "0")))
    assert density == pytest.approx([(4 / 5 + 4 / 5 + 1 / 2) / 3, (1 / 5 + 1 / 5 + 1 / 2) / 3])


def test_of_27_trials_the_oldest_weighs_a_27th_and_the_others_and_the_uniform_one_1() -> None:
    """s = 1/28: 29/30 for the trial's own bit, 1/30 for the other."""
    trials = bits("1", *["0"] * 26)
    [density] = np.exp(ParzenEstimator(trials).log_density(bits("1")))
    expected = (1 / 27 * 29 / 30 + 26 * 1 / 30 + 1 / 2) / (1 / 27 + 27)
    assert density == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(trials=st.integers(0, 40).flatmap(lambda rows: arrays(bool, (rows, 3))))
def test_densities_sum_to_1(trials: Bool[np.ndarray, "trials 3"]) -> None:
    assert np.exp(ParzenEstimator(trials).log_density(CUBE)).sum() == pytest.approx(1)


def test_draws_have_that_density() -> None:
    estimator = ParzenEstimator(bits("110", "111", "010"))
    drawn = estimator.sample(np.random.RandomState(3), 20_000)
    shares = [(drawn == corner).all(axis=1).mean() for corner in CUBE]
    assert shares == pytest.approx(np.exp(estimator.log_density(CUBE)), abs=0.01)

"""Densities of a tree-structured Parzen estimator over bits."""

from typing import final

import numpy as np
from jaxtyping import Bool, Float64

from strategies.base import Schemes

_RECENT = 25
"""Latest trials that count in full; the weights of older ones rise linearly up to theirs."""


@final
class ParzenEstimator:
    """Mixture of one product of Bernoulli distributions for each trial, and a uniform one.

    The multivariate estimator for categorical variables of Optuna 5, in its default setting
    and for bits alone: of n trials, each one's kernel gives a bit of the trial the
    probability (1 + s) / (1 + 2 s), where s = 1 / (n + 1). The uniform kernel weighs as much
    as one of the latest 25 trials; those before weigh less the older they are.

    Draws, densities and their order of summation are Optuna's, so that both ask for the same
    schemes from the same seed (`tests/strategies/test_parzen.py`).

    Args:
        trials: one a row, the latest last; may have no rows.
    """

    def __init__(self, trials: Schemes) -> None:
        self._trials = trials
        weights = np.append(_weights(len(trials)), 1.0)
        self._weights: Float64[np.ndarray, " kernels"] = weights / weights.sum()
        share = 1.0 / (len(trials) + 1)
        self._same, self._other = np.array([share + 1, share]) / (share + (share + 1))

    def sample(self, rng: np.random.RandomState, size: int) -> Bool[np.ndarray, "size bits"]:
        """Draw from the mixture, repetitions included."""
        kernels = rng.choice(len(self._weights), p=self._weights, size=size)
        bits = self._trials.shape[1]
        zero = np.where(self._trials, self._other, self._same)
        zero = np.vstack([zero, np.full(bits, 0.5)])  # probability of a zero in each kernel
        drawn: Bool[np.ndarray, "size bits"] = zero[kernels] < rng.random_sample((bits, size)).T
        return drawn

    def log_density(self, schemes: Schemes) -> Float64[np.ndarray, " n"]:
        """Natural logarithm of each scheme's probability under the mixture."""
        same, other, uniform = np.log([self._same, self._other, 0.5])
        logs = np.zeros((len(schemes), len(self._weights)))
        for bits, of_trials in zip(schemes.T, self._trials.T, strict=True):
            logs[:, :-1] += np.where(bits[:, None] == of_trials, same, other)
            logs[:, -1] += uniform
        logs += np.log(self._weights)
        largest = logs.max(axis=1)
        density: Float64[np.ndarray, " n"]
        density = np.log(np.exp(logs - largest[:, None]).sum(axis=1)) + largest
        return density


def _weights(trials: int) -> Float64[np.ndarray, " trials"]:
    if trials < _RECENT:
        return np.ones(trials)
    return np.append(np.linspace(1.0 / trials, 1.0, num=trials - _RECENT), np.ones(_RECENT))

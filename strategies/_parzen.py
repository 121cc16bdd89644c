"""Optuna's tree-structured Parzen estimator where every variable is a bit, without its loops.

Optuna 5 goes through all trials and variables in Python at every question, and makes one
distribution a variable. Here the history is one matrix. Draws, densities and their order of
summation are Optuna's, so that both ask for the same schemes from the same seed.
"""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float64
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.study import Study
from optuna.trial import FrozenTrial


@final
class _Bit(CategoricalDistribution):
    """False or true; never changed, so that copying and comparing it needs no look inside."""

    __hash__ = CategoricalDistribution.__hash__

    def __init__(self) -> None:
        super().__init__([False, True])

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    def __deepcopy__(self, memo: object) -> "_Bit":
        return self


BIT = _Bit()
"""The variable of a block."""

_Columns = dict[str, np.ndarray]
"""Values of each variable, one a trial or draw; Optuna's form of a matrix."""


@final
class BitSampler(TPESampler):
    """Optuna's sampler for one study whose finished trials all have the same bits.

    Args:
        variables: names of the bits.
        startup: random trials before the estimator is used.
        candidates: draws from the density of good trials among which the best is taken.
        seed: of its random state.
    """

    def __init__(self, variables: list[str], *, startup: int, candidates: int, seed: int) -> None:
        # Nothing is asked while an answer is due, so there is nobody to tell lies about.
        super().__init__(
            n_startup_trials=startup, n_ei_candidates=candidates, seed=seed, constant_liar=False
        )
        self._parzen_estimator_cls = BitParzenEstimator
        self._space: dict[str, BaseDistribution] = dict.fromkeys(sorted(variables), BIT)
        self._rows: dict[int, bytes] = {}

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002 - all of its trials have all variables
        trial: FrozenTrial,  # noqa: ARG002 - as above
    ) -> dict[str, BaseDistribution]:
        return self._space

    def _get_internal_repr(
        self,
        trials: list[FrozenTrial],
        search_space: dict[str, BaseDistribution],
        study: Study,  # noqa: ARG002 - Optuna's signature
    ) -> _Columns:
        rows = b"".join([self._row(trial) for trial in trials])
        matrix = np.frombuffer(rows, dtype=bool).reshape(len(trials), len(search_space))
        return dict(zip(search_space, matrix.T, strict=True))

    def _row(self, trial: FrozenTrial) -> bytes:
        row = self._rows.get(trial.number)
        if row is None:
            params = trial.params
            row = self._rows[trial.number] = bytes(params[name] for name in self._space)
        return row


@final
class BitParzenEstimator(_ParzenEstimator):
    """Mixture of one product of Bernoulli distributions for each trial, and a uniform one.

    See `optuna.samplers._tpe.parzen_estimator` for what arguments mean; of variables that
    are no bits it knows nothing. Draws of the same bits come once, at the place of the
    first: whoever looks for the best of them finds the same.
    """

    def __init__(
        self,
        observations: _Columns,
        search_space: dict[str, BaseDistribution],
        parameters: Any,
        predetermined_weights: Float64[np.ndarray, " trials"] | None = None,
    ) -> None:
        self._names = list(search_space)
        self._trials: Bool[np.ndarray, "trials bits"] = self._matrix(observations)
        trials = len(self._trials)
        weights = predetermined_weights
        if weights is None:
            weights = self._call_weights_func(parameters.weights, trials)
        weights = np.append(weights, parameters.prior_weight if trials else 1.0)
        self._weights: Float64[np.ndarray, " kernels"] = weights / weights.sum()
        share = parameters.prior_weight / (trials + 1)
        self._same, self._other = np.array([share + 1, share]) / (share + (share + 1))

    def sample(self, rng: np.random.RandomState, size: int) -> _Columns:
        kernels = rng.choice(len(self._weights), p=self._weights, size=size)
        quantiles = rng.random_sample((len(self._names), size)).T
        drawn = quantiles > self._unconnected[kernels]
        rows = dict.fromkeys(row.tobytes() for row in drawn)
        distinct = np.frombuffer(b"".join(rows), dtype=bool).reshape(len(rows), -1)
        return dict(zip(self._names, distinct.T.astype(np.float64), strict=True))

    def log_pdf(self, samples_dict: Mapping[str, np.ndarray]) -> Float64[np.ndarray, " samples"]:
        samples = self._matrix(samples_dict)
        same, other, uniform = np.log([self._same, self._other, 0.5])
        logs = np.zeros((len(samples), len(self._weights)))
        for sample_bit, trial_bit in zip(samples.T, self._trials.T, strict=True):
            logs[:, :-1] += np.where(sample_bit[:, None] == trial_bit, same, other)
            logs[:, -1] += uniform
        logs += np.log(self._weights)
        largest = logs.max(axis=1)
        density: Float64[np.ndarray, " samples"]
        density = np.log(np.exp(logs - largest[:, None]).sum(axis=1)) + largest
        return density

    @property
    def _unconnected(self) -> Float64[np.ndarray, "kernels bits"]:
        """Probability of a zero."""
        of_trials = np.where(self._trials, self._other, self._same)
        return np.vstack([of_trials, np.full(len(self._names), 0.5)])

    def _matrix(self, columns: Mapping[str, np.ndarray]) -> Bool[np.ndarray, "rows bits"]:
        return np.array([columns[name] for name in self._names]).T.astype(bool)

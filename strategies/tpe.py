import logging
from typing import final

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import Trial, TrialState, create_trial

from strategies._checks import require_positive
from strategies._history import History
from strategies._parzen import BIT, BitSampler
from strategies._unseen import Scheme
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_LOGGER = "optuna.storages._in_memory"
"""Announces every new study on stderr."""


def new_study(name: str, direction: StudyDirection, sampler: BaseSampler) -> Study:
    """A study of Optuna's in memory, which Optuna doesn't announce."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        storage = InMemoryStorage()
        storage.create_new_study([direction], name)
    finally:
        logger.setLevel(before)
    return Study(name, storage, sampler=sampler)


@final
class TPE(Strategy):
    """Optuna's tree-structured Parzen estimator, in memory, a categorical variable a block.

    Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011), in
    Optuna's multivariate form: it asks where the density of good schemes is largest
    against that of the others. Categorical bits did far better in trials than integers
    between 0 and 1. Of Optuna's other samplers its Gaussian process takes seconds a
    question, and NSGA-II is here under its own name.

    Schemes are asked one by one, and none twice: where Optuna repeats itself, the
    closest scheme that nobody has seen is asked and taught to it. The search finishes
    when the space is exhausted. A failed answer teaches nothing.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        startup: random schemes before the estimator is used.
        candidates: draws from the density of good schemes among which the best is asked.
    """

    name = "tpe"
    summary = "tree-structured Parzen estimator (Optuna) on categorical bits"
    source = "Algorithms for Hyper-Parameter Optimization"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        startup: int = 10,
        candidates: int = 24,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(startup=startup, candidates=candidates)
        self._history = History(space.blocks, rng=rng)
        names = [str(block) for block in range(space.blocks)]
        self._variables: dict[str, BaseDistribution] = dict.fromkeys(names, BIT)
        sampler = BitSampler(
            names, startup=startup, candidates=candidates, seed=int(rng.integers(2**31))
        )
        self._study = new_study("search", StudyDirection.MAXIMIZE, sampler)
        self._trial: Trial | None = None

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - each answer decides the next question
        if self._history.exhausted:
            return self._history.draw(0)
        trial = self._study.ask(self._variables)
        params = trial.params  # a copy each time
        scheme = np.array([params[name] for name in self._variables], dtype=bool)
        if scheme in self._history:
            self._study.tell(trial, state=TrialState.FAIL)
            self._trial = None
            return self._history.propose(self._history.nearby(scheme))
        self._trial = trial
        return self._history.propose(scheme[None])

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self._history.record(schemes, answers)
        [reward] = answers.reward
        if self._trial is None:
            self._teach(schemes[0], float(reward))
        elif np.isnan(reward):
            self._study.tell(self._trial, state=TrialState.FAIL)
        else:
            self._study.tell(self._trial, float(reward))

    def _teach(self, scheme: Scheme, reward: float) -> None:
        if np.isnan(reward):
            return
        params = dict(zip(self._variables, scheme.tolist(), strict=True))
        trial = create_trial(params=params, distributions=self._variables, value=reward)
        self._study.add_trial(trial)

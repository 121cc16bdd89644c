from math import ceil
from typing import final

import numpy as np

from strategies._checks import require_positive
from strategies._history import History
from strategies._parzen import ParzenEstimator
from strategies._unseen import Scheme
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_GOOD = 0.1
"""Fraction of the trials that count as good, rounded up."""
_MOST_GOOD = 25


@final
class TPE(Strategy):
    """Tree-structured Parzen estimator over bits, as Optuna 5 has it for categorical variables.

    Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011), in
    Optuna's multivariate form: it asks where the density of good schemes is largest
    against that of the others. It asks for what Optuna's ``TPESampler`` asks for from the
    same seed, several times as fast. Categorical bits did far better in trials than
    integers between 0 and 1. Of Optuna's other samplers its Gaussian process takes seconds
    a question, and NSGA-II is here under its own name.

    Schemes are asked one by one, and none twice: where the estimator repeats itself, the
    closest scheme that nobody has seen is asked. The search finishes when the space is
    exhausted. A failed answer teaches nothing.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        startup: random schemes before the estimator is used.
        candidates: draws from the density of good schemes among which the best is asked.
    """

    name = "tpe"
    summary = "tree-structured Parzen estimator, as Optuna's, on categorical bits"
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
        self._startup = startup
        self._candidates = candidates
        # Optuna's two streams, which begin alike.
        seed = int(rng.integers(2**31))
        self._at_first, self._later = (np.random.RandomState(seed) for _ in range(2))
        # Optuna draws the variables in the order of their names: 0, 1, 10, 11, 2, …
        self._by_name = np.array(sorted(range(space.blocks), key=str))

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - each answer decides the next question
        if self._history.exhausted:
            return self._history.draw(0)
        scheme = self._suggested()
        if scheme in self._history:
            return self._history.propose(self._history.nearby(scheme))
        return self._history.propose(scheme[None])

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self._history.record(schemes, answers)

    def _suggested(self) -> Scheme:
        """What Optuna's sampler suggests next; perhaps not for the first time."""
        rewards = self._history.rewards
        answered = np.isfinite(rewards)
        trials = int(answered.sum())
        if trials < self._startup:
            # Of two uniform draws a block the larger one decides.
            drawn: Scheme = self._at_first.random_sample((self.space.blocks, 2)).argmax(1) == 1
            return drawn
        good = np.zeros(trials, dtype=bool)
        order = np.argsort(-rewards[answered], kind="stable")
        good[order[: min(ceil(_GOOD * trials), _MOST_GOOD)]] = True
        schemes = self._history.schemes[answered][:, self._by_name]
        below, above = ParzenEstimator(schemes[good]), ParzenEstimator(schemes[~good])
        drawn = below.sample(self._later, self._candidates)
        best = np.argmax(below.log_density(drawn) - above.log_density(drawn))
        scheme: Scheme = np.empty(self.space.blocks, dtype=bool)
        scheme[self._by_name] = drawn[best]
        return scheme

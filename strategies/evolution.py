from collections import deque
from typing import final

import numpy as np

from strategies._checks import require_positive
from strategies._history import History
from strategies._unseen import Scheme
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class Evolution(Strategy):
    """Regularised evolution: the best of a random sample has a child, the oldest dies.

    Real et al., "Regularized Evolution for Image Classifier Architecture Search" (AAAI
    2019): a queue of individuals; each cycle a tournament picks a parent, its mutant
    joins the queue and the oldest leaves it, however good it is. A mutation flips one
    block. Their 100 individuals and tournaments of 25 are meant for 20,000 evaluations;
    the defaults keep the proportion at the size of our budgets.

    No scheme is asked twice: of a parent's mutants one that nobody has seen is taken,
    further away if need be, and the search finishes when the space is exhausted. A
    failed answer counts as the worst reward.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        population: individuals alive; the first ones are random.
        tournament: individuals that compete to be the parent, drawn with replacement.
    """

    name = "evolution"
    summary = "regularised evolution: tournaments, one flip, the oldest dies"
    source = "Regularized Evolution for Image Classifier Architecture Search"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        population: int = 20,
        tournament: int = 5,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(population=population, tournament=tournament)
        self._population = population
        self._tournament = tournament
        self._history = History(space.blocks, rng=rng)
        self._alive: deque[tuple[float, Scheme]] = deque(maxlen=population)

    def ask(self, n: int) -> Schemes:
        missing = self._population - len(self._alive)
        if missing > 0:
            return self._history.propose(self._history.draw(min(n, missing)))
        entrants = self.rng.integers(self._population, size=self._tournament)
        _, parent = max((self._alive[entrant] for entrant in entrants), key=lambda one: one[0])
        return self._history.propose(self._history.nearby(parent))

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        rewards = self._history.record(schemes, answers)
        self._alive.extend(zip(rewards.tolist(), schemes.copy(), strict=True))

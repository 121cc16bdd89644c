from typing import final

import numpy as np
from threadpoolctl import ThreadpoolController

from strategies._checks import require_positive
from strategies._history import History, flipped
from strategies._quadratic import Quadratic, second_order
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_BEST = 4
"""Best schemes so far that acquisition climbs from, beside random ones."""


@final
class Surrogate(Strategy):
    """A sparse model of blocks and pairs of blocks; asks where a draw of it is highest.

    In the manner of Baptista and Poloczek, "Bayesian Optimization of Combinatorial
    Structures" (BOCS, ICML 2018): the reward is regressed on every block and every pair
    under a horseshoe prior; each question is the best scheme under one draw from the
    posterior (Thompson sampling), which asks much where the model is sure and tries the
    rest as often as it may be right. Differing from BOCS: one sweep of the Gibbs sampler
    an evaluation instead of a chain of its own, which makes a question cost milliseconds;
    many steepest ascents, from the best schemes so far and from random ones, instead of
    simulated annealing; and instead of random schemes at the start a climb that flips one
    block after the other, keeping what is not worse, so that the model begins with every
    block's effect around a good scheme.

    No scheme is asked twice: of the local optima of a draw the best that nobody has seen
    is asked, else the draw's best new neighbour of its highest. The search finishes when
    the space is exhausted. A failed answer teaches nothing.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        passes: times the first climb tries each block.
        starts: random schemes that acquisition climbs from.
        sweeps: of the Gibbs sampler before each question.
    """

    name = "surrogate"
    summary = "Thompson sampling on a sparse model of blocks and pairs"
    source = "Bayesian Optimization of Combinatorial Structures"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        passes: int = 1,
        starts: int = 32,
        sweeps: int = 1,
    ) -> None:
        from strategies._horseshoe import Horseshoe

        super().__init__(space, rng=rng)
        require_positive(passes=passes, starts=starts, sweeps=sweeps)
        blocks = space.blocks
        self._first = passes * blocks
        self._order = rng.permutation(blocks)
        self._starts = starts
        self._sweeps = sweeps
        self._history = History(blocks, rng=rng)
        self._model = Horseshoe(1 + blocks + blocks * (blocks - 1) // 2, rng=rng)
        # More threads would sum in another order, and the chain would go another way.
        self._threads = ThreadpoolController()

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - each answer decides the next question
        if self._history.exhausted:
            return self._history.draw(0)
        if not np.isfinite(self._history.rewards).any():
            return self._history.propose(self._history.draw(1))
        if len(self._history) <= self._first:
            return self._history.propose(self._flip())
        with self._threads.limit(limits=1, user_api="blas"):
            for _ in range(self._sweeps):
                coefficients = self._model.sweep()
            model = Quadratic(coefficients, blocks=self.space.blocks)
            return self._history.propose(self._highest(model))

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        rewards = self._history.record(schemes, answers)
        answered = np.isfinite(rewards)
        self._model.add(second_order(schemes[answered]), rewards[answered])

    def _flip(self) -> Schemes:
        """The best scheme with the next block flipped that makes it new."""
        rewards = self._history.rewards
        # The latest of equals, to move on across plateaus.
        best = self._history.schemes[len(rewards) - 1 - rewards[::-1].argmax()]
        neighbours = flipped(best)
        for block in np.roll(self._order, -len(self._history)):
            if neighbours[block] not in self._history:
                return neighbours[[block]]
        return self._history.nearby(best)

    def _highest(self, model: Quadratic) -> Schemes:
        """The model's highest local optimum that is new, or the best new one beside it."""
        best = np.argsort(-self._history.rewards, kind="stable")[:_BEST]
        anywhere = self.rng.random((self._starts, self.space.blocks)) < 0.5  # noqa: PLR2004
        optima = model.climb(np.concatenate([self._history.schemes[best], anywhere]))
        optima = optima[np.argsort(-model.value(optima), kind="stable")]
        neighbours = flipped(optima[0])
        neighbours = neighbours[np.argsort(-model.value(neighbours), kind="stable")]
        for candidate in np.concatenate([optima, neighbours]):
            if candidate not in self._history:
                new: Schemes = candidate[None]
                return new
        return self._history.nearby(optima[0])

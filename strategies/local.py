from typing import final

import numpy as np

from strategies._checks import require_fraction, require_positive
from strategies._history import History, flipped
from strategies._unseen import Scheme
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class Local(Strategy):
    """Hill climbing with restarts: flip one block, keep what is not worse.

    The local search that White, Nolen and Savani, "Exploring the Loss Landscape in
    Neural Architecture Search" (UAI 2021), found hard to beat on small spaces, in its
    first-improvement form: neighbours are tried one by one in a cyclic order drawn anew
    for each climb, so that without interactions a climb takes one pass over the blocks.
    Equals are accepted, which lets it drift across plateaus. When all neighbours of the
    current scheme have been asked, it starts again: in half of the cases elsewhere, in
    the other half a few random flips from the best scheme so far (Lourenço, Martin and
    Stützle, "Iterated Local Search"). No scheme is asked twice; a failed answer counts
    as the worst; the search finishes when the space is exhausted.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        kick_probability: of restarting near the best scheme rather than anywhere.
        kick_flips: blocks that are flipped for it, at most all.
    """

    name = "local"
    summary = "hill climbing by single flips, with restarts"
    source = "Exploring the Loss Landscape in Neural Architecture Search"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        kick_probability: float = 0.5,
        kick_flips: int = 4,
    ) -> None:
        super().__init__(space, rng=rng)
        require_fraction(kick_probability=kick_probability)
        require_positive(kick_flips=kick_flips)
        self._kick_probability = kick_probability
        self._kick_flips = min(kick_flips, space.blocks)
        self._history = History(space.blocks, rng=rng)
        self._current: Scheme | None = None
        self._reward = -np.inf
        self._order: list[int] = []

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - each answer decides the next question
        candidate = self._neighbour()
        if candidate is None:
            self._current = None
            candidate = self._restart()
        return self._history.propose(candidate)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        [reward] = self._history.record(schemes, answers)
        if self._current is None:
            self._order = self.rng.permutation(self.space.blocks).tolist()
        if self._current is None or reward >= self._reward:
            self._current, self._reward = schemes[0].copy(), float(reward)

    def _neighbour(self) -> Schemes | None:
        """The next neighbour that has not been asked, and the order moved on behind it."""
        if self._current is None:
            return None
        neighbours = flipped(self._current)
        for turn, block in enumerate(self._order):
            if neighbours[block] not in self._history:
                self._order = self._order[turn + 1 :] + self._order[: turn + 1]
                return neighbours[[block]]
        return None

    def _restart(self) -> Schemes:
        if len(self._history) == 0 or self.rng.random() >= self._kick_probability:
            return self._history.draw(1)
        start = self._history.schemes[self._history.rewards.argmax()]
        start[self.rng.choice(self.space.blocks, self._kick_flips, replace=False)] ^= True
        return self._history.nearby(start) if start in self._history else start[None]

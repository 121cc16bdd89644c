"""What a search has proposed and heard, and steps from there to schemes it has not."""

from typing import final

import numpy as np
from jaxtyping import Bool, Float64

from strategies._unseen import Scheme, draw_unseen, scheme_key
from strategies.base import Answers, Schemes


def flipped(scheme: Scheme) -> Bool[np.ndarray, "blocks blocks"]:
    """The neighbours of a scheme: row i differs from it in block i alone."""
    neighbours: Bool[np.ndarray, "blocks blocks"] = scheme ^ np.eye(len(scheme), dtype=bool)
    return neighbours


@final
class History:
    """Every scheme proposed so far, none twice, and the rewards of those that were answered.

    A failed answer (NaN) counts as the worst reward there is, so that its scheme is
    neither built upon nor asked again.

    Args:
        blocks: bits of a scheme.
        rng: source of the draws.
    """

    def __init__(self, blocks: int, *, rng: np.random.Generator) -> None:
        self._blocks = blocks
        self._rng = rng
        self._seen: set[bytes] = set()
        self._schemes = np.empty((64, blocks), dtype=bool)  # longer than what is known
        self._rewards = np.empty(64)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __contains__(self, scheme: Scheme) -> bool:
        return scheme_key(scheme) in self._seen

    @property
    def exhausted(self) -> bool:
        """Whether every scheme of the space has been proposed."""
        return len(self._seen) == 1 << self._blocks

    @property
    def schemes(self) -> Schemes:
        """Answered schemes in the order of their answers."""
        return self._schemes[: self._length].copy()

    @property
    def rewards(self) -> Float64[np.ndarray, " n"]:
        """Their rewards; -inf for failures."""
        return self._rewards[: self._length].copy()

    def propose(self, schemes: Schemes) -> Schemes:
        """Mark schemes as proposed and hand them on."""
        self._seen.update(map(scheme_key, schemes))
        return schemes

    def record(self, schemes: Schemes, answers: Answers) -> Float64[np.ndarray, " n"]:
        """Take answers in; returns their rewards, -inf for failures."""
        rewards = np.where(np.isnan(answers.reward), -np.inf, answers.reward)
        before, self._length = self._length, self._length + len(rewards)
        while self._length > len(self._rewards):
            self._schemes = np.concatenate([self._schemes, np.empty_like(self._schemes)])
            self._rewards = np.concatenate([self._rewards, np.empty_like(self._rewards)])
        self._schemes[before : self._length] = schemes
        self._rewards[before : self._length] = rewards
        return rewards

    def draw(self, count: int) -> Schemes:
        """Uniformly random schemes nobody has proposed; fewer where the space holds no more."""
        return draw_unseen(self._rng, count=count, blocks=self._blocks, seen=self._seen)

    def nearby(self, scheme: Scheme) -> Schemes:
        """One new scheme, as few flips from ``scheme`` as a random walk takes; none if exhausted.

        A neighbour that has not been proposed, if there is one, each with equal chance;
        otherwise the walk goes on from a random neighbour, for at most as many steps as
        there are blocks, and then anywhere.
        """
        for _ in range(self._blocks):
            neighbours = flipped(scheme)
            fresh = [row for row, neighbour in enumerate(neighbours) if neighbour not in self]
            if fresh:
                return neighbours[[self._rng.choice(fresh)]]
            scheme = neighbours[self._rng.integers(self._blocks)]
        return self.draw(1)

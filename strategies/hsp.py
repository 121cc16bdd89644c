from typing import final

import numpy as np

from strategies.base import Answers, Schemes, SearchSpace, Strategy


def periodic_schemes(blocks: int) -> Schemes:
    """Every phase of every period, short periods first, each scheme once.

    Period p and phase q connect the blocks q, q + p, q + 2p, …: 111…, then 1010…,
    0101…, then 100100…, 010010…, 001001…, up to the schemes with a single connection.
    """
    positions = np.arange(blocks)
    schemes: dict[bytes, Schemes] = {}
    for period in range(1, blocks + 1):
        for phase in range(period):
            scheme = positions % period == phase
            schemes.setdefault(scheme.tobytes(), scheme)
    return np.array(list(schemes.values()), dtype=bool)


@final
class HSP(Strategy):
    """The heuristic selection policy: connect every second, third, … block.

    The yardstick of "The Lottery Ticket Hypothesis for Self-attention in Convolutional
    Neural Network" that needs no search (its Table III shows 1010…, 0101…, 100100… and
    010010…). Stated by the paper: these four. Inferred: every phase of every other
    period, asked in order of growing period and thus of fewer connections, so that a
    larger budget tries more of them. It finishes after the last; the seed changes
    nothing.

    Args:
        space: what is searched.
        rng: not used.
    """

    name = "hsp"
    summary = "a connection in every second, third, … block; the seed changes nothing"
    source = "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self._left = periodic_schemes(space.blocks)

    def ask(self, n: int) -> Schemes:
        schemes, self._left = self._left[:n].copy(), self._left[n:]
        return schemes

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """A fixed policy has nothing to learn."""

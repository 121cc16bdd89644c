from typing import final

import numpy as np

from strategies._checks import require_positive
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class Exhaustive(Strategy):
    """Every scheme in ascending order, the first block the most significant bit.

    Finds the best scheme of a small space for certain, and nothing in particular with a
    budget below the size of the space: for that there is `strategies.random`. The seed
    changes nothing.

    Args:
        space: what is searched.
        rng: not used.
        batch_size: schemes proposed at a time. It changes nothing about the search,
            only how much work the oracle sees at once.
    """

    name = "exhaustive"
    summary = "every scheme in ascending order; the seed changes nothing"
    source = "enumeration"

    def __init__(
        self, space: SearchSpace, *, rng: np.random.Generator, batch_size: int = 256
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(batch_size=batch_size)
        self._batch_size = batch_size
        self._next = 0

    def ask(self, n: int) -> Schemes:
        stop = min(self._next + min(n, self._batch_size), 2**self.space.blocks)
        # Python's integers, because more than 64 blocks must not overflow.
        numbers = range(self._next, stop)
        self._next = stop
        shifts = range(self.space.blocks - 1, -1, -1)
        bits = [[number >> shift & 1 == 1 for shift in shifts] for number in numbers]
        return np.array(bits, dtype=bool).reshape(-1, self.space.blocks)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """Enumeration has nothing to learn."""

from typing import final

import numpy as np

from strategies._checks import require_positive
from strategies._unseen import draw_unseen, scheme_key
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class Random(Strategy):
    """Uniformly random schemes without replacement; learns nothing.

    The yardstick of Li and Talwalkar, "Random Search and Reproducibility for Neural
    Architecture Search" (UAI 2019): a search that does not beat it has learnt nothing.
    It finishes once every scheme of the space has been proposed.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        batch_size: schemes proposed at a time. It changes nothing about the search,
            only how much work the oracle sees at once.
    """

    name = "random"
    summary = "distinct schemes drawn uniformly"
    source = "Random Search and Reproducibility for Neural Architecture Search"

    def __init__(
        self, space: SearchSpace, *, rng: np.random.Generator, batch_size: int = 64
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(batch_size=batch_size)
        self._batch_size = batch_size
        self._seen: set[bytes] = set()

    def ask(self, n: int) -> Schemes:
        count = min(n, self._batch_size)
        schemes = draw_unseen(self.rng, count=count, blocks=self.space.blocks, seen=self._seen)
        self._seen.update(map(scheme_key, schemes))
        return schemes

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """Random search has nothing to learn."""

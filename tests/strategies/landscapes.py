"""The loop that a runner drives, and what is best on the contract suite's landscape."""

import numpy as np
from jaxtyping import Bool

from benchmark.testing.search import answers, hills
from strategies.base import Schemes, Strategy


def best_of_hills(blocks: int) -> Bool[np.ndarray, " blocks"]:
    """The scheme that `hills` rewards most."""
    best: Bool[np.ndarray, " blocks"] = np.cos(1.0 + np.arange(blocks)) > 0
    return best


def search(strategy: Strategy, *, budget: int, at_most: int = 1000) -> list[Schemes]:
    """All that a strategy asks of `hills`, never allowed more than ``at_most`` at once."""
    asked: list[Schemes] = []
    while (left := budget - sum(len(schemes) for schemes in asked)) > 0:
        schemes = strategy.ask(min(left, at_most))
        assert isinstance(schemes, np.ndarray)
        if len(schemes) == 0:
            break
        asked.append(schemes)
        strategy.tell(schemes, answers(hills(schemes)))
    return asked

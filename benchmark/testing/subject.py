"""The strategy under test, and what it did in a process of its own."""

from collections.abc import Iterable
from functools import cached_property
from typing import final

import numpy as np

from benchmark.plugins.chosen import ChosenStrategy, choose
from benchmark.testing.elsewhere import Observation, observe
from benchmark.testing.search import BLOCKS_PER_STAGE, BUDGET, Search, search
from strategies.base import SearchSpace, Strategy


@final
class Subject:
    """A strategy that checks can make anew as often as they like.

    Args:
        chosen: where its code comes from.
        process: a second process that it shares with others; default one of its own.
    """

    def __init__(self, chosen: ChosenStrategy, process: "SecondProcess | None" = None) -> None:
        self.chosen = chosen
        self._process = SecondProcess([chosen]) if process is None else process

    @classmethod
    def of(cls, reference: str) -> "Subject":
        """The strategy of this name, or of ``FILE.py:CLASS``.

        Raises:
            UsageError: it can't be found or loaded.
        """
        return cls(choose(reference))

    @property
    def strategy(self) -> type[Strategy]:
        """The class of the strategy that is checked."""
        return self.chosen.load()

    @property
    def elsewhere(self) -> Observation:
        """What it did in a second process with another hash seed."""
        return self._process.observations[self.chosen]

    @cached_property
    def undisturbed(self) -> Search:
        """What it asks when nothing is done to it; the yardstick of several checks."""
        return search(self.make())

    def make(
        self,
        *,
        seed: int = 0,
        budget: int = BUDGET,
        blocks_per_stage: tuple[int, ...] = BLOCKS_PER_STAGE,
    ) -> Strategy:
        """A new strategy with its default hyper-parameters."""
        space = SearchSpace(blocks_per_stage, budget=budget)
        return self.chosen.make(space, rng=np.random.default_rng(seed))


class SecondProcess:
    """Runs strategies in a process of their own, once, when somebody looks."""

    def __init__(self, chosen: Iterable[ChosenStrategy]) -> None:
        self._chosen = list(chosen)

    @cached_property
    def observations(self) -> dict[ChosenStrategy, Observation]:
        """What each of them did."""
        return dict(zip(self._chosen, observe(self._chosen), strict=True))


def subjects(references: Iterable[str]) -> list[Subject]:
    """Several strategies that share one second process, which saves starting many.

    Raises:
        UsageError: one can't be found or loaded.
    """
    chosen = [choose(reference) for reference in references]
    process = SecondProcess(chosen)
    return [Subject(strategy, process) for strategy in chosen]

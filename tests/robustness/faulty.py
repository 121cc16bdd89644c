"""Strategies that do the worst they can, each in one way, at their third request."""

import ctypes
import os
import signal
import time
from typing import Any

import numpy as np

from strategies.base import Answers, Schemes, SearchSpace, Strategy
from strategies.darts import DARTS


class Calm(Strategy):
    """Random schemes, two at a time.

    Args:
        space: what is searched.
        rng: the only source of randomness.
    """

    name = "calm"
    summary = "random schemes"
    source = "these tests"

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self._asked = 0

    def ask(self, n: int) -> Schemes:
        self._asked += 1
        if self._asked == 3:
            self._strike()
        return self.rng.random((min(n, 2), self.space.blocks)) < 0.5

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass

    def _strike(self) -> Any:
        pass


class Looping(Calm):
    """Never comes back, and catches whatever comes."""

    name = "looping"

    def _strike(self) -> Any:
        while True:
            try:
                time.sleep(60)
            except BaseException:  # noqa: BLE001 - it is the worst
                continue


class Stuck(Calm):
    """Hangs in native code, with Python's lock held."""

    name = "stuck"

    def _strike(self) -> Any:
        ctypes.PyDLL(None).sleep(60)


class Leaving(Calm):
    """Ends the process at once."""

    name = "leaving"

    def _strike(self) -> Any:
        os._exit(0)


class Crashing(Calm):
    """Reads where nothing is."""

    name = "crashing"

    def _strike(self) -> Any:
        os.kill(os.getpid(), signal.SIGSEGV)


class Greedy(Calm):
    """Wants more of the machine's memory than a strategy may have."""

    name = "greedy"

    def _strike(self) -> Any:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return np.empty(memory * 3 // 4, dtype=np.uint8)


class Raising(Calm):
    """Fails two calls deep."""

    name = "raising"

    def _strike(self) -> Any:
        return self._deeper({"answer": 41})

    def _deeper(self, answers: dict[str, int]) -> Any:
        raise LookupError(f"42 is not among {answers}")


class Misshapen(Calm):
    """Asks a matrix that is turned."""

    name = "misshapen"

    def ask(self, n: int) -> Schemes:
        return super().ask(n).T if self._asked == 2 else super().ask(n)


class NaNs(Calm):
    """Asks numbers that are none."""

    name = "nans"

    def ask(self, n: int) -> Any:
        return np.full((2, self.space.blocks), np.nan) if self._asked == 2 else super().ask(n)


class Looking(DARTS):  # type: ignore[misc]  # final, but the same under another name
    """Looks into the oracle as `DARTS` does, and does nothing wrong.

    Args:
        space: what is searched.
        rng: the only source of randomness.
    """

    name = "looking"

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)

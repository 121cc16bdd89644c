"""Searching landscapes in closed form, whose optimum is known: ``--oracle known:trap``."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, final

from benchmark.basics import bounds
from benchmark.basics.errors import unknown_name
from benchmark.oracle.base import Oracle
from benchmark.oracle.known import BEST, LANDSCAPES, make_landscape
from benchmark.records.kinds import KNOWN, KNOWN_BLOCKS
from benchmark.records.schemes import scheme_bits
from benchmark.records.settings import SEARCHED
from benchmark.studies.free_source import FreeSource

_TABULATED = 16
"""Blocks of the largest landscape of which every answer is kept with the run."""


@final
class KnownSource(FreeSource):
    """A run on instances of the landscape that ``settings.oracle`` names.

    ``known:NAME`` has `KNOWN_BLOCKS` blocks in one stage, ``known:NAME:12`` has 12. There are
    as many instances as ``supernet_seeds``, which are compared as supernets are. Instance i
    is that of the landscape's seed ``settings.seed`` + i, so with seed 0 those of `race`.

    Raises:
        UsageError: no such landscape, or a number of blocks that can't be.
    """

    kind = KNOWN
    with_effect = SEARCHED | {"supernet_seeds"}
    code = ("benchmark.oracle.known", "benchmark.search.runner")

    def _read(self, oracle: str) -> tuple[int, ...]:
        self._landscape, _, blocks = oracle.removeprefix(KNOWN.prefix).partition(":")
        if self._landscape not in LANDSCAPES:
            raise unknown_name("landscape", self._landscape, LANDSCAPES)
        self._blocks: int = bounds.BLOCKS.checked(
            f"blocks in --oracle {oracle}", blocks or KNOWN_BLOCKS
        )
        return (self._blocks,)

    @property
    def name(self) -> str:
        return f"known-{self._landscape}"

    @property
    def task(self) -> dict[str, Any]:
        return {"task": f"{KNOWN.prefix}{self._landscape}:{self._blocks}"}

    @property
    def tabulated(self) -> bool:
        return self._blocks <= _TABULATED

    def _content(self) -> dict[str, Any]:
        return {"landscape": self._landscape, "blocks": self._blocks}

    def _oracle(self, seed: int) -> Callable[[], Oracle]:
        return partial(make_landscape, self._landscape, self._blocks, seed=self._instance(seed))

    def _facts(self, seed: int) -> Mapping[str, Any]:
        instance = self._instance(seed)
        optimum = make_landscape(self._landscape, self._blocks, seed=instance).optimum
        return {
            "seed of the instance": instance,
            "optimum": scheme_bits(optimum),
            "accuracy of the optimum": BEST,
            "landscape": "tabulated" if self.tabulated else "computed on demand",
        }

    def _instance(self, seed: int) -> int:
        return self.settings.seed + seed

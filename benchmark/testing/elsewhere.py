"""What strategies do in a second process, where somebody watches what they reach for.

That process runs `main` of this module, which therefore must not import tasks, oracles
or run folders.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.basics.interpreter import python_calling
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.error_translation import summary
from benchmark.plugins.openings import Openings
from benchmark.testing.search import BLOCKS_PER_STAGE, BUDGET, search
from benchmark.testing.states import global_states, seeded
from strategies.base import SearchSpace

HASH_SEED = "4242"
TIMEOUT = 300  # seconds

_OFF_LIMITS = ("tasks", "reports", "benchmark.oracle", "benchmark.standalone")
"""Packages whose modules a strategy needn't know; where runs lie is another."""


@dataclass(frozen=True)
class Observation:
    """What one strategy did.

    Attributes:
        bits: the schemes it proposed, in order.
        reached: modules, files, databases and connections beyond its contract that it opened.
        drawn: global random states that it changed.
        swayed: whether it proposed other schemes with other global random states.
        error: what it raised; empty where it didn't.
    """

    bits: list[str]
    reached: list[str]
    drawn: list[str]
    swayed: bool
    error: str


def observe(chosen: Sequence[ChosenStrategy]) -> list[Observation]:
    """Let strategies search in one other process with another hash seed, one after the other.

    Whatever they print, there or at its end, goes nowhere.

    Raises:
        AssertionError: the process broke down or took longer than `TIMEOUT` seconds.
    """
    with TemporaryDirectory() as folder:
        asked, told, said = (Path(folder) / name for name in ("asked", "told", "said"))
        asked.write_bytes(pickle.dumps(list(chosen)))
        try:
            with said.open("wb") as errors:
                child = subprocess.run(  # noqa: S603 - our own interpreter
                    python_calling(__name__, str(asked), str(told)),
                    env=os.environ | {"PYTHONHASHSEED": HASH_SEED, "OMP_NUM_THREADS": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    timeout=TIMEOUT,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(
                f"expected a search within {TIMEOUT} s in another process"
            ) from error
        assert child.returncode == 0 and told.exists(), (  # noqa: PT018 - one message
            f"expected the strategy to work in another process, received exit code "
            f"{child.returncode} and {_last_line(said.read_bytes())}"
        )
        return [Observation(**values) for values in json.loads(told.read_bytes())]


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"


def _off_limits() -> set[str]:
    return {name for name in sys.modules if _is_off_limits(name)}


def _is_off_limits(module: str) -> bool:
    inside = any(module.startswith(f"{name}.") for name in _OFF_LIMITS)
    return inside or module == "benchmark.storage.folder"


def _observed(chosen: ChosenStrategy, openings: Openings) -> Observation:
    bits: list[list[str]] = []
    drawn: set[str] = set()
    error = ""
    before = _off_limits()
    openings.own = chosen.package
    with openings.noting():
        try:
            chosen.load()
            for seed in (1, 2):
                found, changed = _searched(chosen, seed)
                bits.append(found)
                drawn |= changed
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - it is reported
            error = summary(raised)
            bits = [[], []]
    reached = [f"the module {name}" for name in sorted(_off_limits() - before)] + openings.take()
    return Observation(bits[0], reached, sorted(drawn), bits[0] != bits[1], error)


def _searched(chosen: ChosenStrategy, global_seed: int) -> tuple[list[str], set[str]]:
    space = SearchSpace(BLOCKS_PER_STAGE, budget=BUDGET)
    with seeded(global_seed):
        before = global_states()
        bits = search(chosen.make(space, rng=np.random.default_rng(0))).bits()
        after = global_states()
    return bits, {name for name, state in before.items() if after[name] != state}


def main() -> None:
    """Be the second process; arguments: files of pickled strategies and, in the end, of JSON."""
    assert not _off_limits(), f"imported before anybody watched: {_off_limits()}"
    asked, told = map(Path, sys.argv[1:])
    openings = Openings("")
    chosen = pickle.loads(asked.read_bytes())  # noqa: S301 - our parent wrote it
    observations = [asdict(_observed(strategy, openings)) for strategy in chosen]
    told.write_text(json.dumps(observations), encoding="utf-8")
    os._exit(0)  # whatever strategies have left behind: threads, functions to be called at the end

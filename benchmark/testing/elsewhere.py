"""What strategies do in a second process, where somebody watches what they reach for.

That process runs `main` of this module, which therefore must not import tasks, oracles
or run folders.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmark.plugins.blame import summary
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.testing.search import BLOCKS_PER_STAGE, BUDGET, search
from benchmark.testing.states import global_states, seeded
from strategies.base import SearchSpace

HASH_SEED = "4242"
TIMEOUT = 300  # seconds

_CHILD = "from benchmark.testing.elsewhere import main; main()"
_OFF_LIMITS = (
    "tasks",
    "reports",
    "benchmark.oracle",
    "benchmark.standalone",
    "benchmark.store.folder",
)


@dataclass(frozen=True)
class Observation:
    """What one strategy did.

    Attributes:
        bits: the schemes it proposed, in order.
        reached: modules and databases beyond its contract that it opened.
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

    Raises:
        AssertionError: the process broke down or took longer than `TIMEOUT` seconds.
    """
    environment = os.environ | {
        "PYTHONHASHSEED": HASH_SEED,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": "1",
    }
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _CHILD],
            input=pickle.dumps(list(chosen)),
            env=environment,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"expected a search within {TIMEOUT} s in another process") from error
    assert child.returncode == 0, (
        f"expected the strategy to work in another process, received {_last_line(child.stderr)}"
    )
    return [Observation(**values) for values in json.loads(child.stdout.splitlines()[-1])]


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"


class _Watch:
    """Notes what is opened and imported; an audit hook can't be taken off again."""

    def __init__(self) -> None:
        self._databases: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def noting(self) -> Iterator[list[str]]:
        noted: list[str] = []
        self._databases.clear()
        before = _off_limits()
        yield noted
        noted += [f"the module {name}" for name in sorted(_off_limits() - before)]
        noted += [f"the database {name}" for name in dict.fromkeys(self._databases)]

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect":
            self._databases.append(str(arguments[0]))


def _off_limits() -> set[str]:
    return {name for name in sys.modules if _is_off_limits(name)}


def _is_off_limits(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in _OFF_LIMITS)


def _observed(chosen: ChosenStrategy, watch: _Watch) -> Observation:
    bits: list[list[str]] = []
    drawn: set[str] = set()
    error = ""
    with watch.noting() as reached:
        try:
            chosen.load()
            for seed in (1, 2):
                found, changed = _searched(chosen, seed)
                bits.append(found)
                drawn |= changed
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - it is reported
            error = summary(raised)
            bits = [[], []]
    return Observation(bits[0], reached, sorted(drawn), bits[0] != bits[1], error)


def _searched(chosen: ChosenStrategy, global_seed: int) -> tuple[list[str], set[str]]:
    space = SearchSpace(BLOCKS_PER_STAGE, budget=BUDGET)
    with seeded(global_seed):
        before = global_states()
        bits = search(chosen.make(space, rng=np.random.default_rng(0))).bits()
        after = global_states()
    return bits, {name for name, state in before.items() if after[name] != state}


def main() -> None:
    """Be the second process: pickled strategies in, observations out."""
    assert not _off_limits(), f"imported before anybody watched: {_off_limits()}"
    watch = _Watch()
    chosen = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent wrote it
    print(json.dumps([asdict(_observed(strategy, watch)) for strategy in chosen]))  # noqa: T201 - to our parent

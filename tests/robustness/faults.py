"""Faults at write boundaries, and the small pieces of work that must survive them.

A boundary is the moment before or after anything becomes durable: each statement that changes a
store, each file that takes another's place, each line appended to a journal.
"""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.basics.errors import UsageError
from benchmark.basics.seeding import child_rng
from benchmark.oracle.answers_file import Table
from benchmark.plugins.chosen import choose
from benchmark.records.evidence import Evidence
from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey, RaceRecord, StandaloneRecord
from benchmark.records.schemes import all_schemes
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.storage.calls import answer_arrays
from benchmark.storage.database import Database
from benchmark.storage.store import Store
from benchmark.studies.race import Heat, opened_searches, run_heats
from benchmark.studies.scoring import score_all
from benchmark.supernet.train import frozen_supernet
from benchmark.watching.progress import NoProgress
from benchmark.workers.pool import WorkerPool
from reports.pages.race_page import race_tables, write_tables
from strategies.base import SearchSpace, Strategy
from tests.benchmark.formula import PartialFormula
from tests.benchmark.training.tiny import spec, tiny_task

WEIGHTS = [0.01, -0.02, 0.03, 0.005, -0.01]
_CHANGES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "COMMIT", "PRAGMA user_version =")

Workload = Callable[[Path], object]
"""Does its work in a folder, or what is left of it, and returns what came out."""


def searching(folder: Path) -> object:
    """Two lanes on one oracle, with cache and journals; one looks into the oracle."""
    space = SearchSpace((2, 3), budget := 4)
    with closing(Store(folder / "run")) as run, closing(Store(folder / "cache")) as cache:
        oracle = CachedOracle(PartialFormula(WEIGHTS), cache)

        def lane(name: str) -> Lane:
            def make() -> Strategy:
                return choose(name).make(space, rng=child_rng(0, "search", name))

            return Lane(LaneKey(name, 0, 0), make, oracle, run, budget)

        lanes = [lane(name) for name in ("random", "darts")]
        open_ = [one for one in lanes if run.lane_end(one.key)[0] == "running"]
        search(open_, oracle, run, Connections(0.02))
        return [
            (record.state, record.schemes.tolist(), record.loss.tolist(), record.total)
            for record in (run.lane_record(one.key, 5) for one in lanes)
        ]


def tabulating(folder: Path) -> object:
    """Every answer of an oracle, and the file that is made of them."""
    with closing(Store(folder / "cache")) as cache:
        oracle = CachedOracle(PartialFormula(WEIGHTS), cache)
        score_all(oracle, WorkerPool(1), NoProgress())
        accuracy, loss = answer_arrays(list(cache.answers(oracle.identity).values()))
    schemes = all_schemes(5)
    numbers = np.arange(32)
    table = Table(oracle.identity, (2, 3), {}, {}, {}, schemes, accuracy, loss, numbers)
    table.write(folder / "table.parquet")
    return (folder / "table.parquet").read_bytes()


def racing(folder: Path) -> object:
    """Searches of known landscapes, a lane each."""
    heats = [
        Heat(choose(name), "additive", seed, 6, 12)
        for name in ("random", "local")
        for seed in range(2)
    ]
    with opened_searches(folder) as store:
        found = run_heats(heats, store, WorkerPool(1))
    return [(record.strategy, record.seed, record.regret.tolist()) for record in found]


def training(folder: Path) -> object:
    """A supernet of two epochs, its checkpoints and its file."""
    return frozen_supernet(spec(epochs=2), tiny_task(), folder).weights


def writing(folder: Path) -> object:
    """Files of results and of reports."""
    records = tuple(StandaloneRecord(bits, 0, 0.5, 0.5, 1.0, 1.0) for bits in ("00", "11"))
    Evidence("x", {}, (2,), {}, {}, records).write(folder / "evidence.json")
    raced = [RaceRecord(name, "additive", 0, np.full(10, 0.1), 0.0) for name in ("a", "b")]
    write_tables(race_tables(raced), folder, name="race")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".tmp"}


WORKLOADS: dict[str, Workload] = {
    work.__name__: work for work in (searching, tabulating, racing, training, writing)
}


@contextmanager
def boundaries(at: int, act: Callable[[], None]) -> Iterator[list[str]]:
    """Call ``act`` at the boundary number ``at``; yields all that were passed."""
    passed: list[str] = []

    def boundary(name: str) -> None:
        passed.append(name)
        if len(passed) == at:
            act()

    patched = {
        (Database, "execute"): _around(Database.execute, boundary),
        (Database, "executemany"): _around(Database.executemany, boundary),
        (Path, "replace"): _around(Path.replace, boundary),
        (Path, "open"): _appending(Path.open, boundary),
    }
    before = {where: getattr(*where) for where in patched}
    for where, patch in patched.items():
        setattr(*where, patch)
    try:
        yield passed
    finally:
        for where, method in before.items():
            setattr(*where, method)


def _around(method: Any, boundary: Callable[[str], None]) -> Any:
    def called(self: Any, *arguments: Any) -> Any:
        what = _durable(self, str(arguments[0]).strip())
        if what:
            boundary(f"before {what}")
        result = method(self, *arguments)
        if what:
            boundary(f"after {what}")
        return result

    return called


def _durable(where: Any, argument: str) -> str:
    if isinstance(where, Path):
        return f"replacing {Path(argument).name}"
    on_disk = str(where.file) != ":memory:"
    return argument if on_disk and argument.startswith(_CHANGES) else ""


def _appending(method: Any, boundary: Callable[[str], None]) -> Any:
    def opened(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        file = method(self, mode, *arguments, **options)
        return _Appending(file, boundary) if "a" in mode else file

    return opened


class _Appending:
    """A file whose lines are written in two halves."""

    def __init__(self, file: Any, boundary: Callable[[str], None]) -> None:
        self._file = file
        self._boundary = boundary

    def write(self, text: str) -> None:
        for name, part in (("before", ""), ("in", text[: len(text) // 2]), ("after", "rest")):
            self._file.write(text[len(text) // 2 :] if part == "rest" else part)
            self._file.flush()
            self._boundary(f"{name} a line")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def die() -> None:
    """End as `kill -9` does: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


class FaultError(OSError):
    """A write that failed."""


def fail() -> None:
    """Fail as a write does."""
    raise FaultError("injected")


def everywhere(connection: Connection, name: str, folder: Path, step: int) -> None:
    """In a child: let a workload die, and fail, at every ``step``-th boundary, and go on after it.

    Sends the number of boundaries, and what differed.
    """
    work = WORKLOADS[name]
    place = folder / "undisturbed"
    place.mkdir(parents=True)
    with boundaries(0, die) as passed:
        wanted = work(place)
    wrong: list[str] = []
    for at in range(1, len(passed) + 1, step):
        for act in (die, fail):
            place = folder / f"{act.__name__} {at}"
            place.mkdir()
            disturbed = partial(_disturbed, work, place, at, act)
            _in_a_fork(disturbed) if act is die else disturbed()
            try:
                if work(place) != wanted:
                    wrong.append(f"{act.__name__} {passed[at - 1]}: another result")
            except Exception as error:  # noqa: BLE001 - it is reported
                wrong.append(f"{act.__name__} {passed[at - 1]}: {error!r}")
    connection.send((len(passed), wrong))


def _disturbed(work: Workload, place: Path, at: int, act: Callable[[], None]) -> None:
    with boundaries(at, act):
        try:
            work(place)
        except (FaultError, UsageError):
            return
    raise AssertionError(f"nothing happened at boundary {at}")


def _in_a_fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def full_disk(connection: Connection, name: str, folder: Path, limits: list[int]) -> None:
    """In a child: run out of room at several sizes of a file, and go on with room.

    Sends the exit codes of the first attempts (0: it fitted, 2: it was said), and what differed.
    """
    work = WORKLOADS[name]
    (folder / "undisturbed").mkdir(parents=True)
    wanted = work(folder / "undisturbed")
    codes, wrong = [], []
    for limit in limits:
        place = folder / str(limit)
        place.mkdir()
        codes.append(_in_a_fork(partial(_limited, work, place, limit)))
        if work(place) != wanted:
            wrong.append(f"another result after {limit} bytes")
    connection.send((codes, wrong))


def _limited(work: Workload, place: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        work(place)
    except (UsageError, OSError):
        os._exit(2)

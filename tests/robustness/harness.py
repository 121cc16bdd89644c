"""Kills real processes, with all their workers or alone, and starts them again.

The ends must be those of a process that nobody killed.

What a process begins to compute is written down as it begins; what was durable when it was killed
must not be among that afterwards.
"""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL
from time import monotonic, sleep
from typing import Any

import numpy as np

from benchmark.basics.fork_server import Child, start_child
from benchmark.cli import main
from benchmark.planning import plan, settings
from benchmark.records.settings import SMOKE
from benchmark.search.wrappers import ShardedOracle
from benchmark.standalone import training
from benchmark.standalone.kept_networks import FOLDER, network_path
from benchmark.storage.calls import bits_of
from benchmark.studies import searches
from benchmark.training import Checkpoint
from benchmark.workers.pool import WorkerPool
from tasks.digits import Digits
from tasks.registry import load_task
from tests.robustness.commands import COMMANDS, Command, tables
from tests.robustness.orphaned import Remains, belonging

_SMALL: dict[str, Any] = {
    "budget": 6,
    "seeds": 1,
    "candidates": 1,
    "standalone_seeds": 2,
    "supernet_epochs": 3,
    "standalone_epochs": 1,
}


_LAZY = (
    "benchmark.studies.experiment",
    "benchmark.studies.gradcam_run",
    "benchmark.watching.live",
    "benchmark.studies.chosen_schemes",
    "benchmark.studies.supernet_source",
    "benchmark.studies.table_source",
    "benchmark.studies.transfer",
    "benchmark.studies.tune",
    "reports.pages.evidence",
    "reports.pages.race_page",
    "reports.pages.transfer_page",
    "reports.pages.tuning",
    "strategies.ga",
    "strategies.random",
    "torch._dynamo",
    "torch.utils.flop_counter",
)
"""Loaded when they are needed."""


@dataclass
class Outcome:
    """What came of killing a command.

    Attributes:
        name: of the command.
        kills: that hit it at work.
        starts: of the command, the last one of each chain undisturbed.
        seconds: that it takes undisturbed.
        orphans: processes that worked for it when it was killed.
        wrong: what differed, or was done twice; empty when all is well.
    """

    name: str
    kills: int = 0
    starts: int = 0
    seconds: float = 0.0
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_command(
    command: Command, folder: Path, *, kills: int, seed: int, chain: int = 3, alone: bool = False
) -> Outcome:
    """Kill ``command`` at ``kills`` random moments, at most ``chain`` between start and end.

    Args:
        command: what is killed.
        folder: for all runs.
        kills: that must hit.
        seed: of the moments.
        chain: kills before it is let go to its end.
        alone: only the process that was started; the others must notice, while the command
            is already at work again.
    """
    rng = np.random.default_rng([seed, *command.name.encode()])
    outcome = Outcome(command.name)
    prepared = _prepared(command, folder)
    wanted, outcome.seconds = _undisturbed(command, prepared, folder / "undisturbed")
    number = 0
    while outcome.kills < kills and number < 8 * kills:
        number += 1
        place = _copied(prepared, folder / f"chain-{number}")
        remains: list[Remains] = []
        for _ in range(min(chain, kills - outcome.kills)):
            outcome.starts += 1
            moment = float(rng.uniform(0, outcome.seconds))
            working = _killed(command, place, moment, outcome, alone=alone)
            if working is None:
                break
            outcome.kills += 1
            remains.append(Remains(working))
        outcome.starts += 1
        _finish(command, place, outcome)
        outcome.orphans += sum(dead.count for dead in remains)
        outcome.wrong += [
            f"{place.name}: {pid} was left" for dead in remains for pid in dead.left()
        ]
        if (found := tables(place)) != wanted:
            outcome.wrong += [
                f"{place.name}: {difference}" for difference in between(wanted, found)
            ]
    return outcome


def _prepared(command: Command, folder: Path) -> Path:
    place = folder / "prepared"
    place.mkdir(parents=True)
    for name in command.rests_on:
        for line in (*COMMANDS[name].rests_on, name):
            run_command(COMMANDS[line], place)
    return place


def _undisturbed(command: Command, prepared: Path, place: Path) -> tuple[dict[str, Any], float]:
    _copied(prepared, place)
    seconds = run_command(command, place)
    return tables(place), seconds


def run_command(command: Command, place: Path, codes: Container[int] = (0,)) -> float:
    """Let ``command`` go to its end in ``place``; the seconds that it took."""
    child = _start(command, place)
    started = monotonic()
    code = _ended(child)
    assert code in codes, f"{command.name} ended with {code}: {_said(place)}"
    return monotonic() - started


def _ended(child: Child) -> int:
    """Wait for a command as long as it takes; its exit code."""
    with suppress(EOFError, ConnectionError):
        child.connection.recv()
    return child.end(kill=False)


def _killed(
    command: Command, place: Path, moment: float, outcome: Outcome, *, alone: bool
) -> dict[int, str] | None:
    """Start the command, kill it after ``moment`` seconds; who worked for it, if it still did."""
    before = durable(place)
    child = _start(command, place)
    started = monotonic()
    while monotonic() < started + moment and not child.connection.poll(0):
        sleep(0.002)
    if child.connection.poll(0):  # moments are drawn from the time that it takes now
        outcome.seconds = min(outcome.seconds, monotonic() - started)
    working = belonging(place)
    with suppress(ProcessLookupError):
        (os.kill if alone else os.killpg)(child.pid, SIGKILL)
    killed = child.end(kill=False) == -SIGKILL
    _compare(before, place, outcome)
    return working if killed else None


def _finish(command: Command, place: Path, outcome: Outcome) -> None:
    before = durable(place)
    code = _ended(_start(command, place))
    if code != 0:
        outcome.wrong.append(f"{place.name}: ended with {code}: {_said(place)}")
    _compare(before, place, outcome)


def _compare(before: set[str], place: Path, outcome: Outcome) -> None:
    log = place / "log"
    begun = set(log.read_text().splitlines()) if log.exists() else set()
    outcome.wrong += [f"{place.name}: {unit} was done twice" for unit in sorted(begun & before)]


def between(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """What differs between two results of `tables`."""
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in wanted:
            yield f"{name} is new"
        elif wanted[name] != found[name]:
            yield f"{name} differs"


def _copied(source: Path, target: Path) -> Path:
    return shutil.copytree(source, target)


def _said(place: Path) -> str:
    said = place / "said"
    return " ".join(said.read_text().split())[-500:] if said.exists() else "nothing"


# What is durable: what nobody may compute again.


def durable(place: Path) -> set[str]:
    """Units of work that the files in ``place`` hold for good."""
    found: set[str] = set()
    for path in place.rglob("*.sqlite"):
        found |= _durable_rows(path)
    for path in place.rglob("*.checkpoint"):
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        facts = json.loads(header["__metadata__"]["checkpoint"])
        found |= {f"epoch {facts['identity']} {epoch}" for epoch in range(1, facts["epochs"] + 1)}
    for path in place.rglob("*.safetensors"):
        if path.parent.name == FOLDER:
            found.add(f"network {path.stem}")
            continue
        found |= {f"epoch {path.stem} {epoch}" for epoch in range(1, 100)}
    return found


_UNITS = {
    "answers": "SELECT 'answer ' || oracle || ' ' || scheme FROM answers",
    "standalone": "SELECT 'training ' || training || ' ' || scheme || ' ' || seed FROM standalone",
    "lanes": "SELECT 'lane ' || strategy || ' ' || strategy_seed FROM lanes "
    "WHERE state != 'running'",
}


def _durable_rows(path: Path) -> set[str]:
    found: set[str] = set()
    with closing(sqlite3.connect(path)) as store:
        known = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        for table, query in _UNITS.items():
            if table in known:
                found |= {unit for (unit,) in store.execute(query)}
    return found


# In the child: the command itself, with everything small and a log of what it begins.


def _start(command: Command, place: Path) -> Child:
    (place / "log").unlink(missing_ok=True)
    # The process that children are forked from may be older than a cluster's settings.
    given = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
    return start_child(work, command.line(place), place, given, before=warm)


def warm() -> None:
    """What every command would load for itself, which takes seconds."""
    for name in _LAZY:
        import_module(name)
    Digits()


def work(connection: Connection, line: list[str], place: Path, given: dict[str, str]) -> None:
    """Be the command, with the variables ``given``."""
    os.environ.update(given)
    os.environ["TICKET_BENCHMARK_CACHE"] = str(place / "cache")
    said = (place / "said").open("w")
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    sys.stdout = sys.stderr = said
    place.joinpath("out").mkdir(exist_ok=True)
    _make_small()
    _log_work(place / "log")
    try:
        main(line, prog_name="benchmark")
    except SystemExit as ended:
        connection.send(ended.code)
        raise


def _make_small() -> None:
    plan.SMOKE_ROWS = 16
    searches._START = 0.0  # noqa: SLF001 - else processes don't pay for what is so small
    SMOKE.clear()  # smaller still
    init = settings.Settings.__init__

    def small(self: Any, **values: Any) -> None:
        on_table = values.get("oracle") is not None
        init(self, **(({} if on_table else _SMALL | {"smoke": True}) | values))

    settings.Settings.__init__ = small  # type: ignore[method-assign]


def _log_work(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    score, save, spread = ShardedOracle.score, Checkpoint.save, WorkerPool.map

    def begin(*words: object) -> None:
        os.write(log, (" ".join(map(str, words)) + "\n").encode())

    def scored(self: Any, schemes: Any) -> Any:
        for bits in bits_of(schemes):
            begin("answer", self.identity, bits)
        return score(self, schemes)

    def saved(self: Any, state: Any) -> None:
        begin("epoch", self.identity, state.epochs)
        save(self, state)

    def mapped(self: Any, function: Any, jobs: Any, **given: Any) -> Any:
        for unit in (unit for job in jobs for unit in _units(function, job)):
            begin(*unit)
        return spread(self, function, jobs, **given)

    ShardedOracle.score = scored  # type: ignore[method-assign]
    Checkpoint.save = saved  # type: ignore[method-assign]
    WorkerPool.map = mapped  # type: ignore[method-assign]


def _units(function: Callable[..., Any], job: Any) -> Iterator[tuple[object, ...]]:
    if function is training.train_standalone:
        identity = job.training.identity(load_task(job.training.task))
        if job.keep is None:
            yield "training", identity, job.bits, job.seed
        else:  # a result whose network is wanted too is no end of it
            yield "network", network_path(Path(job.keep), identity, job.bits, job.seed).stem
    elif function is searches.run_search:
        yield "lane", job.key.strategy, job.key.strategy_seed

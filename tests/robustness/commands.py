"""The commands that are killed, and what of their results must not depend on it.

A new command is one more line in `COMMANDS`.
"""

import csv
import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.oracle.answers_file import read_table
from benchmark.standalone.kept_networks import FOLDER, read_weights
from benchmark.storage.folder import view_records
from benchmark.supernet.file import read_supernet, weights_hash
from tests.costs import flops_of, parameters_of

_SEARCH = "--strategies random,ga"
_CALM = f"{Path(__file__).with_name('faulty.py')}:Calm"
_TABLE = (
    f"--strategies random,{_CALM},ga --budget 20 --seeds 2 --oracle {{folder}}/tabulate/t.parquet"
)
_RACE = "--landscapes additive --blocks 8 --budget 20"

TIMED = re.compile(
    r"seconds|latency|milliseconds|overhead|increment|saved|verdict|reason|paper|tickets|undecided"
    r"|\bms\b"
)
"""Columns and keys that hold timings, or judge by them."""


@dataclass(frozen=True)
class Command:
    """A command line that is killed and given again.

    Attributes:
        name: of the test.
        arguments: the command line; ``{out}`` is a path of its own that is made if need be.
        rests_on: commands that have run before in the same folder, uninterrupted.
        worker_options: options of who does its work; none where it takes none.
    """

    name: str
    arguments: Sequence[str]
    rests_on: Sequence[str] = ()
    worker_options: Sequence[str] = ()

    def line(self, folder: Path) -> list[str]:
        """The command line in ``folder``."""
        own = [text.format(out=folder / self.name, folder=folder) for text in self.arguments]
        return [*own, *self.worker_options]


COMMANDS: dict[str, Command] = {
    name: Command(
        name, tuple(line.split()), rests_on, ("--workers", str(workers)) if workers else ()
    )
    for name, line, rests_on, workers in (
        ("supernet", "supernet train", (), 0),
        ("run", f"run {_SEARCH} --supernet-seeds 2 --out {{out}}", (), 1),
        ("run2", f"run {_SEARCH} --out {{out}}", (), 2),
        ("tabulate", "tabulate --backbone resnet20 --out {out}/t.parquet", (), 1),
        ("standalone", "standalone --scheme full --scheme none --out {out}/e.json", (), 1),
        ("trust", "trust {folder}/standalone/e.json --supernet-seeds 2", ("standalone",), 1),
        ("table", f"run {_TABLE} --out {{out}}", ("tabulate",), 1),
        ("race", f"race --strategies random,ga --seeds 4 {_RACE} --out {{out}}", (), 1),
        ("tune", f"race --tune evolution --trials 3 --seeds 2 {_RACE} --out {{out}}", (), 1),
        ("report", "report {folder}/run --out {out}", ("run",), 0),
        ("gradcam", "gradcam {folder}/run --images 0,1", ("run",), 1),
        ("transfer", "transfer {folder}/run --task digits-crowd --out {out}", ("run",), 1),
    )
}
"""By name."""


def tables(folder: Path) -> dict[str, Any]:
    """Everything that commands left in ``folder``, by file: timings apart, byte for byte."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".tmp" or path.parent.name == "tickets":
            continue  # drafts, which nobody reads; files whose verdicts hang on timings
        if read := _READERS.get(path.suffix):
            found[name] = read(path)
        elif path.name == "run.sqlite":
            found[name] = _records(path.parent)
        elif path.name == "searches.sqlite":
            found[name] = _searches(path)
    return found


def _csv(path: Path) -> str:
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    if not rows or path.name in ("curves-seconds.csv", "times.csv"):
        return ""
    kept = [place for place, name in enumerate(rows[0]) if not TIMED.search(name)]
    out = io.StringIO()
    csv.writer(out).writerows([[row[place] for place in kept] for row in rows])
    return out.getvalue()


def _json(path: Path) -> Any:
    return _timeless(json.loads(path.read_text(encoding="utf-8")))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict) and "columns" in value and "records" in value:
        kept = [place for place, name in enumerate(value["columns"]) if name != "seconds"]
        return [[row[place] for place in kept] for row in value["records"]]
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if not TIMED.search(key)}
    return value


def _searches(path: Path) -> list[Any]:
    """Every lane of a race with its journal, whichever ended first."""
    with closing(sqlite3.connect(path)) as store:
        rows = store.execute(
            "SELECT strategy, strategy_seed, state, call, position, scheme, accuracy, fidelity "
            "FROM lanes LEFT JOIN journal USING (lane)"
        )
        return sorted(rows, key=str)


def _parquet(path: Path) -> Any:
    table = read_table(path)
    return table.fingerprint(), table.parameters.tolist()


def _weights(path: Path) -> str:
    if path.parent.name == FOLDER:
        return weights_hash(read_weights(path)[0])
    return read_supernet(path).facts.weights


def _bytes(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _records(folder: Path) -> Any:
    records = view_records(folder)
    lanes = [
        (lane.key, lane.state, lane.message, lane.schemes.tolist(), lane.loss.tolist(), lane.total)
        for lane in records.lanes
    ]
    trained = [
        (record.bits, record.seed, record.test_accuracy, record.test_loss)
        for record in records.standalone
    ]
    counted = [(cost.bits, parameters_of(cost), flops_of(cost)) for cost in records.costs]
    answered = [(answers.batch_norm, answers.accuracy) for answers in records.answers]
    cams = [(cam.bits, cam.row, cam.heat, cam.score) for cam in records.cams]
    return lanes, trained, counted, answered, cams, records.candidates, records.finished


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".safetensors": _weights,
    ".txt": _bytes,
}
_READERS[".json"] = _json

"""What a run has done so far, read from its store while it works, and never disturbing it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.basics.errors import UsageError
from benchmark.records.objective import Objective
from benchmark.records.progress import LaneProgress, Snapshot, Stage
from benchmark.records.run import LaneKey, LaneState
from benchmark.storage.filesystems import MOUNTS, on_network
from benchmark.storage.folder import OBJECTIVE_FACTS, intact
from benchmark.storage.readonly import reading
from benchmark.storage.schema import SCHEMA_VERSION


@dataclass(frozen=True)
class Seen:
    """A snapshot and when it was taken, in seconds of some clock."""

    snapshot: Snapshot
    at: float


def seconds_left(first: Seen, last: Seen) -> float | None:
    """How long the stage of ``last`` will take; None where nothing is known of its speed.

    Searches: at the speed since ``first``. Training: at the mean time of a network, so many
    at a time as there are processes.
    """
    now = last.snapshot
    if now.stage == "searching" and first.snapshot.stage == "searching":
        done = now.charged - first.snapshot.charged
        return now.left * (last.at - first.at) / done if done > 0 else None
    if now.stage == "training" and now.to_train is not None and now.trained:
        return (now.to_train - now.trained) * now.seconds / max(now.workers, 1)
    return None


def may_start(folder: Path) -> bool:
    """Whether there is no run in ``folder`` yet, but could be.

    Raises:
        UsageError: it is a file, or holds something else.
        StoreError: it holds a damaged run.
    """
    store = folder / "run.sqlite"
    if store.is_file():
        with reading(store) as db, intact(store):
            return not _has_tables(db) or _facts(db).get("description") is None
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise UsageError(f"{folder} holds no run (run.sqlite is missing)")
    return True


def look(folder: Path) -> Snapshot:
    """How far the run in ``folder`` has come.

    Raises:
        UsageError: there is no run, or one of another schema.
        StoreError: it is damaged.
    """
    store = folder / "run.sqlite"
    if not store.is_file():
        raise UsageError(f"{folder} holds no run (run.sqlite is missing)")
    with reading(store) as db, intact(store):
        db.execute("BEGIN")  # all of it as of one moment
        _check(db, folder)
        facts = _facts(db)
        if facts.get("description") is None:
            raise UsageError(f"{folder} holds no run yet; start it")
        found = _snapshot(db, facts, working=at_work(folder))
        db.execute("ROLLBACK")
    return found


def _has_tables(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone())


def _check(db: sqlite3.Connection, folder: Path) -> None:
    if not _has_tables(db):
        raise UsageError(f"{folder} holds no run yet; start it")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{folder} was made by another version (schema {version}, this reads "
            f"{SCHEMA_VERSION}); python -m benchmark report brings an older one up to date"
        )


def _facts(db: sqlite3.Connection) -> dict[str, Any]:
    wanted = ("description", "candidates", "finished", "oracles", OBJECTIVE_FACTS)
    rows = db.execute("SELECT key, value FROM facts WHERE key IN (?, ?, ?, ?, ?)", wanted)
    return {key: json.loads(value) for key, value in rows}


def _snapshot(
    db: sqlite3.Connection, facts: Mapping[str, Any], *, working: bool | None
) -> Snapshot:
    known = facts["description"]
    settings = known["settings"]
    blocks = sum(known["blocks_per_stage"])
    objective = Objective.of(settings, facts.get(OBJECTIVE_FACTS))
    lanes = _lanes(db, [LaneKey(**key) for key in known["lanes"]], objective, blocks)
    candidates = facts.get("candidates")
    schemes = {bits for _, found in candidates or [] for bits in found} | {
        bit * blocks for bit in "01"
    }
    to_train = len(schemes) * int(settings.get("standalone_seeds", 0))
    trained, seconds = db.execute(
        "SELECT count(*), avg(seconds) FROM standalone WHERE training = ?", (known["training"],)
    ).fetchone()
    measured = _one(db, "SELECT count(*) FROM costs WHERE machine = ?", known["machine"])
    return Snapshot(
        task=str(known["facts"].get("task", "")),
        experiment=known["experiment"],
        stage=_stage(facts, lanes, trained=trained >= to_train),
        budget=int(settings.get("budget", 0)),
        lanes=lanes,
        actual=_actual(db, facts.get("oracles", [])),
        trained=trained,
        to_train=None if candidates is None else to_train,
        seconds=nan if seconds is None else seconds,
        measured=measured,
        to_measure=None if candidates is None else len(schemes),
        workers=int(known["environment"].get("workers", 1)),
        working=working,
    )


def _stage(facts: Mapping[str, Any], lanes: tuple[LaneProgress, ...], *, trained: bool) -> Stage:
    if facts.get("finished"):
        return "finished"
    if facts.get("candidates") is not None:
        return "measuring" if trained else "training"
    begun = any(lane.charged or lane.state != "running" for lane in lanes)
    return "searching" if begun else "preparing"


def _one(db: sqlite3.Connection, query: str, *values: object) -> int:
    return int(db.execute(query, values).fetchone()[0])


def _lanes(
    db: sqlite3.Connection, keys: list[LaneKey], objective: Objective, blocks: int
) -> tuple[LaneProgress, ...]:
    charged: dict[int, Fraction] = {}
    rows = [
        *db.execute("SELECT lane, fidelity, count(*) FROM journal GROUP BY lane, fidelity"),
        *db.execute("SELECT lane, charge, count(*) FROM queries GROUP BY lane, charge"),
    ]
    for lane, charge, number in rows:
        charged[lane] = charged.get(lane, Fraction(0)) + Fraction(charge) * number
    best = _best_rewards(db, objective, blocks)
    found = {
        LaneKey(*key): (number, state, message)
        for number, *key, state, message in db.execute(
            "SELECT lane, strategy, strategy_seed, supernet_seed, state, message FROM lanes"
        )
    }
    unknown: tuple[int, LaneState, str] = (-1, "running", "")
    progress = []
    for key in keys:
        number, state, message = found.get(key, unknown)
        progress.append(
            LaneProgress(
                key=key,
                state=state,
                charged=float(charged.get(number, 0)),
                best=best.get(number, nan),
                message=message,
            )
        )
    return tuple(progress)


def _best_rewards(db: sqlite3.Connection, objective: Objective, blocks: int) -> dict[int, float]:
    """The highest reward of a full answer by lane; none where no answer is a number."""
    rows = np.fromiter(
        db.execute(
            "SELECT lane, scheme, accuracy FROM journal "
            "WHERE fidelity = '1' AND accuracy IS NOT NULL ORDER BY lane"
        ),
        dtype=[("lane", np.int64), ("scheme", f"S{blocks}"), ("accuracy", np.float64)],
    )
    if not len(rows):
        return {}
    signs = np.ascontiguousarray(rows["scheme"]).view(np.uint8).reshape(len(rows), blocks)
    rewards = objective.reward(signs == ord("1"), np.ascontiguousarray(rows["accuracy"]))
    numbers, starts = np.unique(rows["lane"], return_index=True)
    highest = np.fmax.reduceat(rewards, starts)
    return dict(zip(numbers.tolist(), highest.tolist(), strict=True))


def _actual(db: sqlite3.Connection, oracles: list[dict[str, Any]]) -> float:
    """What searched supernets say they had to score, and what is known of the one at hand."""
    done = sum(one["evaluations"] for one in oracles)
    seeds = [one["supernet_seed"] for one in oracles]
    identities = [one["identity"] for one in oracles]
    tabulated = _one(
        db,
        "SELECT count(*) FROM answers WHERE oracle NOT IN (SELECT value FROM json_each(?))",
        json.dumps(identities),
    )
    if tabulated:
        return float(done + tabulated)
    asked = db.execute(
        "SELECT fidelity, count(*) FROM (SELECT DISTINCT supernet_seed, scheme, fidelity "
        "FROM journal JOIN lanes USING (lane) "
        "WHERE supernet_seed NOT IN (SELECT value FROM json_each(?))) GROUP BY fidelity",
        (json.dumps(seeds),),
    )
    return float(done + sum(Fraction(fidelity) * number for fidelity, number in asked))


def at_work(folder: Path, mounts: Path = MOUNTS) -> bool | None:
    """Whether a process holds the folder's lock; see `is_held`."""
    return is_held(folder / "run.lock", mounts)


def is_held(lock: Path, mounts: Path = MOUNTS) -> bool | None:
    """Whether a process holds a lock; None where there is none or the system doesn't tell.

    To try the lock could make a run fail that begins just then, so Linux's list is read. It
    has this machine's locks only: on a network another one may hold it.
    """
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        inode = lock.stat().st_ino
    except OSError:
        return None
    held = any(line.split()[-3].rpartition(":")[2] == str(inode) for line in locks)
    return held or (None if on_network(lock.parent, mounts) else False)

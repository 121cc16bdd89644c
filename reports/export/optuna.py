"""A run's searches as Optuna studies, which optuna-dashboard and Optuna's plots open.

One study a lane: its trials are the lane's full answers in the order in which it asked. In
user attributes: accuracy, loss and charged evaluations of trials, strategy and seeds of studies.
"""

import sqlite3
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from math import isnan
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from benchmark.basics.errors import UsageError
from benchmark.basics.files import replacing
from benchmark.basics.optuna import warnings_only
from benchmark.records.run import LaneRecord, RunRecords
from benchmark.records.schemes import format_bits, scheme_bits

_JOURNALS = (".log", ".jsonl", ".journal")
_BEGIN = datetime(1970, 1, 1)  # noqa: DTZ001 - Optuna's dates have no zone
_BIT = CategoricalDistribution((0, 1))


def address(path: Path) -> str:
    """What Optuna and optuna-dashboard call the file."""
    return str(path) if path.suffix in _JOURNALS else f"sqlite:///{path}"


def write_studies(
    records: RunRecords, path: Path, *, on_trial: Callable[[int], None] = lambda _: None
) -> int:
    """Write one study a lane into the new file ``path``.

    An SQLite storage, or Optuna's journal storage (some thirty times faster to write) where
    the name ends in ``.log``, ``.jsonl`` or ``.journal``. Trials need dates, and a run keeps
    none: a trial's seconds since 1970 are the evaluations charged by then.

    Args:
        records: of the run, finished or not.
        path: the file.
        on_trial: told about every trial.

    Returns:
        The number of studies.

    Raises:
        UsageError: the file exists.
    """
    if path.exists():
        raise UsageError(f"{path} exists; choose another file, or delete it first")
    with warnings_only(), replacing(path) as draft:
        storage, close = _storage(draft, journal=path.suffix in _JOURNALS)
        try:
            for lane in records.lanes:
                _write_lane(records, lane, storage, on_trial)
        finally:
            close()
    return len(records.lanes)


def _storage(path: Path, *, journal: bool) -> tuple[BaseStorage, Callable[[], None]]:
    if journal:
        return JournalStorage(JournalFileBackend(str(path))), lambda: None
    options = {"creator": partial(_connected, path)}
    storage = RDBStorage(f"sqlite:///{path.resolve()}", engine_kwargs=options)
    return storage, partial(_dispose, storage)


def _connected(path: Path) -> sqlite3.Connection:
    """A connection in a hurry: the draft is thrown away whenever something goes wrong."""
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = MEMORY")
    return db


def _dispose(storage: RDBStorage) -> None:
    storage.remove_session()
    storage.engine.dispose()


def _write_lane(
    records: RunRecords, lane: LaneRecord, storage: BaseStorage, on_trial: Callable[[int], None]
) -> None:
    key = lane.key
    study = optuna.create_study(
        storage=storage,
        study_name=f"{key.strategy}, seed {key.strategy_seed}, supernet {key.supernet_seed}",
        direction="maximize",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(["reward"])
    facts = {
        "strategy": key.strategy,
        "strategy seed": key.strategy_seed,
        "supernet seed": key.supernet_seed,
        "task": records.facts.get("task"),
        "state": lane.state,
        "message": lane.message,
        "charged evaluations": lane.total,
        "reward": records.objective.words,
        "experiment": records.experiment,
    }
    for name, value in facts.items():
        study.set_user_attr(name, value)
    rewards = records.objective.reward(lane.schemes, lane.accuracy).tolist()
    for number, reward in enumerate(rewards):
        study.add_trial(_trial(records, lane, number, reward))
        on_trial(1)


def _trial(records: RunRecords, lane: LaneRecord, number: int, reward: float) -> FrozenTrial:
    scheme = lane.schemes[number]
    digits = len(str(len(scheme)))
    params = {f"block_{n:0{digits}d}": int(bit) for n, bit in enumerate(scheme, 1)}
    before = float(lane.charged[number - 1]) if number else 0.0
    begin, end = (_BEGIN + timedelta(seconds=s) for s in (before, float(lane.charged[number])))
    answers = {"accuracy": float(lane.accuracy[number]), "loss": float(lane.loss[number])}
    failed = isnan(reward)
    return FrozenTrial(
        number=number,
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else reward,
        datetime_start=begin,
        datetime_complete=end,
        params=params,
        distributions=dict.fromkeys(params, _BIT),
        user_attrs={
            "scheme": format_bits(scheme_bits(scheme), records.blocks_per_stage),
            "connections": int(np.sum(scheme)),
            "charged evaluations": float(lane.charged[number]),
            **{name: value for name, value in answers.items() if not isnan(value)},
        },
        system_attrs={},
        intermediate_values={},
        trial_id=-1,
    )

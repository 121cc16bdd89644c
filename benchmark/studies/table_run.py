"""Searching a table: strategies compared on answers that are all known beforehand.

No supernet, no stand-alone networks, no costs: only searches, and how far each stays
behind an optimum that is known. Answers cost nothing here, so each run goes from its
beginning to its end in one process, many at a time.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmark import __version__
from benchmark.basics.errors import UsageError
from benchmark.basics.identity import code_version, content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.oracle.answers_file import Table, read_table
from benchmark.oracle.base import SCORES
from benchmark.oracle.table import TableOracle
from benchmark.planning.plan import plug_in_facts, strategy_maker
from benchmark.planning.settings import Settings
from benchmark.plugins.chosen import ChosenStrategy, choose_all
from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey, LaneState
from benchmark.records.settings import IDENTIFYING, SEARCHED, SETTINGS
from benchmark.search.runner import Lane, search, unmet
from benchmark.storage.calls import Call, Query, bits_of
from benchmark.storage.folder import Description, RunFolder, read_records
from benchmark.storage.store import Store
from benchmark.studies.objective import refuse_objective_needs
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.pages.report import Report
from strategies.base import SearchSpace

_COMPUTING = ("benchmark.oracle.table", "benchmark.search.runner")
"""Modules that a search computes with beside its strategy's."""
_IN_MEMORY = Path(":memory:")


@numerical_state()
def run_on_table(
    settings: Settings,
    *,
    out: Path | str | None = None,
    workers: int | WorkerPool | None = None,
    progress: Progress | None = None,
    on_folder: Callable[[Path], None] = lambda _: None,
) -> Report:
    """Run strategies on the table that ``settings.oracle`` names, or go on where it stopped.

    Args:
        settings: strategies, budget, seeds, weight; what concerns networks must be left out.
        out: the run's folder; default ``runs/table-<experiment>``.
        workers: or so many processes of this machine; default one a core. Results do not
            depend on them.
        progress: shows what is running.
        on_folder: told the run's folder before it begins.

    Raises:
        UsageError: no such table, one that lacks schemes or changes meanwhile, settings without
            effect, a strategy that needs more than scores, or a folder of another experiment.
        StoreError: a damaged table or folder.
    """
    assert settings.oracle is not None
    _refuse_without_effect(settings)
    refuse_objective_needs(settings)
    table = read_table(Path(settings.oracle))
    table.require_complete()
    space = SearchSpace(table.blocks_per_stage, settings.budget)
    strategies = choose_all(settings.strategies, settings.set, space, limit=settings.ask_timeout)
    _refuse_needs(strategies)
    identity = content_hash(
        settings=settings.model_dump(include=set(SEARCHED & IDENTIFYING)),
        strategies=[strategy.identity() for strategy in strategies],
        table=table.fingerprint(),
        code=code_version(*_COMPUTING),
    )
    folder = RunFolder(Path(out or Path("runs") / f"table-{identity[:8]}"))
    on_folder(folder.path)
    pool = WorkerPool.of(workers)
    shown = NoProgress() if progress is None else progress
    description = _description(settings, table, identity, pool.count, strategies)
    with folder.claim(description) as store:
        if not store.fact("finished", default=False):
            _keep_table(store, table)
            content = table.fingerprint()
            jobs = [_Job(settings, content, *lane) for lane in _lanes(settings, strategies)]
            _search(jobs, store, pool, shown)
            store.set_fact("finished", value=True)
        report = Report(read_records(store))
    report.write(folder.path)
    return report


def _refuse_without_effect(settings: Settings) -> None:
    for name, setting in SETTINGS.items():
        if name not in SEARCHED and getattr(settings, name) != setting.default:
            raise UsageError(f"{setting.option} has no effect on a table (--oracle); leave it out")


def _refuse_needs(strategies: Sequence[ChosenStrategy]) -> None:
    for strategy in strategies:
        if missing := unmet(strategy.load().needs, SCORES):
            raise UsageError(
                f"strategy {strategy.name!r} needs {missing}, and a table has scores only; "
                "leave it out, or run without --oracle"
            )


def _description(
    settings: Settings,
    table: Table,
    identity: str,
    workers: int,
    strategies: Sequence[ChosenStrategy],
) -> Description:
    return Description(
        experiment=identity,
        settings=settings.model_dump(mode="json", include=set(SEARCHED)),
        facts=table.task,
        environment={
            "command": settings.command(),
            "ticket-benchmark": __version__,
            "code": code_version(*_COMPUTING),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "workers": workers,
            **plug_in_facts(strategies),
            **{f"table: {name}": value for name, value in table.environment.items()},
        },
        blocks_per_stage=list(table.blocks_per_stage),
        lanes=[key for _, key in _lanes(settings, strategies)],
        training="",
        machine="",
    )


def _lanes(
    settings: Settings, strategies: Sequence[ChosenStrategy]
) -> list[tuple[ChosenStrategy, LaneKey]]:
    return [
        (strategy, LaneKey(strategy.name, seed, 0))
        for strategy in strategies
        for seed in range(settings.seeds)
    ]


def _keep_table(store: Store, table: Table) -> None:
    blocks = sum(table.blocks_per_stage)
    ends = TableOracle(table).score(np.array([[False] * blocks, [True] * blocks]))
    with store.transaction():
        store.add_answers(
            table.identity,
            bits_of(table.schemes),
            list(zip(table.accuracy.tolist(), table.loss.tolist(), strict=True)),
            seconds=0.0,
        )
        store.set_fact(
            "oracles",
            [
                {
                    "supernet_seed": 0,
                    "identity": table.identity,
                    "facts": table.facts | {"landscape": "read from a table"},
                    "original_accuracy": float(ends.accuracy[0]),
                    "full_accuracy": float(ends.accuracy[1]),
                    "evaluations": 0,
                    "seconds": 0.0,
                    "training_seconds": 0.0,
                }
            ],
        )


@dataclass(frozen=True)
class _Job:
    settings: Settings
    content: str
    strategy: ChosenStrategy
    key: LaneKey


def _search(jobs: Sequence[_Job], store: Store, workers: WorkerPool, progress: Progress) -> None:
    missing = [job for job in jobs if store.lane_end(job.key)[0] == "running"]
    with progress.stage("Searching", len(missing), "runs") as advance:
        for index, (calls, state, message, traceback, opened) in workers.map(_run_lane, missing):
            with store.transaction():
                lane = store.lane(missing[index].key)
                for number, call in enumerate(calls):
                    store.add_call(lane, number, call)
                store.end_lane(lane, state, message, traceback=traceback, opened=opened)
            advance(1)


_Calls = Sequence[Call | Query]


def _run_lane(job: _Job) -> tuple[_Calls, LaneState, str, str, tuple[str, ...]]:
    settings = job.settings
    table, oracle = _opened(str(settings.oracle), job.content)
    space = SearchSpace(table.blocks_per_stage, settings.budget)
    store = Store(_IN_MEMORY)
    try:
        timeout = settings.ask_timeout
        make = strategy_maker(
            job.strategy, job.key, space, root_seed=settings.seed, timeout=timeout
        )
        lane = Lane(job.key, make, oracle, store, settings.budget, ask_timeout=timeout)
        search([lane], oracle, store, Objective.of(dict(settings)))
        state, message = store.lane_end(job.key)
        number = lane.number
        told = store.lane_traceback(number), store.lane_opened(number)
        return store.calls(number), state, message, *told
    finally:
        store.close()


@lru_cache(maxsize=1)
def _opened(path: str, content: str) -> tuple[Table, TableOracle]:
    """The table in the file, and its oracle, if it is still the one with this fingerprint."""
    table = read_table(Path(path))
    if (found := table.fingerprint()) != content:
        raise UsageError(
            f"{path} has changed since the run began: expected the table {content}, received "
            f"{found}; put it back, or search the new one in another folder (--out)"
        )
    return table, TableOracle(table)

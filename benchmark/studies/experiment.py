"""The main job: settings in, ranked ticket report out. Composes all other parts.

Every step leaves its results behind durably before the next begins, and begins by
looking for them: the same call after a stop goes on where it stopped.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.basics.errors import UsageError
from benchmark.basics.files import made_folder
from benchmark.basics.numerical_state import numerical_state
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.run import LaneKey
from benchmark.records.schemes import all_schemes, bits_scheme
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.standalone.training import pick_candidates, train_all
from benchmark.storage.calls import bits_of
from benchmark.storage.folder import RunFolder, read_records
from benchmark.storage.store import Store
from benchmark.studies.measurement import measure_schemes
from benchmark.studies.objective import provided_objective
from benchmark.studies.scoring import ask_in_both_modes, open_oracle, open_supernet, score_all
from benchmark.studies.tickets import make_tickets, write_tickets
from benchmark.studies.trust import fitting_evidence
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.numbers.tickets import FOLDER, ticket_schemes
from reports.pages.report import Report


@numerical_state()
def run(
    settings: Settings,
    *,
    out: Path | str | None = None,
    cache: Path | str | None = None,
    workers: int | WorkerPool | None = None,
    progress: Progress | None = None,
    on_folder: Callable[[Path], None] = lambda _: None,
) -> Report:
    """Run an experiment from its settings to its report, or go on where it stopped.

    Args:
        settings: what determines the results.
        out: the run's folder; default ``runs/<task>-<experiment>``, or ``runs/table-…``.
        cache: where supernets, oracle answers and stand-alone results are kept for
            all experiments; default `default_cache`.
        workers: or so many processes of this machine; default one a core. Results do not
            depend on them.
        progress: shows what is running.
        on_folder: told the run's folder before it begins.

    Raises:
        UsageError: settings that this machine can't serve, or a folder of another experiment.
        DataError: the task's files are missing, damaged or of another format.
        StoreError: a damaged file in the folder or the cache.
    """
    if settings.oracle is not None:
        from benchmark.studies.table_run import run_on_table  # noqa: PLC0415 - Parquet only when needed

        return run_on_table(
            settings, out=out, workers=workers, progress=progress, on_folder=on_folder
        )
    cache = default_cache() if cache is None else Path(cache)
    plan = Plan(settings, cache=cache)
    folder = RunFolder(Path(out or Path("runs") / f"{settings.task}-{plan.identity[:8]}"))
    folder.check(plan.identity)
    on_folder(folder.path)
    pool = WorkerPool.of(workers)
    with (
        opened_cache(cache) as shared,
        folder.claim(plan.description(pool.count)) as store,
    ):
        folder.keep_names("validation.txt", plan.task.held_out())
        folder.keep_names("left-out.txt", plan.task.left_out())
        steps = _Steps(plan, store, shared, pool, NoProgress() if progress is None else progress)
        report = steps.run()
    report.write(folder.path)
    records = report.records
    chosen = [item.bits for item in ticket_schemes(report.analysis)]
    tickets = make_tickets(plan, chosen, records.standalone, records.costs, records.environment)
    write_tickets(tickets, folder.path / FOLDER)
    return report


def default_cache() -> Path:
    """``$TICKET_BENCHMARK_CACHE``, or ``ticket-benchmark`` in the user's cache folder.

    Raises:
        UsageError: nobody knows where this user's home is.
    """
    if chosen := os.environ.get("TICKET_BENCHMARK_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "ticket-benchmark"
    except RuntimeError as error:
        raise UsageError(f"{error} Say where to keep results with {_CHOOSES_CACHE}") from error


_CHOOSES_CACHE = "--cache (or $TICKET_BENCHMARK_CACHE)"


@contextmanager
def opened_cache(cache: Path) -> Iterator[Store]:
    """The store in the folder ``cache`` that all experiments share.

    Raises:
        UsageError: the folder can't be made or written.
    """
    folder = made_folder(cache, option=_CHOOSES_CACHE)
    with closing(Store(folder / "cache.sqlite")) as store:
        yield store


class _Steps:
    """The steps of an experiment, each of which does what is not done yet."""

    def __init__(
        self, plan: Plan, store: Store, cache: Store, workers: WorkerPool, progress: Progress
    ) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._store = store
        self._cache = cache
        self._workers = workers
        self._progress = progress
        self._objective = provided_objective(plan, store)

    def run(self) -> Report:
        """From supernets to the report."""
        if self._store.fact("finished", default=False):
            return Report(read_records(self._store))
        oracles: list[dict[str, Any]] = []
        for seed in range(self._settings.supernet_seeds):
            oracles.append(self._search(seed))
            self._store.set_fact("oracles", oracles)
        schemes = self._choose()
        self._train(schemes)
        self._measure(schemes)
        self._hold_against_training(schemes)
        self._store.set_fact("finished", value=True)
        return Report(read_records(self._store))

    def _search(self, seed: int) -> dict[str, Any]:
        plan = self._plan
        supernet = open_supernet(plan, seed, self._cache, self._progress)
        oracle = open_oracle(plan, supernet, self._cache, self._workers)
        tabulated = plan.tabulation_pays()
        if tabulated:
            score_all(oracle, self._workers, self._progress)
            self._keep_answers(oracle.identity)
        ends = oracle.score(np.array([bits_scheme(plan.original), bits_scheme(plan.full)]))
        self._run_lanes(oracle, seed)
        used = self._used(seed)
        seconds = self._cache.answer_seconds(oracle.identity)
        return {
            "supernet_seed": seed,
            "identity": oracle.identity,
            "facts": plan.oracle_facts(landscape="tabulated" if tabulated else "scored on demand"),
            "original_accuracy": float(ends.accuracy[0]),
            "full_accuracy": float(ends.accuracy[1]),
            "evaluations": len(used),
            "seconds": sum(seconds.get(bits, 0.0) for bits in sorted(used)),
            "training_seconds": supernet.training_seconds,
        }

    def _keep_answers(self, oracle: str) -> None:
        seconds = self._cache.answer_seconds(oracle)
        with self._store.transaction():
            for bits, answer in self._cache.answers(oracle).items():
                self._store.add_answers(oracle, [bits], [answer], seconds=seconds[bits])

    def _run_lanes(self, oracle: CachedOracle, supernet_seed: int) -> None:
        keys = [
            key
            for key in self._plan.lane_keys()
            # One that failed has ended too: it isn't given another chance after a stop.
            if key.supernet_seed == supernet_seed and self._store.lane_end(key)[0] == "running"
        ]
        with self._progress.stage(
            "Searching", len(keys) * self._settings.budget, "evaluations"
        ) as advance:
            lanes = [
                Lane(
                    key,
                    self._plan.maker(key),
                    oracle,
                    self._store,
                    self._settings.budget,
                    ask_timeout=self._settings.ask_timeout,
                )
                for key in keys
            ]
            search(lanes, oracle, self._store, self._objective, on_progress=advance)

    def _used(self, supernet_seed: int) -> set[str]:
        """Schemes that the machine had to score for this run."""
        plan = self._plan
        if plan.tabulation_pays():
            return set(bits_of(all_schemes(plan.blocks)))
        used = {plan.original, plan.full}
        for key in plan.lane_keys():
            if key.supernet_seed == supernet_seed:
                used.update(bits_of(self._store.lane_record(key, plan.blocks).schemes))
        return used

    def _choose(self) -> list[str]:
        """Write down each lane's candidates; return every scheme that is to be trained."""
        plan = self._plan
        chosen: list[tuple[LaneKey, list[str]]] = []
        for key in plan.lane_keys():
            lane = self._store.lane_record(key, plan.blocks)
            if lane.state == "finished":
                rewards = self._objective.reward(lane.schemes, lane.accuracy)
                chosen.append((key, pick_candidates(lane, rewards, self._settings.candidates)))
        self._store.set_fact("candidates", [(asdict(key), schemes) for key, schemes in chosen])
        found = {bits for _, schemes in chosen for bits in schemes}
        return [plan.original, plan.full, *sorted(found - {plan.original, plan.full})]

    def _train(self, schemes: list[str]) -> None:
        training = self._plan.training
        identity = training.identity(self._plan.task)
        seeds = range(self._settings.standalone_seeds)
        for record in self._store.standalone(identity).values():
            self._cache.add_standalone(identity, record)
        title = f"Training {len(schemes)} schemes from scratch"
        with (
            self._progress.stage(title, len(schemes) * len(seeds), "networks") as advance,
            closing(
                train_all(
                    training,
                    schemes,
                    seeds,
                    identity=identity,
                    cache=self._cache,
                    workers=self._workers,
                )
            ) as records,
        ):
            for record in records:
                self._store.add_standalone(identity, record)
                advance(1)

    def _measure(self, schemes: list[str]) -> None:
        plan = self._plan
        machine = self._store.fact("description")["machine"]
        known = self._store.costs(machine)
        trained = list(self._store.standalone(plan.training.identity(plan.task)).values())
        missing = len(set(schemes) - set(known))
        with (
            self._progress.stage("Measuring costs", missing, "schemes") as advance,
            closing(measure_schemes(plan, schemes, trained, known)) as costs,
        ):
            for cost in costs:
                self._store.add_cost(machine, cost)
                advance(1)

    def _hold_against_training(self, schemes: list[str]) -> None:
        """Ask every oracle, in both batch-norm modes, for all that has been trained."""
        if self._store.fact("answers") is not None:
            return
        found = fitting_evidence(self._plan)
        outside = list(found[1].records) if found else []
        bits = list(dict.fromkeys([*schemes, *(record.bits for record in outside)]))
        answers = ask_in_both_modes(
            self._plan, bits, cache=self._cache, workers=self._workers, progress=self._progress
        )
        with self._store.transaction():
            self._store.set_fact("answers", [asdict(answer) for answer in answers])
            self._store.set_fact("outside", [asdict(record) for record in outside])
            self._store.set_fact("outside source", found[0] if found else "")

"""Searching supernets: they are trained, searched, and what is found is trained from scratch."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.console import Console

from benchmark.planning.estimate import Estimate
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.kinds import SUPERNET
from benchmark.records.run import LaneKey
from benchmark.records.schemes import all_schemes, bits_scheme
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.standalone.training import pick_candidates, train_all
from benchmark.storage.calls import bits_of
from benchmark.storage.folder import Description
from benchmark.studies.cache import default_cache, opened_cache
from benchmark.studies.measurement import measure_schemes
from benchmark.studies.objective import provided_objective
from benchmark.studies.oracle_source import OracleSource, Work
from benchmark.studies.scoring import ask_in_both_modes, open_oracle, open_supernet, score_all
from benchmark.studies.tickets import make_tickets, write_tickets
from benchmark.studies.trust import fitting_evidence
from benchmark.workers.pool import WorkerPool
from reports.numbers.tickets import FOLDER, ticket_schemes
from reports.pages.report import Report


@final
class SupernetSource(OracleSource):
    """A run on supernets.

    Args:
        settings: of the run.
        cache: where supernets, oracle answers and stand-alone results are kept for all
            experiments; default `default_cache`.

    Raises:
        UsageError, DataError: see `Plan`.
    """

    kind = SUPERNET

    def __init__(self, settings: Settings, *, cache: Path | None = None) -> None:
        self.settings = settings
        self._folder = default_cache() if cache is None else cache
        self.plan = Plan(settings, cache=self._folder)
        self.identity = self.plan.identity

    @classmethod
    def print_plan(cls, settings: Settings, console: Console, *, cache: Path | None = None) -> None:
        folder = None if settings.data is None else cache or default_cache()
        Estimate(settings, cache=folder).print(console)

    @property
    def name(self) -> str:
        return self.settings.task

    def description(self, workers: WorkerPool) -> Description:
        return self.plan.description(workers)

    @contextmanager
    def opened(self) -> Iterator[None]:
        with opened_cache(self._folder) as self._cache:
            yield

    def search(self, work: Work) -> None:
        work.folder.keep_names("validation.txt", self.plan.task.held_out())
        work.folder.keep_names("left-out.txt", self.plan.task.left_out())
        oracles: list[dict[str, Any]] = []
        for seed in range(self.settings.supernet_seeds):
            oracles.append(self._search(seed, work))
            work.store.set_fact("oracles", oracles)

    def conclude(self, work: Work) -> None:
        schemes = self._choose(work)
        self._train(schemes, work)
        self._measure(schemes, work)
        self._hold_against_training(schemes, work)

    def write(self, report: Report, folder: Path) -> None:
        super().write(report, folder)
        records = report.records
        chosen = [item.bits for item in ticket_schemes(report.analysis)]
        costs, environment = records.costs, records.environment
        tickets = make_tickets(self.plan, chosen, records.standalone, costs, environment)
        write_tickets(tickets, folder / FOLDER)

    def _search(self, seed: int, work: Work) -> dict[str, Any]:
        plan = self.plan
        supernet = open_supernet(plan, seed, self._cache, work.progress)
        oracle = open_oracle(plan, supernet, self._cache, work.workers)
        tabulated = plan.tabulation_pays()
        if tabulated:
            score_all(oracle, work.workers, work.progress)
            self._keep_answers(oracle.identity, work)
        ends = oracle.score(np.array([bits_scheme(plan.original), bits_scheme(plan.full)]))
        self._run_lanes(oracle, seed, work)
        used = self._used(seed, work)
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

    def _keep_answers(self, oracle: str, work: Work) -> None:
        seconds = self._cache.answer_seconds(oracle)
        with work.store.transaction():
            for bits, answer in self._cache.answers(oracle).items():
                work.store.add_answers(oracle, [bits], [answer], seconds=seconds[bits])

    def _run_lanes(self, oracle: CachedOracle, supernet_seed: int, work: Work) -> None:
        keys = [
            key
            for key in self.plan.lane_keys()
            # One that failed has ended too: it isn't given another chance after a stop.
            if key.supernet_seed == supernet_seed and work.store.lane_end(key)[0] == "running"
        ]
        with work.progress.stage(
            "Searching", len(keys) * self.settings.budget, "evaluations"
        ) as advance:
            lanes = [
                Lane(
                    key,
                    self.plan.maker(key),
                    oracle,
                    work.store,
                    self.settings.budget,
                    ask_timeout=self.settings.ask_timeout,
                )
                for key in keys
            ]
            objective = provided_objective(self.plan, work.store)
            search(lanes, oracle, work.store, objective, on_progress=advance)

    def _used(self, supernet_seed: int, work: Work) -> set[str]:
        """Schemes that the machine had to score for this run."""
        plan = self.plan
        if plan.tabulation_pays():
            return set(bits_of(all_schemes(plan.blocks)))
        used = {plan.original, plan.full}
        for key in plan.lane_keys():
            if key.supernet_seed == supernet_seed:
                used.update(bits_of(work.store.lane_record(key, plan.blocks).schemes))
        return used

    def _choose(self, work: Work) -> list[str]:
        """Write down each lane's candidates; return every scheme that is to be trained."""
        plan = self.plan
        objective = provided_objective(plan, work.store)
        chosen: list[tuple[LaneKey, list[str]]] = []
        for key in plan.lane_keys():
            lane = work.store.lane_record(key, plan.blocks)
            if lane.state == "finished":
                rewards = objective.reward(lane.schemes, lane.accuracy)
                chosen.append((key, pick_candidates(lane, rewards, self.settings.candidates)))
        work.store.set_fact("candidates", [(asdict(key), schemes) for key, schemes in chosen])
        found = {bits for _, schemes in chosen for bits in schemes}
        return [plan.original, plan.full, *sorted(found - {plan.original, plan.full})]

    def _train(self, schemes: list[str], work: Work) -> None:
        training = self.plan.training
        identity = training.identity(self.plan.task)
        seeds = range(self.settings.standalone_seeds)
        for record in work.store.standalone(identity).values():
            self._cache.add_standalone(identity, record)
        title = f"Training {len(schemes)} schemes from scratch"
        with (
            work.progress.stage(title, len(schemes) * len(seeds), "networks") as advance,
            closing(
                train_all(
                    training,
                    schemes,
                    seeds,
                    identity=identity,
                    cache=self._cache,
                    workers=work.workers,
                )
            ) as records,
        ):
            for record in records:
                work.store.add_standalone(identity, record)
                advance(1)

    def _measure(self, schemes: list[str], work: Work) -> None:
        plan = self.plan
        machine = work.store.fact("description")["machine"]
        known = work.store.costs(machine)
        trained = list(work.store.standalone(plan.training.identity(plan.task)).values())
        missing = len(set(schemes) - set(known))
        with (
            work.progress.stage("Measuring costs", missing, "schemes") as advance,
            closing(measure_schemes(plan, schemes, trained, known)) as costs,
        ):
            for cost in costs:
                work.store.add_cost(machine, cost)
                advance(1)

    def _hold_against_training(self, schemes: list[str], work: Work) -> None:
        """Ask every oracle, in both batch-norm modes, for all that has been trained."""
        if work.store.fact("answers") is not None:
            return
        found = fitting_evidence(self.plan)
        outside = list(found[1].records) if found else []
        bits = list(dict.fromkeys([*schemes, *(record.bits for record in outside)]))
        answers = ask_in_both_modes(
            self.plan, bits, cache=self._cache, workers=work.workers, progress=work.progress
        )
        with work.store.transaction():
            work.store.set_fact("answers", [asdict(answer) for answer in answers])
            work.store.set_fact("outside", [asdict(record) for record in outside])
            work.store.set_fact("outside source", found[0] if found else "")

"""The main job: settings in, ranked ticket report out. Composes all other parts.

Every step leaves its results behind durably before the next begins, and begins by
looking for them: the same call after a stop goes on where it stopped.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark import __version__
from benchmark.costs import machine_name, measure_costs
from benchmark.errors import UsageError
from benchmark.folder import Description, RunFolder, read_records
from benchmark.identity import code_version, content_hash
from benchmark.networks.resnet import SHAPES
from benchmark.oracle.prefix_tree import block_passes
from benchmark.oracle.supernet import (
    CALIBRATION_DRAWS,
    FrozenSupernet,
    NetworkSpec,
    SupernetOracle,
    SupernetSpec,
    frozen_supernet,
)
from benchmark.oracle.wrappers import CachedOracle, ShardedOracle
from benchmark.progress import Progress, Silent
from benchmark.records import LaneKey
from benchmark.runner import Lane, Objective, search
from benchmark.schemes import all_schemes
from benchmark.seeding import child_rng
from benchmark.settings import Settings
from benchmark.standalone import Training, pick_candidates, train_all
from benchmark.store import Store, bits_of
from benchmark.workers import Workers, available_cores
from reports.report import Report
from strategies.base import SearchSpace
from strategies.registry import load_strategy
from tasks.base import Recipe
from tasks.registry import load_task

_TABULATE_AT_A_TIME = 512
_LANDSCAPE_LIMIT = 20  # blocks; 2²⁰ schemes


def run(
    settings: Settings,
    *,
    out: Path | str | None = None,
    cache: Path | str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run an experiment from its settings to its report, or go on where it stopped.

    Args:
        settings: what determines the results.
        out: the run's folder; default ``runs/<task>-<experiment>``.
        cache: where supernets, oracle answers and stand-alone results are kept for
            all experiments; default `default_cache`.
        workers: processes; default one a core. Results do not depend on it.
        progress: shows what is running.

    Raises:
        UsageError: settings that this machine can't serve, or a folder of another experiment.
        StoreError: a damaged file in the folder or the cache.
    """
    experiment = Experiment(
        settings,
        out=None if out is None else Path(out),
        cache=default_cache() if cache is None else Path(cache),
        workers=Workers(available_cores() if workers is None else workers),
        progress=Silent() if progress is None else progress,
    )
    return experiment.run()


def default_cache() -> Path:
    """``$TICKET_BENCHMARK_CACHE``, or ``ticket-benchmark`` in the user's cache folder."""
    if chosen := os.environ.get("TICKET_BENCHMARK_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ticket-benchmark"


class Experiment:
    """An experiment's parts, made from its settings; see `run` for the arguments."""

    def __init__(
        self,
        settings: Settings,
        *,
        out: Path | None,
        cache: Path,
        workers: Workers,
        progress: Progress,
    ) -> None:
        _check_device(settings.device)
        self.settings = settings
        self.task = load_task(settings.task, seed=settings.data_seed)
        shape = SHAPES[self.task.backbone]
        self.network = NetworkSpec(
            backbone=shape.backbone(self.task.image_shape[0], self.task.classes),
            attention=settings.attention,
            reduction=shape.reduction,
            sharing=settings.sharing,
        )
        self.blocks = self.network.backbone.blocks
        self.supernet_recipe = _recipe(self.task.supernet_recipe, settings.supernet_epochs)
        self.training = Training(
            task=settings.task,
            data_seed=settings.data_seed,
            network=self.network,
            recipe=_recipe(self.task.standalone_recipe, settings.standalone_epochs),
            root_seed=settings.seed,
            device=settings.device,
        )
        self.identity = content_hash(settings=settings.model_dump(), data=self.task.facts())
        self.folder = RunFolder(out or Path("runs") / f"{settings.task}-{self.identity[:8]}")
        self._cache = cache
        self._workers = workers
        self._progress = progress

    def run(self) -> Report:
        """Do whatever is not done yet, write the report and return it."""
        self.folder.check(self.identity)
        with closing(self.folder.claim(self._description())) as store, self._shared() as cache:
            oracles = [
                self._search(store, cache, seed) for seed in range(self.settings.supernet_seeds)
            ]
            with store.transaction():
                store.set_fact("oracles", oracles)
            schemes = self._candidates(store)
            self._train(store, cache, schemes)
            self._measure(store, schemes)
            store.set_fact("finished", value=True)
            report = Report(read_records(store))
        report.write(self.folder.path)
        return report

    @contextmanager
    def _shared(self) -> Iterator[Store]:
        self._cache.mkdir(parents=True, exist_ok=True)
        with closing(Store(self._cache / "cache.sqlite")) as cache:
            yield cache

    def _description(self) -> Description:
        return Description(
            experiment=self.identity,
            settings=self.settings.model_dump(),
            facts=self.task.facts(),
            environment={
                "ticket-benchmark": __version__,
                "code": code_version(),
                "python": platform.python_version(),
                "torch": torch.__version__,
                "system": f"{platform.system()} {platform.machine()}",
                "processor": machine_name(self.settings.device),
                "workers": self._workers.count,
            },
            blocks_per_stage=list(self.network.backbone.blocks_per_stage),
            lanes=self._lane_keys(),
            training=self.training.identity(self.task),
            machine=f"{machine_name(self.settings.device)}, torch {torch.__version__}",
        )

    def _lane_keys(self) -> list[LaneKey]:
        return [
            LaneKey(strategy, seed, supernet)
            for strategy in self.settings.strategies
            for supernet in range(self.settings.supernet_seeds)
            for seed in range(self.settings.seeds)
        ]

    # Supernet and search.

    def _supernet(self, seed: int) -> FrozenSupernet:
        spec = SupernetSpec(
            task=self.settings.task,
            data_seed=self.settings.data_seed,
            network=self.network,
            recipe=self.supernet_recipe,
            retain=self.settings.retain,
            root_seed=self.settings.seed,
            seed=seed,
        )
        epochs = self.supernet_recipe.epochs
        title = f"Training supernet {seed + 1} of {self.settings.supernet_seeds}"
        with self._progress.stage(title, epochs, "epochs") as advance:
            return frozen_supernet(
                spec,
                self.task,
                self._cache / "supernets",
                on_epoch=lambda _: advance(1),
            )

    def _search(self, store: Store, cache: Store, seed: int) -> dict[str, Any]:
        recipe = SupernetOracle(
            self._supernet(seed), self.settings.batch_norm, self.settings.device
        )
        # A GPU is one worker; processes are for cores.
        workers = self._workers if self.settings.device == "cpu" else Workers(1)
        oracle = CachedOracle(ShardedOracle(recipe(), recipe, workers), cache)
        tabulated = self._tabulation_pays()
        if tabulated:
            self._tabulate(oracle)
            self._keep_landscape(store, cache, oracle.identity)
        ends = oracle.score(np.array([[False], [True]]).repeat(self.blocks, axis=1))
        self._run_lanes(store, oracle, seed)
        used = set(bits_of(all_schemes(self.blocks))) if tabulated else self._asked(store, seed)
        seconds = cache.answer_seconds(oracle.identity)
        return {
            "supernet_seed": seed,
            "identity": oracle.identity,
            "facts": self._oracle_facts(tabulated=tabulated),
            "original_accuracy": float(ends.accuracy[0]),
            "full_accuracy": float(ends.accuracy[1]),
            "evaluations": len(used),
            "seconds": sum(seconds[bits] for bits in used),
            "training_seconds": recipe.supernet.training_seconds,
        }

    def _tabulation_pays(self) -> bool:
        """Whether all schemes together cost less than what the lanes may ask."""
        asked = len(self.settings.strategies) * self.settings.seeds * self.settings.budget
        return self.blocks <= _LANDSCAPE_LIMIT and 2**self.blocks - 1 <= block_passes(
            asked, self.blocks
        )

    def _tabulate(self, oracle: CachedOracle) -> None:
        missing = oracle.missing(all_schemes(self.blocks))
        with self._progress.stage("Scoring every scheme", len(missing), "schemes") as advance:
            for start in range(0, len(missing), _TABULATE_AT_A_TIME):
                group = missing[start : start + _TABULATE_AT_A_TIME]
                oracle.score(group)
                advance(len(group))

    def _keep_landscape(self, store: Store, cache: Store, identity: str) -> None:
        answers = cache.answers(identity)
        with store.transaction():
            store.add_answers(identity, list(answers), list(answers.values()), seconds=0.0)

    def _run_lanes(self, store: Store, oracle: CachedOracle, supernet_seed: int) -> None:
        space = SearchSpace(self.network.backbone.blocks_per_stage, self.settings.budget)
        keys = [key for key in self._lane_keys() if key.supernet_seed == supernet_seed]
        unfinished = [
            key for key in keys if store.lane_record(key, self.blocks).state != "finished"
        ]
        total = len(unfinished) * self.settings.budget
        with self._progress.stage("Searching", total, "evaluations") as advance:
            lanes = [self._lane(key, space, oracle, store) for key in unfinished]
            search(
                lanes,
                oracle,
                store,
                Objective(self.settings.objective_weight),
                on_progress=advance,
            )

    def _lane(self, key: LaneKey, space: SearchSpace, oracle: CachedOracle, store: Store) -> Lane:
        rng = child_rng(
            self.settings.seed, "search", key.strategy, key.strategy_seed, key.supernet_seed
        )
        make = partial(load_strategy(key.strategy), space, rng=rng)
        return Lane(key, make, oracle, store, self.settings.budget)

    def _asked(self, store: Store, supernet_seed: int) -> set[str]:
        asked = {"0" * self.blocks, "1" * self.blocks}
        for key in self._lane_keys():
            if key.supernet_seed == supernet_seed:
                asked.update(bits_of(store.lane_record(key, self.blocks).schemes))
        return asked

    def _oracle_facts(self, *, tabulated: bool) -> dict[str, Any]:
        settings = self.settings
        return {
            "batch norm": settings.batch_norm,
            "attention": settings.attention,
            "sharing": settings.sharing,
            "retain probability": settings.retain,
            "supernet epochs": self.supernet_recipe.epochs,
            "calibration draws": CALIBRATION_DRAWS if settings.batch_norm == "recalibrated" else 0,
            "landscape": "tabulated" if tabulated else "scored on demand",
        }

    # From candidates to evidence.

    def _candidates(self, store: Store) -> list[str]:
        """Write down each lane's candidates; return every scheme that is to be trained."""
        objective = Objective(self.settings.objective_weight)
        chosen: list[tuple[LaneKey, list[str]]] = []
        for key in self._lane_keys():
            lane = store.lane_record(key, self.blocks)
            rewards = objective.reward(lane.schemes, lane.accuracy)
            chosen.append((key, pick_candidates(lane, rewards, self.settings.candidates)))
        store.set_fact("candidates", [(asdict(key), schemes) for key, schemes in chosen])
        ends = ["0" * self.blocks, "1" * self.blocks]
        found = sorted({bits for _, schemes in chosen for bits in schemes} - set(ends))
        return ends + found

    def _train(self, store: Store, cache: Store, schemes: list[str]) -> None:
        identity = self.training.identity(self.task)
        seeds = range(self.settings.standalone_seeds)
        total = len(schemes) * len(seeds)
        title = f"Training {len(schemes)} schemes from scratch"
        with self._progress.stage(title, total, "networks") as advance:
            records = train_all(
                self.training, schemes, seeds, identity=identity, cache=cache, workers=self._workers
            )
            with closing(records):
                for record in records:
                    store.add_standalone(identity, record)
                    advance(1)

    def _measure(self, store: Store, schemes: list[str]) -> None:
        machine = store.fact("description")["machine"]
        missing = [bits for bits in schemes if bits not in store.costs(machine)]
        with self._progress.stage("Measuring costs", len(missing), "schemes") as advance:
            for bits in missing:
                cost = measure_costs(
                    self.network, bits, self.task.image_shape, device=self.settings.device
                )
                store.add_cost(machine, cost)
                advance(1)


def _recipe(recipe: Recipe, epochs: int | None) -> Recipe:
    return recipe if epochs is None else replace(recipe, epochs=epochs)


def _check_device(name: str) -> None:
    if name == "cpu":
        return
    if not torch.cuda.is_available():
        raise UsageError(f"device {name!r} was asked for, but torch sees no CUDA device; use cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"device {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices"
        )

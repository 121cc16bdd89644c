"""What an experiment consists of, derived from its settings before anything runs."""

import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from benchmark import __version__
from benchmark.basics.devices import check_device, torch_dtype
from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.sizes import parse_size
from benchmark.networks.attention import attention_class
from benchmark.networks.backbone import shape_named
from benchmark.networks.connect import SHARINGS, Sharing
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.kernels.library import chosen_kernels, kernels_name
from benchmark.oracle.memory import footprint_of
from benchmark.oracle.prefix_tree import block_passes
from benchmark.planning.lanes import lane_keys, plug_in_facts, strategy_maker
from benchmark.planning.settings import Settings
from benchmark.plugins.chosen import choose_all
from benchmark.records.objective import objective_code
from benchmark.records.run import FigureKind, LaneKey
from benchmark.records.settings import IDENTIFYING, RecipeChanges
from benchmark.standalone.costs import LATENCY_BATCH, check_fit, machine_name
from benchmark.standalone.training import Training
from benchmark.storage.folder import Description
from benchmark.supernet.train import SupernetSpec
from benchmark.workers.pool import WorkerPool
from strategies.base import SearchSpace, Strategy
from tasks.base import Task, TaskSpec
from tasks.folders import expanded
from tasks.metrics import Metric
from tasks.recipes import Recipe
from tasks.registry import load_task, task_class

SMOKE_ROWS = 8
"""Rows that are left of each split where things are only tried out."""
_COMPUTING = (
    "benchmark.oracle.supernet",
    "benchmark.search.runner",
    "benchmark.standalone.training",
)
"""Modules that an experiment computes with; what they import counts too."""
_LANDSCAPE_LIMIT = 20  # blocks; 2²⁰ schemes


class Plan:
    """The parts of an experiment.

    Args:
        settings: what determines the results.
        cache: folder for an index of the task's files; None keeps none.

    Raises:
        UsageError: this machine lacks the device; a strategy can't be made; or task,
            backbone and attention module don't fit.
        DataError: the task's files are missing, damaged or of another format.
    """

    @numerical_state()
    def __init__(self, settings: Settings, *, cache: Path | None = None) -> None:
        check_device(settings.device)
        self.settings = settings
        wanted = task_spec(settings, cache)
        self.task = load_task(wanted)
        # Whoever loads it again, in whichever process, gets what was read here or an error.
        self.task_spec = replace(wanted, fingerprint=str(self.task.facts()["fingerprint"]))
        self.backbone = settings.backbone or self.task.backbone
        # A subset of a data set may have fewer classes than its class says.
        self.network = network_spec(settings, self.task)
        check_fit(self.network, self.task.image_shape)
        self.supernet_recipe, standalone_recipe = recipes(settings, self.task)
        self.training = Training(
            task=self.task_spec,
            network=self.network,
            recipe=standalone_recipe,
            root_seed=settings.seed,
            device=settings.device,
            every_epoch=settings.best_epoch,
        )
        self.space = SearchSpace(self.network.backbone.blocks_per_stage, settings.budget)
        limit = settings.ask_timeout
        chosen = choose_all(settings.strategies, settings.set, self.space, limit=limit)
        self.strategies = {strategy.name: strategy for strategy in chosen}
        self.kernels = _kernels(settings)
        self.code = self.network.code(self.task_spec, *_COMPUTING)
        self.identity = content_hash(
            settings=settings.model_dump(include=set(IDENTIFYING))
            | {"task_options": _choices(settings)},
            strategies=[strategy.identity() for strategy in chosen],
            data=self.task.facts(),
            piece=self._piece(),
            kernels=self.kernels,
            code=self.code,
            objective=objective_code(settings.objective),
        )
        self.blocks = self.space.blocks
        self.original = "0" * self.blocks
        self.full = "1" * self.blocks

    def lane_keys(self) -> list[LaneKey]:
        """Every run, in display order."""
        return lane_keys(self.strategies.values(), self.settings)

    def _piece(self) -> int:
        memory = self.settings.oracle_memory
        return footprint_of(
            self.network,
            self.task.image_shape,
            dtype=self.settings.oracle_dtype,
            device=self.settings.device,
            memory=None if memory is None else parse_size(memory),
        ).piece

    def maker(self, key: LaneKey) -> Callable[[], Strategy]:
        """What makes the strategy of a run, from its seed alone."""
        return strategy_maker(
            self.strategies[key.strategy],
            key,
            self.space,
            root_seed=self.settings.seed,
            timeout=self.settings.ask_timeout,
        )

    def supernet(self, seed: int) -> SupernetSpec:
        """The supernet of one seed."""
        return SupernetSpec(
            task=self.task_spec,
            network=self.network,
            recipe=self.supernet_recipe,
            retain=self.settings.retain,
            root_seed=self.settings.seed,
            seed=seed,
            device=self.settings.device,
            processes=self.settings.supernet_processes,
        )

    def tabulation_pays(self) -> bool:
        """Whether all schemes together cost no more than what the lanes may ask."""
        asked = len(self.settings.strategies) * self.settings.seeds * self.settings.budget
        whole = 2**self.blocks - 1
        return self.blocks <= _LANDSCAPE_LIMIT and whole <= block_passes(asked, self.blocks)

    def timing(self) -> dict[str, int]:
        """How inference is timed, where that isn't the default."""
        if self.settings.smoke:
            return {"rounds": 2, "batch": 1}
        rows = self.task.latency_rows
        return {} if rows == LATENCY_BATCH else {"batch": rows}

    def oracle_facts(self, *, landscape: str) -> dict[str, Any]:
        """Named properties of the oracles, for reports; ``landscape`` says how they are asked."""
        settings = self.settings
        recalibrated = settings.batch_norm == "recalibrated"
        return {
            "batch norm": settings.batch_norm,
            "backbone": self.backbone,
            "attention": settings.attention,
            "attention module": attention_class(settings.attention).__name__,
            "sharing": settings.sharing,
            "retain probability": settings.retain,
            "oracle dtype": settings.oracle_dtype,
            "oracle kernels": self.kernels,
            "supernet epochs": self.supernet_recipe.epochs,
            "calibration draws": self.task.calibration_draws if recalibrated else 0,
            "landscape": landscape,
        }

    def description(self, workers: WorkerPool) -> Description:
        """What is known before the run starts."""
        environment = self.environment(workers)
        return Description(
            experiment=self.identity,
            settings=self.settings.model_dump(mode="json"),
            facts=self.task.facts(),
            environment=environment | plug_in_facts(self.strategies.values()),
            blocks_per_stage=list(self.space.blocks_per_stage),
            lanes=self.lane_keys(),
            training=self.training.identity(self.task),
            machine=f"{environment['processor']}, torch {environment['torch']}",
            figures=self.figures,
        )

    @property
    def figures(self) -> tuple[FigureKind, ...]:
        """In which the task's field reports, the main one first; none where that is accuracy."""
        kinds = self.task.metric.figures
        if kinds == Metric.figures:
            return ()
        return tuple(FigureKind(**asdict(kind)) for kind in kinds)

    def environment(self, workers: WorkerPool, command: str = "") -> dict[str, Any]:
        """Command (that of ``run``, unless another is named), versions and machine, by name."""
        return {
            "command": command or self.settings.command(),
            "ticket-benchmark": __version__,
            "code": self.code,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "system": f"{platform.system()} {platform.machine()}",
            "processor": machine_name(self.settings.device),
            **workers.facts,
        }


def _kernels(settings: Settings) -> str:
    dtype = torch_dtype(settings.oracle_dtype)
    return kernels_name(chosen_kernels(settings.oracle_kernels, settings.device, dtype))


def network_spec(settings: Settings, task: Task) -> NetworkSpec:
    """The networks of ``settings`` for the images and classes of ``task``.

    Raises:
        UsageError: there is no such backbone.
    """
    shape = shape_named(settings.backbone or task.backbone)
    return NetworkSpec.on(task, shape, attention=settings.attention, sharing=settings.sharing)


def full_sharings(network: NetworkSpec) -> tuple[Sharing, ...]:
    """In which sharings a network with all SAMs exists: a recurrent one is always a stage's."""
    return ("share",) if network.outline().attention_of(0).recurrent else SHARINGS


def recipes(settings: Settings, task: Task) -> tuple[Recipe, Recipe]:
    """How supernets and stand-alone networks are trained: the task's recipes with changes."""
    return (
        _changed(task.supernet_recipe, settings.supernet, settings.supernet_epochs),
        _changed(task.standalone_recipe, settings.standalone, settings.standalone_epochs),
    )


def _changed(recipe: Recipe, changes: RecipeChanges, epochs: int | None) -> Recipe:
    given = changes.given()
    if "epochs" in given:
        recipe = recipe.lasting(given["epochs"])
    recipe = replace(recipe, **given)
    return recipe if epochs is None else recipe.lasting(epochs)


def _choices(settings: Settings) -> dict[str, str]:
    """The task's options that aren't at their defaults: to spell those out changes nothing."""
    offered = task_class(settings.task).options
    return {
        name: value
        for name, value in settings.task_options.items()
        if value not in offered.get(name, ())[:1]
    }


def task_spec(settings: Settings, cache: Path | None = None) -> TaskSpec:
    """The task of ``settings`` up to its data.

    Args:
        settings: of the experiment.
        cache: folder for an index of the task's files; None keeps none.

    Raises:
        DataError: the data are in the home of somebody who has none.
    """
    return TaskSpec(
        name=settings.task,
        seed=settings.data_seed,
        options=tuple(sorted(_choices(settings).items())),
        rows=SMOKE_ROWS if settings.smoke else None,
        data=None if settings.data is None else str(expanded(settings.data)),
        cache=None if cache is None else str(cache),
        skip_broken=settings.skip_broken,
    )

"""Supernets as things to hand on: trained, shown, exported, imported."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from benchmark.basics.errors import StoreError, UsageError, unknown_name
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.backbone import backbone_class
from benchmark.networks.spec import NetworkSpec
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.studies.scoring import watched
from benchmark.supernet.file import (
    SupernetFile,
    damaged,
    read_supernet,
    supernet_path,
    write_supernet,
)
from benchmark.supernet.train import FrozenSupernet, frozen_supernet, supernet_code
from benchmark.training import ALONE, Figures, Group, Watch
from benchmark.training.metrics import metrics
from benchmark.training.watch import together
from benchmark.watching.progress import Progress
from tasks.base import TaskSpec
from tasks.folders import names
from tasks.registry import TASKS

_AS_JSON = TypeAdapter(dict[str, Any])

Say = Callable[[str], None]
"""Called with each line that the user is to see."""


@numerical_state()
def train_supernets(
    settings: Settings,
    *,
    cache: Path,
    progress: Progress,
    say: Say,
    group: Group = ALONE,
    folder: Path | None = None,
    tensorboard: bool = False,
) -> list[FrozenSupernet]:
    """Train the supernets that ``settings`` describe, or find them.

    Args:
        settings: task, network, recipe; what concerns searches has no effect.
        cache: the folder shared by all runs, which will find them there.
        progress: shows how far the training is.
        say: is told each epoch's figures.
        group: the processes that train together.
        folder: for metrics, in subfolders if there are several supernets; None keeps none.
        tensorboard: keep TensorBoard's files too.

    Raises:
        UsageError: settings that this machine can't serve, or a disk that is full.
        DivergenceError: training diverged.
        StoreError: a damaged file in the cache.
    """
    plan = Plan(settings, cache=cache)
    found = []
    for seed in range(settings.supernet_seeds):
        with ExitStack() as stack:
            watches = [Watch(epoch=lambda figures: say(sentence(figures)))]
            if folder is not None and group.leads:
                place = folder / f"supernet-{seed}" if settings.supernet_seeds > 1 else folder
                watches.append(stack.enter_context(metrics(place, tensorboard=tensorboard)))
            shown = stack.enter_context(watched(plan, seed, progress))
            watch = together(shown, *watches) if group.leads else Watch()
            spec = plan.supernet(seed)
            found.append(
                frozen_supernet(spec, plan.task, cache / "supernets", watch=watch, group=group)
            )
    return found


def sentence(figures: Figures) -> str:
    """An epoch in a line."""
    minutes, seconds = divmod(round(figures.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"epoch {figures.epoch} of {figures.epochs}: loss {figures.loss:.4f}, learning rate "
        f"{figures.learning_rate:.4g}, {figures.images_per_second:,.0f} images/s, "
        f"{hours}:{minutes:02}:{seconds:02} left"
    )


def find_supernet(name: str, cache: Path) -> SupernetFile:
    """The supernet at the path, or with the identity (or its beginning), ``name``.

    Raises:
        UsageError: there is none, several identities begin like that, or the file is damaged.
        StoreError: the cache's file is damaged.
    """
    if Path(name).is_file():
        return _given(Path(name))
    known = [Path(file).stem for file in names(cache / "supernets", ".safetensors")]
    fitting = [identity for identity in known if identity.startswith(name)]
    if len(fitting) > 1:
        raise UsageError(f"several supernets begin with {name!r}: {', '.join(fitting)}")
    if not fitting:
        there = ", ".join(known) or "none yet: `supernet train` makes one"
        raise UsageError(
            f"{name!r} is neither a file nor a supernet in {cache / 'supernets'} ({there})"
        )
    return read_supernet(supernet_path(cache / "supernets", fitting[0]))


def _given(path: Path) -> SupernetFile:
    """The supernet in a file that a user named: what is wrong with it is theirs to change."""
    try:
        return read_supernet(path)
    except StoreError as error:
        raise UsageError(str(error)) from error


def shown(file: SupernetFile, *, as_json: bool) -> str:
    """What ``file`` says of its supernet, as lines or as JSON."""
    values = {"identity": file.facts.identity, "path": str(file.path)} | asdict(file.facts)
    if as_json:
        return json.dumps(values, indent=2, ensure_ascii=False)
    return "\n".join(_lines(values))


def _lines(values: dict[str, object], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, dict) and value:
            lines += [label, *_lines(value, indent + "  ")]
        else:
            lines.append(f"{label:<30} {_text(value)}")
    return lines


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def export_supernet(name: str, target: Path, cache: Path) -> SupernetFile:
    """Copy a supernet out of the cache into the file ``target``.

    Raises:
        UsageError: there is no such supernet, or ``target`` can't be written.
        StoreError: its file is damaged.
    """
    file = find_supernet(name, cache)
    write_supernet(target, file.weights(), file.facts)
    return SupernetFile(target, file.facts)


def described_network(described: object) -> NetworkSpec:
    """The network that `NetworkSpec.described` gave these JSON values of.

    Raises:
        UsageError: there is no such family of backbones.
        ValidationError: they are of something else.
    """
    values = _AS_JSON.validate_python(described)
    backbone = _AS_JSON.validate_python(values.get("backbone"))
    family = backbone_class(str(backbone.pop("family", "")))
    values |= {"backbone": TypeAdapter(family).validate_python(backbone)}
    return TypeAdapter(NetworkSpec).validate_python(values)


def _check_fit(spec: dict[str, Any], weights: dict[str, Tensor]) -> None:
    network = described_network(spec.get("network"))
    stages, counts = len(network.backbone.widths), len(network.backbone.blocks_per_stage)
    if stages != counts or not stages:
        raise ValueError(f"{stages} widths for {counts} stages")
    if network.backbone.blocks > len(weights):
        raise ValueError(f"{network.backbone.blocks} blocks in {len(weights)} tensors")
    network.outline().load_state_dict(weights, assign=True)


def _code_here(spec: dict[str, Any]) -> str:
    """Version of the code that trains the supernet ``spec`` here."""
    task = spec.get("task")
    name = task.get("name") if isinstance(task, dict) else None
    if name not in TASKS:
        raise unknown_name("task", str(name), TASKS)
    return supernet_code(TaskSpec(name), described_network(spec["network"]))


def import_supernet(source: Path, cache: Path, *, adopt: bool = False) -> SupernetFile:
    """Put the supernet in ``source`` where runs with the same settings and data find it.

    Args:
        source: a file that `export_supernet` wrote.
        cache: the folder shared by all runs.
        adopt: take it as if this code had trained it, though other code did.

    Raises:
        UsageError: the file is damaged or no supernet; other code trained it; or it can't
            be written.
    """
    file = _given(source)
    weights = file.weights()
    try:
        _check_fit(file.facts.spec, weights)
        code = _code_here(file.facts.spec)
    except (ValidationError, UsageError, RuntimeError, ValueError) as error:
        reason = f"its weights aren't of the network it describes: {error}"
        raise UsageError(str(damaged(source, reason))) from error
    facts = file.facts
    if facts.code != code:
        if not adopt:
            raise UsageError(
                f"{source} was trained by other code ({facts.code} with torch {facts.torch}, here "
                f"{code}), so runs here would train their own; --adopt takes it as it is"
            )
        facts = replace(facts, code=code)
    path = supernet_path(cache / "supernets", facts.identity)
    if path.exists() and read_supernet(path).facts.weights != facts.weights:
        raise UsageError(
            f"{path} holds other weights of the same description: delete it to import {source}"
        )
    write_supernet(path, weights, facts)
    return SupernetFile(path, facts)

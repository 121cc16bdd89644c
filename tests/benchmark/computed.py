# ruff: noqa: PLC0415 - what is ours is imported in processes of its own
"""Computes each case of a JSON list in a process of its own; a line each: what of ours it imports.

What isn't ours is imported before the processes fork, which saves seconds for each.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import filelock  # noqa: F401
import numpy as np
import PIL.Image  # noqa: F401
import pydantic  # noqa: F401
import safetensors.torch  # noqa: F401
import scipy.io
import scipy.ndimage  # noqa: F401
import sklearn.datasets
import sklearn.model_selection  # noqa: F401
import torch

OURS = ("benchmark", "reports", "strategies", "tasks")


def _read(case: dict[str, Any]) -> None:
    """Everything that networks are given of a task, and its loss and scores."""
    from benchmark.networks.backbone import shape_named
    from benchmark.networks.spec import NetworkSpec
    from tasks.base import TaskSpec
    from tasks.registry import load_task

    options = tuple(tuple(pair) for pair in case["options"])
    task = load_task(TaskSpec(case["task"], options=options, rows=1, data=case["data"]))
    NetworkSpec.on(task, shape_named(task.backbone), attention="se", sharing="full").outline()
    for batches in (
        task.training_batches(1, rng=np.random.default_rng(0)),
        task.validation().batches(1),
        task.test().to("cpu").batches(1),
    ):
        _, targets = next(batches)
        outputs = torch.zeros(1, task.classes, *targets.shape[1:][-2:])
        task.loss(outputs, targets)
        task.metric.score(task.metric.tally(outputs, targets), 1)


def _compute(case: dict[str, Any]) -> None:
    """Train a supernet, ask an oracle and train a network alone, on a few rows."""
    from benchmark.networks.backbone import shape_named
    from benchmark.networks.spec import NetworkSpec
    from benchmark.oracle.supernet import SupernetOracle
    from benchmark.standalone.training import Job, Training, train_standalone
    from benchmark.supernet.train import SupernetSpec, frozen_supernet
    from tasks.base import TaskSpec
    from tasks.registry import load_task

    spec = TaskSpec("digits", rows=2)
    task = load_task(spec)
    network = NetworkSpec.on(
        task, shape_named(case["backbone"]), attention=case["attention"], sharing="share"
    )
    recipe = task.supernet_recipe.lasting(1)
    supernet = frozen_supernet(
        SupernetSpec(spec, network, recipe, 0.5, 0, 0), task, Path(case["folder"])
    )
    oracle = SupernetOracle(supernet, "recalibrated")()
    oracle.score(np.ones((1, network.backbone.blocks), dtype=bool))
    training = Training(spec, network, recipe, 0)
    train_standalone(Job(training, "1" * network.backbone.blocks, 0))


def _ask(case: dict[str, Any]) -> None:
    from strategies.base import SearchSpace

    module, _, name = case["strategy"].partition(":")
    strategy = getattr(import_module(module), name)
    made = strategy(SearchSpace((2, 2), 8), rng=np.random.default_rng(0))
    if strategy.needs == ("scores",):
        made.ask(2)


KINDS = {"task": _read, "attention": _compute, "strategy": _ask}


def main() -> None:
    torch.set_num_threads(1)
    weights = [torch.zeros(1, requires_grad=True)]
    for optimizer in (torch.optim.SGD(weights, 0.1), torch.optim.AdamW(weights)):
        optimizer.step()  # imports a second's worth of torch
    for case in json.load(sys.stdin):
        child = os.fork()
        if child == 0:
            next(does for key, does in KINDS.items() if key in case)(case)
            found = [name for name in sys.modules if name.partition(".")[0] in OURS]
            print(json.dumps(found), flush=True)  # noqa: T201
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"{case} failed")


if __name__ == "__main__":
    main()

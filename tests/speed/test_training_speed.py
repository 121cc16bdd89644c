"""Supernet training against the plain PyTorch loop, by the clock.

ResNet38 with SE at 32×32, batches of 128. The plain loop is the authors' way: a DataLoader
with two workers, torchvision's transforms image by image, contiguous float32, a loss that is
read each step.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmark.basics.threads import torch_threads
from benchmark.networks.backbone import shape_named
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.training import Watch, train
from tasks.base import Task, TaskSpec
from tasks.cifar100 import Cifar100
from tasks.recipes import Recipe
from tests.speed.claims import Round, Speed
from tests.speed.test_image_speed import PerImage
from tests.tasks.trees import cifar_content, cifar_tree, write_pickle

STEPS, WARM_UP, BATCH = 3, 1, 128
CORES = len(os.sched_getaffinity(0))
RECIPE = Recipe(
    epochs=1,
    batch_size=BATCH,
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=1e-4,
    schedule="constant",
)
OURS = {
    "float32-default": (RECIPE, 1),
    "float32-cores": (replace(RECIPE, threads=CORES), CORES),
    "bf16-default": (replace(RECIPE, precision="bf16"), 1),
    "bf16-cores": (replace(RECIPE, precision="bf16", threads=CORES), CORES),
}
"""A recipe of ours, and the threads of both."""


class Enough(Exception):  # noqa: N818 - no error
    pass


def network() -> AttentionNetwork:
    shape = shape_named("resnet38")
    spec = NetworkSpec(shape.backbone(3, 100), "se", shape.reduction("se"), "full")
    return spec.build(torch.Generator().manual_seed(0))


def ours(task: Task, recipe: Recipe) -> float:
    """Images a second, after the warm-up."""
    times: list[float] = []

    def step(_: int) -> None:
        times.append(perf_counter())
        if len(times) == WARM_UP + STEPS:
            raise Enough

    schemes = np.random.default_rng(0)
    with pytest.raises(Enough):
        train(
            network(),
            task,
            recipe,
            rng=np.random.default_rng(1),
            extra=lambda: (schemes.random(12) < 0.5,),
            watch=Watch(images=step),
        )
    return STEPS * BATCH / (times[-1] - times[WARM_UP - 1])


def plain_steps(batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[int]:
    trained = network().train()
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schemes = np.random.default_rng(0)
    for images, targets in batches:
        optimizer.zero_grad()
        loss = cross_entropy(trained(images, schemes.random(12) < 0.5), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
        loss.item()
        yield len(targets)


def theirs(data: PerImage) -> float:
    """Images a second, after the warm-up."""
    steps = plain_steps(iter(DataLoader(data, BATCH, shuffle=True, num_workers=2)))
    for _ in range(WARM_UP):
        next(steps)
    started = perf_counter()
    images = sum(next(steps) for _ in range(STEPS))
    return images / (perf_counter() - started)


@pytest.mark.parametrize("name", OURS)
def test_training(speed: Speed, tmp_path: Path, name: str) -> None:
    root = cifar_tree(tmp_path, per_class=100)
    write_pickle(root / "cifar-100-python" / "test", cifar_content(100, 2))
    task, content = Cifar100.load(TaskSpec("cifar100", data=str(root))), cifar_content(100, 1)
    data = PerImage(content["data"], content["fine_labels"])
    recipe, threads = OURS[name]

    def turn() -> Round:
        fast = ours(task, recipe)
        with torch_threads(threads):
            slow = theirs(data)
        return Round(fast / slow, {"ours, images/s": fast, "plain loop's, images/s": slow})

    title = (
        f"ResNet38-SE trained at 32×32 in {recipe.precision}: how many times as many images a "
        f"second as the plain PyTorch loop, both on {threads} threads, by the clock"
    )
    speed.turns(title, turn)

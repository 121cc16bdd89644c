"""Supernet training against the plain PyTorch loop, in pairs: ours, theirs, ours, theirs.

ResNet38 with SE at 32×32, batches of 128. The plain loop is the authors' way: a DataLoader
with two workers, torchvision's transforms image by image, contiguous float32, a loss that is
read each step. Run with ``tox -e speed``; nothing is asserted about time.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmark.basics.threads import torch_threads
from benchmark.networks.backbones import shape_named
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.training import Watch, train
from tasks.cifar100 import Cifar100
from tasks.cifar_files import CifarFiles
from tasks.recipes import Recipe
from tests.speed.test_image_speed import PerImage
from tests.tasks.trees import cifar_content, cifar_tree, write_pickle

PAIRS, STEPS, WARM_UP, BATCH = 3, 3, 1, 128
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RECIPE = Recipe(
    epochs=1,
    batch_size=BATCH,
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=1e-4,
    schedule="constant",
)
OURS = {
    "float32, one thread (the default)": (RECIPE, 1),
    "float32, every core": (replace(RECIPE, threads=CORES), CORES),
    "bf16, one thread": (replace(RECIPE, precision="bf16"), 1),
    "bf16, every core": (replace(RECIPE, precision="bf16", threads=CORES), CORES),
}
"""A recipe of ours, and the plain loop's threads beside the default of all cores."""


class Enough(Exception):  # noqa: N818 - no error
    pass


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = cifar_tree(tmp_path_factory.mktemp("cifar"), per_class=100)
    write_pickle(root / "cifar-100-python" / "test", cifar_content(100, 2))
    return root


def _network() -> AttentionNetwork:
    shape = shape_named("resnet38")
    spec = NetworkSpec(shape.backbone(3, 100), "se", shape.reduction("se"), "full")
    return spec.build(torch.Generator().manual_seed(0))


def _rate(steps: Iterator[int]) -> float:
    """Images a second after the warm-up."""
    for _ in range(WARM_UP):
        next(steps)
    started = perf_counter()
    images = sum(next(steps) for _ in range(STEPS))
    return images / (perf_counter() - started)


def _ours(task: Cifar100, recipe: Recipe) -> float:
    times: list[float] = []

    def step(_: int) -> None:
        times.append(perf_counter())
        if len(times) == WARM_UP + STEPS:
            raise Enough

    schemes = np.random.default_rng(0)
    with pytest.raises(Enough):
        train(
            _network(),
            task,
            recipe,
            rng=np.random.default_rng(1),
            extra=lambda: (schemes.random(12) < 0.5,),
            watch=Watch(images=step),
        )
    return STEPS * BATCH / (times[-1] - times[WARM_UP - 1])


def _theirs(
    loader: Callable[[], Iterator[tuple[torch.Tensor, torch.Tensor]]], threads: int
) -> float:
    network = _network().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schemes = np.random.default_rng(0)

    def steps() -> Iterator[int]:
        for images, targets in loader():
            optimizer.zero_grad()
            loss = cross_entropy(network(images, schemes.random(12) < 0.5), targets)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            loss.item()
            yield len(targets)

    with torch_threads(threads):
        return _rate(steps())


@pytest.mark.parametrize("name", OURS)
def test_supernet_training(
    benchmark: BenchmarkFixture, tree: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    task = Cifar100(CifarFiles(tree))
    content = cifar_content(100, 1)
    data = PerImage(content["data"], content["fine_labels"])
    recipe, threads = OURS[name]

    def loader() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(DataLoader(data, BATCH, shuffle=True, num_workers=2))

    pairs: list[tuple[float, float]] = []
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plug-in's own
        lambda: pairs.append((_ours(task, recipe), _theirs(loader, threads))), rounds=PAIRS
    )
    with capsys.disabled():
        for ours, theirs in pairs:
            print(  # noqa: T201 - a person reads the rates
                f"\n{name}: {ours:,.0f} images/s, plain loop on {threads} threads {theirs:,.0f}: "
                f"{ours / theirs:.2f}",
                end="",
            )

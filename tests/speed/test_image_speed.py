"""Image pipelines against torchvision's way, in pairs.

Run with ``tox -e speed``; nothing is asserted about time.
"""

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmark.basics.threads import single_thread
from tasks.base import TaskSpec
from tasks.cifar100 import Cifar100
from tasks.cifar_files import CifarFiles
from tasks.imagenet.task import ImageNet
from tests.tasks.trees import cifar_content, cifar_tree, imagenet_tree, jpeg, write_pickle

PAIRS = 3
WORKERS = 2
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


class PerImage(Dataset[tuple[torch.Tensor, int]]):
    """Images transformed one by one, as torchvision's CIFAR100 does."""

    def __init__(self, pixels: np.ndarray, labels: list[int]) -> None:
        self.pixels = pixels.reshape(-1, 3, 32, 32)
        self.labels = labels
        self.transform = v2.Compose(
            [
                v2.RandomCrop(32, padding=4),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.transform(torch.from_numpy(self.pixels[row])), self.labels[row]


def _rate(epoch: Callable[[], int]) -> float:
    started = perf_counter()
    images = epoch()
    return images / (perf_counter() - started)


def _compare(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    title: str,
    ours: Callable[[], int],
    theirs: Callable[[], int],
) -> None:
    pairs: list[tuple[float, float]] = []
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plug-in's own
        lambda: pairs.append((_rate(ours), _rate(theirs))), rounds=PAIRS
    )
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    our_rate, their_rate = np.median(pairs, axis=0)
    with capsys.disabled():
        print(  # noqa: T201 - a person reads the rates
            f"\n{title}: {our_rate:,.0f} images/s, torchvision {their_rate:,.0f}; ratio "
            f"{ratios[0]:.2f} / {np.median(ratios):.2f} / {ratios[-1]:.2f} "
            f"(lowest / median / highest of {PAIRS})"
        )


def test_cifar_batches(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = cifar_tree(tmp_path, per_class=500)
    write_pickle(root / "cifar-100-python" / "test", cifar_content(100, 2))
    started = perf_counter()
    task = Cifar100(CifarFiles(root))
    with capsys.disabled():
        print(f"\nCIFAR100 read in {perf_counter() - started:.2f} s")  # noqa: T201
    content = cifar_content(500, 1)
    loader = DataLoader(
        PerImage(content["data"], content["fine_labels"]), 128, shuffle=True, num_workers=WORKERS
    )

    def ours() -> int:
        with single_thread():  # as training does
            batches = task.training_batches(128, rng=np.random.default_rng(0))
            return sum(len(targets) for _, targets in batches)

    def theirs() -> int:
        return sum(len(targets) for _, targets in loader)

    _compare(benchmark, capsys, "CIFAR100 batches", ours, theirs)


def test_imagenet_decoding(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = imagenet_tree(tmp_path / "data")
    for folder in (root / "train").iterdir():
        for number in range(150):
            (folder / f"large_{number}.JPEG").write_bytes(jpeg(number, width=500, height=375))
        for path in folder.glob("n0*"):
            path.unlink()
    task = ImageNet.load(TaskSpec("imagenet", data=str(root)))
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(224),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    folder = ImageFolder(str(root / "train"), transform)
    cores = len(os.sched_getaffinity(0))
    loader = DataLoader(folder, 64, shuffle=True, num_workers=cores, persistent_workers=True)

    def ours() -> int:
        batches = task.training_batches(64, rng=np.random.default_rng(0))
        return sum(len(targets) for _, targets in batches)

    def theirs() -> int:
        return sum(len(targets) for _, targets in loader)

    theirs()  # worker processes start
    _compare(benchmark, capsys, f"ImageNet decoding on {cores} cores", ours, theirs)

"""Image pipelines against torchvision's way, by the clock."""

import os
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmark.basics.threads import single_thread
from tasks.base import TaskSpec
from tasks.cifar100 import Cifar100
from tasks.imagenet.task import ImageNet
from tests.speed.claims import Speed
from tests.tasks.trees import cifar_content, cifar_tree, imagenet_tree, jpeg, write_pickle

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


def images(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> int:
    return sum(len(targets) for _, targets in batches)


def test_cifar_batches(speed: Speed, tmp_path: Path) -> None:
    root = cifar_tree(tmp_path, per_class=500)
    write_pickle(root / "cifar-100-python" / "test", cifar_content(100, 2))
    task = Cifar100.load(TaskSpec("cifar100", data=str(root)))
    content = cifar_content(500, 1)
    loader = DataLoader(
        PerImage(content["data"], content["fine_labels"]), 128, shuffle=True, num_workers=WORKERS
    )

    @single_thread()  # as training does
    def ours() -> None:
        assert images(task.training_batches(128, rng=np.random.default_rng(0))) == 50_000

    speed.pairs(
        f"50,000 augmented images of CIFAR100 in batches: torchvision's transforms in a DataLoader "
        f"with {WORKERS} workers / ours on one thread, by the clock",
        lambda: images(loader),
        ours,
        now=perf_counter,
    )


def test_imagenet_decoding(speed: Speed, tmp_path: Path) -> None:
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
    number = images(loader)  # worker processes start
    speed.pairs(
        f"{number} JPEGs of 500×375 decoded and augmented: ImageFolder in a DataLoader with "
        f"{cores} workers / ours on {cores} cores, by the clock",
        lambda: images(loader),
        lambda: images(task.training_batches(64, rng=np.random.default_rng(0))),
        now=perf_counter,
    )

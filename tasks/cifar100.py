"""Task ``cifar100``: 100 classes of 32×32 images, 40k/10k/10k as in the paper.

A fifth of each class's training images (100 of 500) is held out for validation,
chosen by the data seed. Everything lives as bytes on the device where it is wanted;
batches are cropped, flipped and normalised there.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool

from tasks.base import NamedTask, Sizes, TaskSpec
from tasks.cifar_files import CLASSES, CifarFiles, download
from tasks.holdout import held_out
from tasks.metrics import Classification
from tasks.pixels import Normalisation, Pixels, PixelSplit, cropped, padded
from tasks.recipes import Recipe
from tasks.splits import Batches, Rows, everything, spans

_NORMALISATIONS = {
    # The paper's authors normalise CIFAR100 by CIFAR10's constants (DIANet's cifar.py).
    "paper": Normalisation((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "own": Normalisation((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
_MARGINS = {"crop-flip": 4, "flip": 0, "none": 0}


class Cifar100(NamedTask):
    """CIFAR100 from its own files.

    Args:
        files: the folder they are in.
        seed: chooses the validation images.
        normalisation: ``paper`` or the data set's ``own``.
        augmentation: ``crop-flip`` (crops of 32×32 from a border of 4; ResNet164 in the
            paper), ``flip`` (ResNet38) or ``none``.

    Raises:
        DataError: a file is damaged.
    """

    name = "cifar100"
    summary = "100 classes of 32×32 photographs, 40k/10k/10k (--data)"
    source = 'Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"'
    image_shape = (3, 32, 32)
    classes = CLASSES
    metric = Classification()
    backbone = "resnet164"
    standalone_recipe = Recipe(
        epochs=164,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        schedule="multi-step",
        milestones=(81, 122),
    )
    supernet_recipe = standalone_recipe.lasting(150)
    published = Sizes(training=40_000, validation=10_000, test=10_000)
    reads = "cifar-100-python/ (train, test, meta)"
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "normalisation": ("paper", "own"),
        "augmentation": ("crop-flip", "flip", "none"),
        "download": ("no", "yes"),
    }

    def __init__(
        self,
        files: CifarFiles,
        seed: int = 0,
        *,
        normalisation: str = "paper",
        augmentation: str = "crop-flip",
    ) -> None:
        self._normalisation = _NORMALISATIONS[normalisation]
        self._augmentation = augmentation
        names = files.names()
        train, test = files.images("train"), files.images("test")
        held = held_out(train.labels, names, np.random.default_rng([seed, 100]))
        self._held = held
        labels = torch.from_numpy(train.labels)
        self._training = padded(train.pixels[~held], _MARGINS[augmentation])
        self._targets = labels[~held]
        tested = PixelSplit(test.pixels, torch.from_numpy(test.labels), self._normalisation)
        self._resident = {"cpu": (self._training, self._targets)}
        self.epoch_size = len(self._targets)
        self.freeze(
            PixelSplit(train.pixels[held], labels[held], self._normalisation),
            tested,
            seed=seed,
            fingerprint=_fingerprint(train.pixels, labels, held, tested),
            about={
                "training images": self.epoch_size,
                "normalisation, augmentation": f"{normalisation}, {augmentation}",
                "files that differ from the published ones": ", ".join(files.altered) or "none",
            },
        )

    @classmethod
    def fetches(cls, spec: TaskSpec) -> bool:
        if spec.data is None or cls.chosen(spec, "download") == "no":
            return False
        return not (Path(spec.data) / "cifar-100-python").is_dir()

    @classmethod
    def load(cls, spec: TaskSpec) -> "Cifar100":
        if spec.data is not None and cls.fetches(spec):
            download(Path(spec.data))
        return cls(
            CifarFiles(cls.folder(spec)),
            spec.seed,
            normalisation=cls.chosen(spec, "normalisation"),
            augmentation=cls.chosen(spec, "augmentation"),
        )

    def training_batches(
        self, size: int, *, rng: np.random.Generator, device: str = "cpu", rows: Rows = everything
    ) -> Batches:
        order = torch.from_numpy(rng.permutation(self.epoch_size))
        margin = _MARGINS[self._augmentation]
        corners = torch.from_numpy(rng.integers(2 * margin + 1, size=(self.epoch_size, 2)))
        flips = torch.from_numpy(rng.random(self.epoch_size) < 0.5)  # noqa: PLR2004 - every other
        if self._augmentation == "none":
            flips = torch.zeros_like(flips)
        return self._batches(size, device, (order, corners, flips), rows)

    def _batches(
        self,
        size: int,
        device: str,
        draws: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        rows: Rows,
    ) -> Batches:
        if device not in self._resident:
            self._resident[device] = (self._training.to(device), self._targets.to(device))
        pixels, targets = self._resident[device]
        order, corners, flips = (draw.to(device) for draw in draws)
        for batch in spans(self.epoch_size, size):
            part = batch[rows(len(batch))]
            own = slice(part.start, part.stop)
            images = cropped(pixels, order[own], corners[own], flips[own], (32, 32))
            yield self._normalisation(images), targets[order[own]]

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self._normalisation.mean, self._normalisation.std

    def held_out(self) -> Sequence[str]:
        return [f"train {row}" for row in np.flatnonzero(self._held)]


def _fingerprint(
    pixels: Pixels, labels: torch.Tensor, held: Bool[np.ndarray, " n"], test: PixelSplit
) -> str:
    digest = hashlib.blake2b(held.tobytes(), digest_size=8)
    for tensor in (pixels, labels, test.pixels, test.targets):
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()

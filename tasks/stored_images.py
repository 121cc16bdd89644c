"""Classification of small images of one size that fit into memory as they are stored.

A task of this kind says where its images come from (`StoredImages.read`) and declares what every
task does; how they are held out, augmented and normalised is here.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Int64

from tasks.base import Epoch, NamedTask, TaskSpec
from tasks.fingerprints import fingerprint
from tasks.holdout import held_out
from tasks.metrics import Classification
from tasks.pixels import Normalisation, Pixels, PixelSplit, cropped, padded
from tasks.splits import Batches

_MARGINS = {"crop-flip": 4, "flip": 0, "none": 0}


@dataclass(frozen=True)
class Stored:
    """Images with their classes, in the order in which they are stored."""

    pixels: Pixels
    labels: Int64[np.ndarray, " n"]


@dataclass(frozen=True)
class StoredData:
    """A data set of small images.

    Attributes:
        training: images to train and validate on.
        test: images to test on.
        names: of the classes, in the order of their numbers.
        about: further named properties, for `Task.facts`.
    """

    training: Stored
    test: Stored
    names: Sequence[str]
    about: Mapping[str, str | int] = field(default_factory=dict)


class StoredImages(NamedTask):
    """A data set of small images, kept as bytes on the device where they are wanted.

    Validation images are held out of each class's training images (see `held_out`), chosen by
    the data seed. ``augmentation`` says what training images go through: ``crop-flip`` (crops from
    a border of 4, every other one mirrored), ``flip`` or ``none``. Which others of its `options`
    change what networks see of an image is its class's to say, in `views`.
    """

    metric = Classification()
    normalisation: Normalisation
    """Mean and deviation of pixels, taken off; `changes` says so where an option chooses them."""
    options = {"augmentation": tuple(_MARGINS)}  # noqa: RUF012 - declared a ClassVar by the base class
    views: ClassVar[tuple[str, ...]] = ("augmentation",)
    """Options that change what networks see of an image."""

    def __init__(self, data: StoredData, spec: TaskSpec) -> None:
        vars(self).update(self.changes(spec))
        self._augmentation = self.chosen(spec, "augmentation")
        training, labels = data.training, torch.from_numpy(data.training.labels)
        held = held_out(
            data.training.labels, list(data.names), np.random.default_rng([spec.seed, 100])
        )
        self._held = held
        self._resident = {
            "cpu": (padded(training.pixels[~held], _MARGINS[self._augmentation]), labels[~held])
        }
        self.epoch_size = int((~held).sum())
        tested = torch.from_numpy(data.test.labels)
        self.freeze(
            PixelSplit(training.pixels[held], labels[held], self.normalisation),
            PixelSplit(data.test.pixels, tested, self.normalisation),
            seed=spec.seed,
            fingerprint=fingerprint(held, training.pixels, labels, data.test.pixels, tested),
            about={
                "training images": self.epoch_size,
                ", ".join(self.views): ", ".join(self.chosen(spec, name) for name in self.views),
                **data.about,
            },
        )

    @classmethod
    @abstractmethod
    def read(cls, spec: TaskSpec) -> StoredData:
        """The whole data set.

        Raises:
            DataError: data are missing, damaged or of another format.
        """

    @classmethod
    def load(cls, spec: TaskSpec) -> "StoredImages":
        return cls(cls.read(spec), spec)

    def drawn(self, rng: np.random.Generator) -> Epoch:
        count, margin = self.epoch_size, _MARGINS[self._augmentation]
        order = torch.from_numpy(rng.permutation(count))
        corners = torch.from_numpy(rng.integers(2 * margin + 1, size=(count, 2)))
        flips = torch.from_numpy(rng.random(count) < 0.5)  # noqa: PLR2004 - every other
        if self._augmentation == "none":
            flips = torch.zeros_like(flips)

        def batches(parts: Sequence[range], device: str) -> Batches:
            pixels, targets = self._on(device)
            rows, tops, mirrored = (draw.to(device) for draw in (order, corners, flips))
            for part in parts:
                own = slice(part.start, part.stop)
                images = cropped(pixels, rows[own], tops[own], mirrored[own], self.image_shape[1:])
                yield self.normalisation(images), targets[rows[own]]

        return batches

    def _on(self, device: str) -> tuple[Pixels, torch.Tensor]:
        if device not in self._resident:
            pixels, targets = self._resident["cpu"]
            self._resident[device] = (pixels.to(device), targets.to(device))
        return self._resident[device]

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.normalisation.mean, self.normalisation.std

    def held_out(self) -> Sequence[str]:
        return [f"train {row}" for row in np.flatnonzero(self._held)]

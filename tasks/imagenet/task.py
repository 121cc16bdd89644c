"""ILSVRC2012 as a task: images decoded when they are wanted, splits as the paper's code.

The published validation set is the test split; validation images are held out of the
training set, the first 100 of each class in folder order (as released) or seeded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64

from tasks.base import Epoch, NamedTask, Sizes, TaskSpec
from tasks.decoding import Pixels, central_view, decoded, failures, in_batches, training_view
from tasks.fingerprints import fingerprint
from tasks.holdout import held_out
from tasks.imagenet.index import Images, Index, cached_index
from tasks.imagenet.layouts import recognised, without_broken
from tasks.memory import spare_memory
from tasks.metrics import Classification
from tasks.pixels import Normalisation, PixelSplit
from tasks.recipes import Recipe
from tasks.splits import Batches, Labelled, Split, spans

_SIZE = 224
_NORMALISATION = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Files(Labelled):
    """Central views of images, decoded each time they are given out."""

    root: Path
    images: Images
    targets: Int64[torch.Tensor, " n"]
    device: str = "cpu"

    def batches(self, size: int) -> Batches:
        parts = spans(len(self), size)
        for part, pixels in zip(parts, in_batches(self._view, parts), strict=True):
            images = _NORMALISATION(torch.from_numpy(pixels).to(self.device))
            yield images, self.targets[part.start : part.stop].to(self.device)

    def to(self, device: str) -> Split:
        if len(self) * 3 * _SIZE * _SIZE > spare_memory(device):
            return Files(self.root, self.images, self.targets, device)
        pixels = torch.empty(len(self), 3, _SIZE, _SIZE, dtype=torch.uint8, device=device)
        parts = spans(len(self), 256)
        for part, made in zip(parts, in_batches(self._view, parts), strict=True):
            pixels[part.start : part.stop] = torch.from_numpy(made)
        return PixelSplit(pixels, self.targets.to(device), _NORMALISATION)

    def take(self, rows: Int64[np.ndarray, " m"]) -> "Files":
        targets = self.targets[torch.from_numpy(rows)]
        return Files(self.root, self.images.rows(rows), targets, self.device)

    def _view(self, row: int) -> Pixels:
        raw = self.images.read(self.root, row)
        return central_view(decoded(raw, _place(self.root, self.images, row)), _SIZE)


class ImageNet(NamedTask):
    """ILSVRC2012, or a subset of its classes, from its own files.

    Args:
        root: paths of ``index`` are relative to it.
        index: where the images are.
        seed: chooses the validation images where they are ``seeded``.
        validation: ``first`` of each class in folder order, or ``seeded``.
    """

    name = "imagenet"
    summary = "ILSVRC2012 at 224×224, 100 of each class held out for validation (--data)"
    source = 'Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge"'
    image_shape = (3, _SIZE, _SIZE)
    classes = 1000
    metric = Classification()
    backbone = "resnet50"
    standalone_recipe = Recipe(
        epochs=120,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        schedule="multi-step",
        milestones=(30, 60, 90),
    )
    supernet_recipe = Recipe(
        epochs=40,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        schedule="constant",
    )
    published = Sizes(training=1_181_167, validation=100_000, test=50_000)
    reads = "ILSVRC2012 (train/ and val/, or its tars, or Kaggle's ILSVRC/)"
    options = {"validation": ("first", "seeded")}  # noqa: RUF012 - declared a ClassVar by the base class

    def __init__(
        self, root: Path, index: Index, seed: int = 0, *, validation: str = "first"
    ) -> None:
        rng = None if validation == "first" else np.random.default_rng([seed, 100])
        held = held_out(index.training.labels, index.classes, rng)
        self._root = root
        self._index = index
        self._training = index.training.take(~held)
        self._targets = torch.from_numpy(self._training.labels)
        self._held = index.training.take(held)
        self.classes = len(index.classes)
        self.epoch_size = len(self._training)
        self.freeze(
            _files(root, self._held),
            _files(root, index.test),
            seed=seed,
            fingerprint=fingerprint(*_content(self._training, self._held, index.test)),
            about={
                "training images": self.epoch_size,
                "validation images": f"{validation} of each class",
                "images left out as broken": len(index.broken),
            },
        )

    @classmethod
    def load(cls, spec: TaskSpec) -> "ImageNet":
        root = cls.folder(spec)
        layout = recognised(root)

        def scan() -> Index:
            index = layout.index()
            if not spec.decodes:
                return index
            return without_broken(index, lambda images: _broken(root, images))

        index = cached_index(
            scan,
            None if spec.cache is None else Path(spec.cache),
            root,
            layout.watched(),
            key=f"skip broken: {spec.decodes}",
        )
        return cls(root, index, spec.seed, validation=cls.chosen(spec, "validation"))

    def drawn(self, rng: np.random.Generator) -> Epoch:
        order = rng.permutation(self.epoch_size)
        seeds = rng.integers(2**63, size=self.epoch_size)
        images = self._training

        def view(position: int) -> Pixels:
            # An image's draws are its own, so threads may take images as they come.
            row = int(order[position])
            image = decoded(images.read(self._root, row), _place(self._root, images, row))
            return training_view(image, _SIZE, np.random.default_rng(seeds[position]))

        def batches(parts: Sequence[range], device: str) -> Batches:
            for part, pixels in zip(parts, in_batches(view, parts), strict=True):
                targets = self._targets[torch.from_numpy(order[part.start : part.stop])]
                yield _NORMALISATION(torch.from_numpy(pixels).to(device)), targets.to(device)

        return batches

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return _NORMALISATION.mean, _NORMALISATION.std

    def held_out(self) -> Sequence[str]:
        return self._held.names

    def left_out(self) -> Sequence[str]:
        return self._index.broken


def _files(root: Path, images: Images) -> Files:
    return Files(root, images, torch.from_numpy(images.labels))


def _place(root: Path, images: Images, row: int) -> str:
    path = root / images.paths[row]
    return str(path) if images.is_whole(row) else f"{images.names[row]} in {path}"


def _broken(root: Path, images: Images) -> list[int]:
    return failures(lambda row: decoded(images.read(root, row), images.names[row]), len(images))


def _content(*parts: Images) -> Iterator[str | np.ndarray]:
    """Names, sizes in bytes and classes of all images, the same in every layout."""
    for images in parts:
        yield from ("\0".join(images.names), images.sizes, images.labels)

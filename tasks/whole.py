"""Whole images of differing sizes with their targets: read when they are wanted, or kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, Shaped, UInt8
from torch import Tensor

from tasks.decoding import Pixels, made_ahead
from tasks.memory import spare_memory
from tasks.pixels import Normalisation
from tasks.splits import Batches, Split, spans

_AT_A_TIME = 8  # images of one read, whatever the batches

Read = Callable[[int], tuple[Pixels, Shaped[np.ndarray, "..."]]]
"""Image and target of a row of the data set."""
Item = tuple[UInt8[Tensor, "_ _ _"], Shaped[Tensor, "..."]]
"""Channels, rows and columns, which differ from image to image."""


def _batches(items: Iterator[Item], size: int, normalisation: Normalisation) -> Batches:
    """Runs of up to ``size`` items whose images have one size."""
    run: list[Item] = []
    for item in items:
        if run and (len(run) == size or item[0].shape != run[0][0].shape):
            yield _stacked(run, normalisation)
            run = []
        run.append(item)
    if run:
        yield _stacked(run, normalisation)


def _stacked(run: list[Item], normalisation: Normalisation) -> tuple[Tensor, Tensor]:
    images, targets = zip(*run, strict=True)
    return normalisation(torch.stack(images)), torch.stack(targets)


@dataclass(frozen=True)
class KeptImages(Split):
    """Whole images in memory as bytes, normalised as they are given out."""

    items: tuple[Item, ...]
    normalisation: Normalisation

    def __len__(self) -> int:
        return len(self.items)

    def batches(self, size: int) -> Batches:
        return _batches(iter(self.items), size, self.normalisation)

    def to(self, device: str) -> "KeptImages":
        items = tuple((image.to(device), target.to(device)) for image, target in self.items)
        return KeptImages(items, self.normalisation)

    def take(self, rows: Int64[np.ndarray, " m"]) -> "KeptImages":
        return KeptImages(tuple(self.items[row] for row in rows), self.normalisation)


@dataclass(frozen=True)
class WholeImages(Split):
    """Whole images, read each time they are given out.

    Attributes:
        read: gives image and target of a row of the data set.
        rows: of the data set that belong to the split.
        normalisation: of the pixels.
        device: where batches are given out.
    """

    read: Read
    rows: Int64[np.ndarray, " n"]
    normalisation: Normalisation
    device: str = "cpu"

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, size: int) -> Batches:
        return _batches(self._items(), size, self.normalisation)

    def to(self, device: str) -> Split:
        """The same rows on ``device``: kept there if they fit, else read again each time."""
        moved = WholeImages(self.read, self.rows, self.normalisation, device)
        room = spare_memory(device)
        kept = []
        for image, target in moved._items():
            room -= image.nbytes + target.nbytes
            if room < 0:
                return moved
            kept.append((image, target))
        return KeptImages(tuple(kept), self.normalisation)

    def take(self, rows: Int64[np.ndarray, " m"]) -> "WholeImages":
        return WholeImages(self.read, self.rows[rows], self.normalisation, self.device)

    def _items(self) -> Iterator[Item]:
        def made(at: int) -> Item:
            image, target = self.read(int(self.rows[at]))
            return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(target)

        for items in made_ahead(made, spans(len(self), _AT_A_TIME)):
            for image, target in items:
                yield image.to(self.device), target.to(self.device)

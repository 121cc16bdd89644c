"""Rows of a task: given out in batches, in memory or read when they are wanted."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

Batch = tuple[Float[Tensor, "n c h w"], Shaped[Tensor, "n ..."]]
"""Images and targets that belong together, row by row; all images of a batch have one size."""

Batches = Generator[Batch, None, None]
"""Given out one after the other; may be closed early."""

Rows = Callable[[int], slice]
"""Which rows of a batch of so many are wanted."""


def everything(rows: int) -> slice:
    """All ``rows`` rows of a batch."""
    return slice(0, rows)


def spans(count: int, size: int, rows: Rows = everything) -> list[range]:
    """Numbers 0 to ``count`` - 1 in parts of ``size``, the last perhaps shorter.

    Args:
        count: numbers in all.
        size: of a part.
        rows: given the length of a part, what of it is wanted.
    """
    parts = [range(start, min(start + size, count)) for start in range(0, count, size)]
    return [part[rows(len(part))] for part in parts]


class Split(ABC):
    """Rows in a fixed order, given out in batches; in memory or read when they are wanted.

    Images may differ in size: a batch ends early where the next image has another one.
    """

    @abstractmethod
    def __len__(self) -> int:
        """How many rows the split has."""

    @abstractmethod
    def batches(self, size: int) -> Batches:
        """Images and targets in order, up to ``size`` rows of one image size at a time."""

    @abstractmethod
    def to(self, device: str) -> "Split":
        """The same rows, given out on ``device``; what fits there lives there."""

    @abstractmethod
    def take(self, rows: Int64[np.ndarray, " m"]) -> "Split":
        """Only these rows, in this order."""

    def strata(self) -> Int64[Tensor, " n"]:
        """A label of each row, on the CPU: parts of a split have each label in proportion.

        Classes where rows have one; by default all rows are alike.
        """
        return torch.zeros(len(self), dtype=torch.int64)

    def head(self, rows: int) -> "Split":
        """A split of the first ``rows`` rows, or of all if there are fewer."""
        return self.take(np.arange(min(rows, len(self))))


class Labelled(Split):
    """A split whose targets are all at hand."""

    targets: Shaped[Tensor, "n ..."]
    """Targets of all rows, in order."""

    def __len__(self) -> int:
        return len(self.targets)

    def strata(self) -> Int64[Tensor, " n"]:
        if self.targets.ndim == 1 and self.targets.dtype == torch.int64:
            return self.targets.cpu()
        return super().strata()


@dataclass(frozen=True)
class TensorSplit(Labelled):
    """Images and targets in memory."""

    images: Float[Tensor, "n c h w"]
    targets: Shaped[Tensor, "n ..."]

    def batches(self, size: int) -> Batches:
        return self.parts(spans(len(self), size))

    def parts(self, parts: Iterable[range]) -> Batches:
        """Images and targets of these runs of rows, a batch each."""
        for part in parts:
            rows = slice(part.start, part.stop)
            yield self.images[rows], self.targets[rows]

    def to(self, device: str) -> "TensorSplit":
        return TensorSplit(self.images.to(device), self.targets.to(device))

    def take(self, rows: Int64[np.ndarray, " m"]) -> "TensorSplit":
        chosen = torch.from_numpy(rows).to(self.targets.device)
        return TensorSplit(self.images[chosen], self.targets[chosen])

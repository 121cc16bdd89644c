"""What a task is: splits, loss, metric and recipes. A leaf: imports nothing else of ours."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, on a one-cycle schedule of the learning rate.

    Attributes:
        epochs: passes over `Task.training_epoch`.
        batch_size: images of one step.
        optimizer: ``sgd`` (Nesterov momentum 0.9) or ``adamw``.
        learning_rate: peak of the schedule.
        weight_decay: as the optimiser means it, on every parameter.
    """

    epochs: int
    batch_size: int
    optimizer: Literal["sgd", "adamw"]
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Split:
    """Images and targets that belong together, row by row."""

    images: Float[Tensor, "n c h w"]
    targets: Int64[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and targets, ``size`` rows at a time."""
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield self.images[rows], self.targets[rows]

    def to(self, device: str) -> "Split":
        """The same rows on ``device``."""
        return Split(self.images.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Score:
    """What a network scores on a split: accuracy in [0, 1] and mean loss (nats)."""

    accuracy: float
    loss: float


class Metric(ABC):
    """A score made from sums over rows, so that parts of a split may be scored apart."""

    @abstractmethod
    def tally(
        self, outputs: Float[Tensor, "n classes"], targets: Int64[Tensor, " n"]
    ) -> Float64[Tensor, " sums"]:
        """Sums over rows from which `score` is made; tallies of parts of a split add up."""

    @abstractmethod
    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        """The score of a split of ``rows`` rows whose tallies add up to ``tally``."""


class Classification(Metric):
    """Share of rows whose largest output is the target, and mean cross entropy."""

    def tally(
        self, outputs: Float[Tensor, "n classes"], targets: Int64[Tensor, " n"]
    ) -> Float64[Tensor, " sums"]:
        # Cross entropy by columns: torch is slow on rows as short as the number of classes.
        normaliser = outputs.T.contiguous().logsumexp(dim=0)
        losses = normaliser - outputs.gather(1, targets[:, None])[:, 0]
        correct = outputs.argmax(dim=1) == targets
        return torch.stack([part.sum(dtype=torch.float64) for part in (correct, losses)])

    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        return Score(accuracy=float(tally[0]) / rows, loss=float(tally[1]) / rows)


class Task(ABC):
    """A data set with a question: higher `Score.accuracy` is better.

    Training data are drawn afresh for each epoch from the caller's generator;
    validation and test are frozen when the task is made. Strategies and oracles
    see training and validation data only; `test` is for stand-alone networks.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    """One line for lists."""
    source: ClassVar[str]
    """Where the data come from."""
    image_shape: ClassVar[tuple[int, int, int]]
    classes: ClassVar[int]
    epoch_size: ClassVar[int]
    """Draws of one training epoch."""
    metric: ClassVar[Metric]
    backbone: ClassVar[str]
    """Name of the backbone that the task is meant for."""

    @abstractmethod
    def __init__(self, seed: int) -> None:
        """Make the splits; ``seed`` fixes them."""

    supernet_recipe: ClassVar[Recipe]
    standalone_recipe: ClassVar[Recipe]

    @abstractmethod
    def training_epoch(self, *, rng: np.random.Generator) -> Split:
        """One epoch of training draws in the order in which they are to be used."""

    @abstractmethod
    def validation(self) -> Split:
        """The frozen validation split, the only one that a search may see."""

    @abstractmethod
    def test(self) -> Split:
        """The frozen test split: asked once, after the search."""

    @abstractmethod
    def facts(self) -> dict[str, str | int]:
        """Sizes, classes and fingerprint of the splits, for reports and content hashes."""

    def loss(
        self, outputs: Float[Tensor, "n classes"], targets: Int64[Tensor, " n"]
    ) -> Float[Tensor, ""]:
        """The training loss: mean cross entropy."""
        return torch.nn.functional.cross_entropy(outputs, targets)

"""What networks score: sums over rows, what a search sees of them and what a field reports."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor

Outputs = Shaped[Tensor, "n ..."] | tuple[Shaped[Tensor, "n ..."], ...]
"""What a network makes of images; a head may give more than one tensor in training mode."""


@dataclass(frozen=True)
class Score:
    """What a network scores on a split, as searches see it.

    Attributes:
        accuracy: in [0, 1], higher is better: what a search maximises.
        loss: mean over rows (nats, or as the task's loss means it).
    """

    accuracy: float
    loss: float


@dataclass(frozen=True)
class Figure:
    """A figure in which a field reports its results.

    Attributes:
        name: as the field calls it.
        unit: ``%`` for a share, which is kept in [0, 1]; else what is written behind the number.
        digits: behind the point, as it is shown.
        lower_is_better: the direction.
    """

    name: str
    unit: str = ""
    digits: int = 2
    lower_is_better: bool = False


class Metric(ABC):
    """A score made from sums over rows, so that parts of a split may be scored apart."""

    figures: tuple[Figure, ...] = (Figure("accuracy", "%"),)
    """What the field reports, the main figure first."""

    @abstractmethod
    def tally(
        self, outputs: Shaped[Tensor, "n ..."], targets: Shaped[Tensor, "n ..."]
    ) -> Float64[Tensor, " sums"]:
        """Sums over rows from which `score` is made; tallies of parts of a split add up."""

    @abstractmethod
    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        """The score of a split of ``rows`` rows whose tallies add up to ``tally``."""

    def shown(self, tally: Float64[Tensor, " sums"], rows: int) -> dict[str, float]:
        """The same tally as the value of each of `figures`, by name."""
        (figure,) = self.figures
        return {figure.name: self.score(tally, rows).accuracy}

    def failure(self, tally: Float64[Tensor, " sums"], rows: int) -> str:  # noqa: ARG002 - to be overridden
        """Why a network of this tally is dead (a head that says zero everywhere); empty if not."""
        return ""


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

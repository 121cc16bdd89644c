"""How far counts are off, and the loss of density maps."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from tasks.metrics import Figure, Metric, Score

Maps = Float[Tensor, "n 1 rows columns"]
"""A map of cells for each image."""


@dataclass(frozen=True)
class MapLoss:
    """Squared error of maps.

    Attributes:
        scale: what a network is to say of a cell with one person.
        mean: whether an image's squared errors are averaged over its cells, or summed.
    """

    scale: float
    mean: bool

    def of_rows(self, outputs: Maps, targets: Maps) -> Float[Tensor, " n"]:
        """The loss of each image.

        Args:
            outputs: of the network.
            targets: people in each cell.
        """
        errors = (outputs - self.scale * targets).square().flatten(1)
        return errors.mean(dim=1) if self.mean else errors.sum(dim=1)


@dataclass(frozen=True)
class Counting(Metric):
    """Mean absolute and root mean squared error of counts, each the sum of an image's map.

    The field calls the latter MSE. A map of targets sums to the number of points where
    its kernels are whole. Searches maximise 1 / (1 + MAE / mean count).

    Attributes:
        loss: how outputs are scaled, and what `Score.loss` is the mean of.
    """

    loss: MapLoss

    figures = (
        Figure("MAE", digits=1, lower_is_better=True),
        Figure("root mean squared error", digits=1, lower_is_better=True),
    )

    def tally(self, outputs: Maps, targets: Maps) -> Float64[Tensor, " sums"]:
        people = targets.double().flatten(1).sum(dim=1)
        found = outputs.double().flatten(1).sum(dim=1) / self.loss.scale
        errors = found - people
        losses = self.loss.of_rows(outputs, targets).double()
        magnitudes = outputs.double().abs().flatten(1).sum(dim=1)
        parts = (errors.abs(), errors.square(), people, losses, magnitudes)
        return torch.stack([part.sum() for part in parts])

    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        off, _, people, loss, _ = tally.tolist()
        # Of images without people, being off by one is as bad as being off by all.
        return Score(accuracy=1 / (1 + off / (people or rows)), loss=loss / rows)

    def shown(self, tally: Float64[Tensor, " sums"], rows: int) -> dict[str, float]:
        off, squared, *_ = tally.tolist()
        absolute, root = self.figures
        return {absolute.name: off / rows, root.name: (squared / rows) ** 0.5}

    def failure(self, tally: Float64[Tensor, " sums"], rows: int) -> str:
        _, _, people, _, magnitude = tally.tolist()
        if people == 0 or magnitude > 0:
            return ""
        return (
            f"its head predicts exactly nobody in all {rows} images: a ReLU at its end has died; "
            "try another seed, a smaller learning rate or the preset csrnet"
        )

"""Segmentation scores as the paper and semseg define them, over the pixels of a whole set.

Intersections, unions and class sizes are summed over all images before anything is
divided (an average over images is another number), void pixels are dropped, and all
classes count, background included: one that never occurs scores 0.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64, Integer, Shaped
from torch import Tensor

from tasks.metrics import Figure, Metric, Score
from tasks.voc.masks import VOID


@dataclass(frozen=True)
class Shares:
    """Segmentation scores in [0, 1].

    Attributes:
        iou: intersection over union of each class.
        accuracy: share of each class's pixels that are recognised.
        overall: share of all pixels that are (allAcc).
    """

    iou: Float64[Tensor, " classes"]
    accuracy: Float64[Tensor, " classes"]
    overall: float

    @property
    def mean_iou(self) -> float:
        """Intersection over union, averaged over classes (mIoU)."""
        return float(self.iou.mean())

    @property
    def mean_accuracy(self) -> float:
        """Share of a class's pixels that are right, averaged over classes (mAcc)."""
        return float(self.accuracy.mean())


def confusion(
    predicted: Int64[Tensor, "*pixels"], targets: Integer[Tensor, "*pixels"], classes: int
) -> Int64[Tensor, "classes classes"]:
    """Pixels of each class (rows) by predicted class (columns); those of `VOID` are dropped."""
    # Void is a row more, cut off at last: cheaper than picking out the other pixels.
    rows = targets.long().clamp(max=classes)
    counts = torch.bincount(
        (rows * classes + predicted).flatten(), minlength=(classes + 1) * classes
    )
    return counts.reshape(classes + 1, classes)[:classes]


def shares(counts: Float64[Tensor, "classes classes"]) -> Shares:
    """Scores of a confusion matrix; a class that neither occurs nor is predicted gets 0."""
    hits, of_class = counts.diagonal(), counts.sum(dim=1)
    union = of_class + counts.sum(dim=0) - hits
    return Shares(
        iou=hits / union.clamp(min=1),
        accuracy=hits / of_class.clamp(min=1),
        overall=float(hits.sum() / of_class.sum().clamp(min=1)),
    )


def row_losses(
    logits: Float[Tensor, "n classes h w"], targets: Integer[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Mean cross entropy of each image's pixels (nats), void left out; 0 where all is void.

    Semseg divides by the pixels of a batch instead; means of images stay the same
    however a batch is divided among passes or processes.
    """
    losses = torch.nn.functional.cross_entropy(
        logits, targets.long(), ignore_index=VOID, reduction="none"
    )
    valid = (targets != VOID).sum(dim=(1, 2))
    return losses.sum(dim=(1, 2)) / valid.clamp(min=1)


class MeanIoU(Metric):
    """MIoU, mAcc and allAcc over the pixels of a whole set.

    Args:
        classes: of a pixel, background included.
    """

    figures = (Figure("mIoU", "%"), Figure("mAcc", "%"), Figure("allAcc", "%"))

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def tally(
        self, outputs: Shaped[Tensor, "n ..."], targets: Shaped[Tensor, "n ..."]
    ) -> Float64[Tensor, " sums"]:
        counts = confusion(outputs.argmax(dim=1), targets, self._classes)
        loss = row_losses(outputs, targets).sum(dtype=torch.float64)
        return torch.cat([counts.flatten().double(), loss[None]])

    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        return Score(accuracy=self._shares(tally).mean_iou, loss=float(tally[-1]) / rows)

    def shown(self, tally: Float64[Tensor, " sums"], rows: int) -> dict[str, float]:  # noqa: ARG002 - pixels count
        found = self._shares(tally)
        return {"mIoU": found.mean_iou, "mAcc": found.mean_accuracy, "allAcc": found.overall}

    def _shares(self, tally: Float64[Tensor, " sums"]) -> Shares:
        return shares(tally[:-1].reshape(self._classes, self._classes))

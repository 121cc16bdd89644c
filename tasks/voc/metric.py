"""Segmentation scores as the paper and semseg define them, over the pixels of a whole set.

Intersections, unions and class sizes are summed over all images before anything is
divided (an average over images is another number), void pixels are dropped, and all
classes count, background included: one that never occurs scores 0.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64, Integer
from torch import Tensor

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
        """Mean of `iou` (mIoU)."""
        return float(self.iou.mean())

    @property
    def mean_accuracy(self) -> float:
        """Mean of `accuracy` (mAcc)."""
        return float(self.accuracy.mean())


def confusion(
    predicted: Int64[Tensor, "*pixels"], targets: Integer[Tensor, "*pixels"], classes: int
) -> Int64[Tensor, "classes classes"]:
    """Pixels of each class (rows) by predicted class (columns); those of `VOID` are dropped."""
    valid = targets != VOID
    pairs = targets[valid].long() * classes + predicted[valid]
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def shares(counts: Float64[Tensor, "classes classes"]) -> Shares:
    """Scores of a confusion matrix; a class that neither occurs nor is predicted gets 0."""
    hits, of_class = counts.diagonal(), counts.sum(dim=1)
    union = of_class + counts.sum(dim=0) - hits
    return Shares(
        iou=hits / union.clamp(min=1),
        accuracy=hits / of_class.clamp(min=1),
        overall=float(hits.sum() / of_class.sum().clamp(min=1)),
    )


def cross_entropy_sum(
    logits: Float[Tensor, "n classes h w"], targets: Integer[Tensor, "n h w"]
) -> Float64[Tensor, ""]:
    """Cross entropy over all pixels but those of `VOID` (nats)."""
    losses = torch.nn.functional.cross_entropy(
        logits, targets.long(), ignore_index=VOID, reduction="none"
    )
    return losses.sum(dtype=torch.float64)

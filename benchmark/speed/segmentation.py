"""Confusion matrices counted at once against class by class."""

import numpy as np
import torch
from jaxtyping import Int64, Integer
from torch import Tensor

from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.networks import clock
from tasks.voc.masks import VOID
from tasks.voc.metric import confusion

_CLASSES = 21
_SHAPE = 4, 375, 500
_REPEATS = 10


def confusion_by_pairs(
    predicted: Int64[Tensor, "*pixels"], targets: Integer[Tensor, "*pixels"], classes: int
) -> Int64[Tensor, "classes classes"]:
    """The definition: for each pair of classes, the pixels of one that are taken for the other."""
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    for target in range(classes):
        for guess in range(classes):
            counts[target, guess] = ((targets == target) & (predicted == guess)).sum()
    return counts


class ConfusionCounts(Benchmark):
    name = "confusion-counts"
    title = (
        "confusion matrix of 21 classes over 4 images of 375×500: pair of classes by pair / one "
        "count of them all"
    )
    claim = Claim(50, least=True, unit="times")

    def prepare(self, rows: int) -> None:
        del rows  # pixels of a few images
        rng = np.random.default_rng(0)
        targets = rng.integers(_CLASSES, size=_SHAPE, dtype=np.uint8)
        targets[:, :20] = VOID
        self._targets = torch.from_numpy(targets)
        self._predicted = torch.from_numpy(rng.integers(_CLASSES, size=_SHAPE))
        assert torch.equal(
            confusion(self._predicted, self._targets, _CLASSES),
            confusion_by_pairs(self._predicted, self._targets, _CLASSES),
        )

    def measure(self) -> Round:
        with clock() as slow:
            confusion_by_pairs(self._predicted, self._targets, _CLASSES)
        with clock() as fast:
            for _ in range(_REPEATS):
                confusion(self._predicted, self._targets, _CLASSES)
        a, b = slow.seconds, fast.seconds / _REPEATS
        return Round(a / b, {"A, s": a, "B, s": b})

"""Scoring a network on a split, batch by batch."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.threads import single_thread
from tasks.base import Metric, Score, Split

Predict = Callable[[Float[Tensor, "n c h w"]], Tensor]


@single_thread()
@torch.no_grad()
def evaluate(predict: Predict, split: Split, metric: Metric, *, batch_size: int = 500) -> Score:
    """Score of ``predict`` on all rows of ``split``."""
    tallies = [
        metric.tally(predict(images), targets) for images, targets in split.batches(batch_size)
    ]
    return metric.score(torch.stack(tallies).sum(dim=0), len(split))

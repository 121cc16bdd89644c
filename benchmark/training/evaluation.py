"""Scoring a network on a split, batch by batch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from benchmark.basics.devices import repeatable
from benchmark.basics.threads import single_thread
from tasks.base import Task
from tasks.metrics import Metric, Score
from tasks.splits import Split

Predict = Callable[[Float[Tensor, "n c h w"]], Tensor]


@dataclass(frozen=True)
class Evaluation:
    """What a stand-alone network reaches on a split.

    Attributes:
        score: as searches see it.
        figures: in the field's own units, by name.
        failure: why the network is dead; empty if it isn't.
    """

    score: Score
    figures: dict[str, float]
    failure: str


def evaluate(predict: Predict, split: Split, metric: Metric, *, batch_size: int = 500) -> Score:
    """Score of ``predict`` on all rows of ``split``."""
    return metric.score(_tally(predict, split, metric, batch_size), len(split))


def evaluate_task(network: Predict, task: Task, split: Split) -> Evaluation:
    """What ``network``, in evaluation mode, reaches on a split of ``task``, as the task infers."""
    tally = _tally(
        lambda images: task.infer(network, images), split, task.metric, task.scoring_rows
    )
    rows = len(split)
    return Evaluation(
        task.metric.score(tally, rows),
        task.metric.shown(tally, rows),
        task.metric.failure(tally, rows),
    )


@single_thread()
@repeatable()
@torch.no_grad()
def _tally(
    predict: Predict, split: Split, metric: Metric, batch_size: int
) -> Float64[Tensor, " sums"]:
    tallies = [
        metric.tally(predict(images), targets) for images, targets in split.batches(batch_size)
    ]
    return torch.stack(tallies).sum(dim=0)

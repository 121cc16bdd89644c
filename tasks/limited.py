"""Any task, cut to a few rows: the same path in seconds, to learn early what is wrong."""

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from tasks.base import Task
from tasks.metrics import Outputs
from tasks.splits import Batches, Rows, Split, everything


class Limited(Task):
    """The first ``rows`` rows of each epoch and split of ``task``; scores mean nothing.

    Args:
        task: the whole task.
        rows: kept of each split, at least 1.
    """

    def __init__(self, task: Task, rows: int) -> None:
        self._task = task
        self._rows = rows
        vars(self).update({name: getattr(task, name) for name in Task.__annotations__})
        self.epoch_size = min(rows, task.epoch_size)

    def training_batches(
        self, size: int, *, rng: np.random.Generator, device: str = "cpu", rows: Rows = everything
    ) -> Batches:
        left = self.epoch_size
        with closing(self._task.training_batches(size, rng=rng, device=device)) as batches:
            for images, targets in batches:
                wanted = rows(min(len(targets), left))
                yield images[:left][wanted], targets[:left][wanted]
                left -= len(targets)
                if left <= 0:
                    return

    def validation(self) -> Split:
        return self._task.validation().head(self._rows)

    def test(self) -> Split:
        return self._task.test().head(self._rows)

    def facts(self) -> dict[str, str | int]:
        return self._task.facts() | {"cut to rows": self._rows}

    def held_out(self) -> Sequence[str]:
        return self._task.held_out()

    def left_out(self) -> Sequence[str]:
        return self._task.left_out()

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        return self._task.normalised_by()

    def loss(self, outputs: Outputs, targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, ""]:
        return self._task.loss(outputs, targets)

    def infer(
        self, network: Callable[[Tensor], Tensor], images: Float[Tensor, "n c h w"]
    ) -> Shaped[Tensor, "n ..."]:
        return self._task.infer(network, images)

"""What a training tells those who watch it: nothing they do changes it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One epoch in figures.

    Attributes:
        epoch: epochs done, this one included.
        epochs: of the whole training.
        step: optimiser steps done since the training began.
        loss: mean training loss of the epoch.
        learning_rate: of its last step.
        images_per_second: trained on in this epoch, over all processes.
        seconds_left: at that speed.
    """

    epoch: int
    epochs: int
    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Watch:
    """Callbacks of somebody who watches.

    Attributes:
        resumed: called before a training goes on, with the epochs and steps done before.
        images: called after each step with its images, over all processes.
        epoch: called after each epoch, before its checkpoint is written.
    """

    resumed: Callable[[int, int], None] = lambda _epochs, _steps: None
    images: Callable[[int], None] = lambda _: None
    epoch: Callable[[Figures], None] = lambda _: None


def together(*watches: Watch) -> Watch:
    """All of ``watches``, told in this order."""

    def resumed(epochs: int, steps: int) -> None:
        for watch in watches:
            watch.resumed(epochs, steps)

    def images(count: int) -> None:
        for watch in watches:
            watch.images(count)

    def epoch(figures: Figures) -> None:
        for watch in watches:
            watch.epoch(figures)

    return Watch(resumed, images, epoch)

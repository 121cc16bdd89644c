"""Training a network on a task: one loop for supernets and stand-alone networks."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool
from torch import nn

from tasks.base import Recipe, Score, Split, Task

SchemeSource = Callable[[], Bool[np.ndarray, " blocks"]]
"""Gives the scheme of the next mini-batch."""
OnEpoch = Callable[[int, float], None]
"""Told after each epoch: epochs done, mean training loss of the epoch."""


def train(
    network: nn.Module,
    task: Task,
    recipe: Recipe,
    next_scheme: SchemeSource,
    *,
    rng: np.random.Generator,
    on_epoch: OnEpoch = lambda done, loss: None,
) -> None:
    """Train ``network`` in place; it is called as ``network(images, scheme)``.

    Args:
        network: maps images and a scheme to outputs.
        task: gives each epoch's draws and the loss.
        recipe: optimiser and schedule.
        next_scheme: called once a mini-batch.
        rng: source of the training draws.
        on_epoch: progress.

    Raises:
        FloatingPointError: the loss of an epoch is not finite.
    """
    batches = -(-task.epoch_size // recipe.batch_size)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * batches, cycle_momentum=False
    )
    network.train()
    for epoch in range(recipe.epochs):
        draws = task.training_epoch(rng=rng)
        total = 0.0
        for images, targets in zip(
            draws.images.split(recipe.batch_size), draws.targets.split(recipe.batch_size), strict=True
        ):
            optimizer.zero_grad(set_to_none=True)
            loss = task.loss(network(images, next_scheme()), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(targets)
        on_epoch(epoch + 1, total / task.epoch_size)
    network.eval()

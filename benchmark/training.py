"""Training a network on a task: one loop for supernets and stand-alone networks."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmark.optimizers import make_optimizer, make_schedule
from benchmark.threads import single_thread
from tasks.base import Recipe, Task

_LARGEST_SAFE_SIDE = 32

OnEpoch = Callable[[float], None]
"""Told the mean training loss after each epoch."""


@single_thread()
def train(
    network: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    rng: np.random.Generator,
    extra: Callable[[], tuple[Any, ...]] = tuple,
    on_epoch: OnEpoch = lambda _: None,
) -> None:
    """Train ``network`` in place; it is called as ``network(images, *extra())``.

    Args:
        network: maps images (and what ``extra`` gives) to outputs.
        task: gives each epoch's draws and the loss.
        recipe: optimiser and schedule.
        rng: source of the training draws.
        extra: called once a mini-batch; a supernet gets its scheme from here.
        on_epoch: progress.

    On the CPU one thread is used, whatever torch is set to: the same seed gives the
    same bytes on every number of cores.

    Raises:
        FloatingPointError: the loss of an epoch is not finite.
    """
    steps = -(-task.epoch_size // recipe.batch_size)
    optimizer = make_optimizer(network, recipe)
    schedule = make_schedule(optimizer, recipe, steps)
    device = next(network.parameters()).device
    layout = _memory_format(device, task.image_shape[-1])
    network.to(memory_format=layout).train()
    for epoch in range(recipe.epochs):
        total = 0.0
        for images, targets in task.training_batches(
            recipe.batch_size, rng=rng, device=str(device)
        ):
            optimizer.zero_grad(set_to_none=True)
            inputs = images.to(device, memory_format=layout)
            loss = task.loss(network(inputs, *extra()), targets.to(device))
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(targets)
        if not math.isfinite(total):
            raise FloatingPointError(f"training diverged: loss {total} in epoch {epoch + 1}")
        on_epoch(total / task.epoch_size)
    network.to(memory_format=torch.contiguous_format).eval()


def _memory_format(device: torch.device, side: int) -> torch.memory_format:
    """Channels last is faster (a tenth on CPUs), but not where it isn't safe.

    On CPUs the backward pass of torch 2.15's strided 1×1 convolution overruns its
    memory for larger maps (seen with 8 → 16 channels at 64×64).
    """
    fits = device.type == "cuda" or side <= _LARGEST_SAFE_SIDE
    return torch.channels_last if fits else torch.contiguous_format

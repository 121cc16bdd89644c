"""Optimisers and learning-rate schedules from a recipe's data."""

import math

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from tasks.base import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser on all parameters of ``network``, at the peak of its schedule."""
    # One call for all parameters: there are many small ones. (SGD's fused call fails on
    # parameters whose first gradient comes late, as those of a SAM in a supernet may.)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            network.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=0.9,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.optimizer == "nesterov",
        foreach=True,
    )


def make_schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The recipe's schedule, to be stepped after each of the ``steps`` steps of an epoch."""
    if recipe.schedule == "one-cycle":
        return OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=recipe.epochs * steps, cycle_momentum=False
        )
    return LambdaLR(optimizer, lambda step: rate_factor(recipe, step // steps))


def rate_factor(recipe: Recipe, epoch: int) -> float:
    """Share of the recipe's learning rate that epoch ``epoch`` (from 0) is trained with.

    A one-cycle schedule has no such share: it changes within epochs.
    """
    if recipe.schedule == "cosine":
        return (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
    if recipe.schedule == "multi-step":
        return recipe.gamma ** sum(epoch >= at for at in recipe.milestones)
    assert recipe.schedule == "constant"
    return 1.0

"""Optimisers and learning-rate schedules from a recipe's data."""

import math
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from benchmark.networks.backbone import BackboneNetwork
from tasks.recipes import Recipe

_POWER = 0.9  # of Zhao et al., "Pyramid Scene Parsing Network"


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser on all parameters of ``network``, at the peak of its schedule.

    Where a task's own head learns at a rate of its own, its parameters are a second group.
    """
    # One call for all parameters: there are many small ones. (SGD's fused call fails on
    # parameters whose first gradient comes late, as those of a SAM in a supernet may.)
    parameters = _groups(network, recipe)
    if recipe.optimizer in ("adamw", "adam"):
        kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
        return kind(
            parameters,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.optimizer == "nesterov",
        foreach=True,
    )


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    if recipe.head_rate == 1:
        return [{"params": list(network.parameters())}]
    heads = [
        module.own_head
        for module in network.modules()
        if isinstance(module, BackboneNetwork) and module.own_head is not None
    ]
    own = [parameter for head in heads for parameter in head.parameters()]
    known = set(map(id, own))
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    return [{"params": rest}, {"params": own, "lr": recipe.learning_rate * recipe.head_rate}]


def make_schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The recipe's schedule, to be stepped after each of the ``steps`` steps of an epoch."""
    if recipe.schedule == "one-cycle":
        rates = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, rates, total_steps=recipe.epochs * steps, cycle_momentum=False)
    if recipe.schedule == "poly":
        whole = recipe.epochs * steps
        return LambdaLR(optimizer, lambda step: (1 - step / whole) ** _POWER)
    return LambdaLR(optimizer, lambda step: rate_factor(recipe, step // steps))


def rate_factor(recipe: Recipe, epoch: int) -> float:
    """Share of the recipe's learning rate that epoch ``epoch`` (from 0) is trained with.

    One-cycle and poly schedules have no such share: they change within epochs.
    """
    if recipe.schedule == "cosine":
        return (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
    if recipe.schedule == "exponential":
        return recipe.gamma**epoch
    if recipe.schedule == "multi-step":
        return recipe.gamma ** sum(epoch >= at for at in recipe.milestones)
    assert recipe.schedule == "constant"
    return 1.0

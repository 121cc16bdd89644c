"""A supernet that trains in a tenth of a second."""

from dataclasses import replace

import torch

from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import ResNet
from benchmark.networks.spec import NetworkSpec
from benchmark.supernet.train import SupernetSpec
from tasks.base import Task, TaskSpec
from tasks.digits import Digits
from tasks.limited import Limited

BACKBONE = ResNet(widths=(4, 4), blocks_per_stage=(2, 1), in_channels=4, classes=10)
ROWS, BATCH = 100, 32
"""Four steps an epoch, the last of four rows."""
SPEC = SupernetSpec(
    task=TaskSpec("digits"),
    network=NetworkSpec(BACKBONE, "se", reduction=2, sharing="full"),
    recipe=replace(Digits.supernet_recipe, epochs=4, batch_size=BATCH),
    retain=0.5,
    root_seed=0,
    seed=0,
)


def tiny_task() -> Task:
    """A hundred rows of digits."""
    return Limited(Digits(validation_size=20, test_size=20), ROWS)


def spec(**changes: object) -> SupernetSpec:
    """`SPEC` with another recipe."""
    return replace(SPEC, recipe=replace(SPEC.recipe, **changes))  # type: ignore[arg-type]


def same(first: AttentionNetwork, second: AttentionNetwork) -> bool:
    """Whether two networks have the same bits, running statistics included."""
    ours, theirs = first.state_dict(), second.state_dict()
    return list(ours) == list(theirs) and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )

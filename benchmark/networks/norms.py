"""Batch norms that no convolution is folded with: which there are, and which are refused."""

from typing import get_args

from torch import nn

from benchmark.basics.errors import UsageError
from benchmark.networks.backbone import units_of
from benchmark.networks.connect import AttentionNetwork

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm
"""A batch norm over maps of any number of axes."""
_FORWARDS = {kind.forward for kind in get_args(BatchNorm)}


def inner_norms(network: AttentionNetwork) -> list[BatchNorm]:
    """All batch norms of SAMs and heads, and those of stem and blocks that are in no unit.

    Raises:
        UsageError: one that keeps no running statistics, which would make a row's answer depend
            on the rows beside it; or one that does more than torch's, which nobody here knows.
    """
    norms: list[BatchNorm] = []
    stem, blocks = network.backbone.first, network.backbone.blocks
    folded = {unit.norm for unit in [*units_of(stem), *units_of(blocks)]}
    for name, module in network.named_modules():
        if not isinstance(module, BatchNorm) or module in folded:
            continue
        if module.running_mean is None or module.running_var is None:
            raise UsageError(
                f"{name}: expected a batch norm with running statistics, received one with "
                "track_running_stats=False, by which an image's answer depends on the images "
                "beside it"
            )
        if type(module).forward not in _FORWARDS:
            raise UsageError(
                f"{name}: expected a batch norm that does what torch's does, received "
                f"{type(module).__name__} with a forward of its own; do the rest beside it"
            )
        norms.append(module)
    return norms


def normalised_channels(module: nn.Module) -> int:
    """Channels of all batch norms inside of ``module``."""
    return sum(norm.num_features for norm in module.modules() if isinstance(norm, BatchNorm))

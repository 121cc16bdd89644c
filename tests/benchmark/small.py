"""A supernet and data small enough to be scored in milliseconds."""

from typing import Literal

import torch
from torch import nn

from benchmark.networks.backbone import Backbone
from benchmark.networks.connect import AttentionNetwork, build_network
from benchmark.networks.norms import BatchNorm
from benchmark.networks.resnet import ResNet
from benchmark.oracle.data import OracleData
from tasks.metrics import Classification, Metric
from tasks.splits import TensorSplit

SMALL = ResNet(widths=(4, 8), blocks_per_stage=(2, 3), in_channels=3, classes=5)


def small_network(
    sharing: Literal["full", "share"] = "full",
    seed: int = 0,
    *,
    attention: str = "se",
    backbone: Backbone = SMALL,
) -> AttentionNetwork:
    """A network with norms as scattered as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    network = build_network(
        backbone, attention=attention, reduction=2, sharing=sharing, generator=generator
    )
    scatter(network, generator)
    return network.eval()


@torch.no_grad()
def scatter(network: AttentionNetwork, generator: torch.Generator) -> None:
    """Put norms and what SAMs hold beside layers where training might have put them."""
    for name, module in network.named_modules():
        if isinstance(module, BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            if module.affine:
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.3, generator=generator)
        elif name.startswith("attention.") and not isinstance(module, nn.Conv2d | nn.Linear):
            for parameter in module.parameters(recurse=False):
                parameter.normal_(0, 1, generator=generator)


def small_data(rows: int = 37, *, size: int = 6, metric: Metric | None = None) -> OracleData:
    """Random images of ``size`` × ``size`` with random targets."""
    generator = torch.Generator().manual_seed(7)
    images = torch.randn(rows, 3, size, size, generator=generator)
    targets = torch.randint(SMALL.classes, (rows,), generator=generator)
    calibration = torch.randn(24, 3, size, size, generator=generator)
    return OracleData(TensorSplit(images, targets), calibration, metric or Classification())

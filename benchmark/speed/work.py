"""What a tree of prefixes computes and moves, and what the device could at most."""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import Block, ConvNorm, run_unit
from benchmark.oracle.base import Schemes
from benchmark.oracle.convolution import FrozenConvolutions
from benchmark.workers.threads import single_thread

_TIMES = 3


@dataclass(frozen=True)
class Work:
    """Of scoring some schemes on one image.

    Attributes:
        flops: floating-point operations of the convolutions, two a multiply-add.
        numbers: read and written by convolutions and additions of the shortcut, each operand
            once; ReLUs, gates and pooling come on top.
    """

    flops: int
    numbers: int

    @staticmethod
    @torch.inference_mode()
    def of(network: AttentionNetwork, schemes: Schemes, image: Tensor) -> "Work":
        """Of the tree of ``schemes``, which are unique, on ``image`` (a batch of one)."""
        flops, numbers = 0, 0
        features, cost, moved = _counted(network.backbone.stem, image)
        flops, numbers = flops + cost, numbers + moved
        for level, block in enumerate(network.backbone.blocks):
            assert isinstance(block, Block)
            nodes, children = _prefixes(schemes, level), _prefixes(schemes, level + 1)
            residual, body, through = _counted(block.body, features)
            features, skip, beside = _counted(block.skip, features)
            flops += nodes * (body + skip)
            numbers += nodes * (through + beside) + children * 3 * residual.numel()
        return Work(flops, numbers)


def _prefixes(schemes: Schemes, bits: int) -> int:
    return len(np.unique(schemes[:, :bits], axis=0)) if bits else 1


def _counted(run: Callable[..., Tensor], features: Tensor) -> tuple[Tensor, int, int]:
    """What ``run`` makes of ``features``, its operations, and what its convolutions move."""
    moved = 0

    def apply(unit: ConvNorm, features: Tensor) -> Tensor:
        nonlocal moved
        outputs = run_unit(unit, features)
        moved += features.numel() + outputs.numel()
        return outputs

    with FlopCounterMode(display=False) as counter:
        outputs = run(features, apply)
    return outputs, int(counter.get_total_flops()), moved


@dataclass(frozen=True)
class Ceilings:
    """What a device reaches at most, measured: operations and bytes a second."""

    flops: float
    bytes: float


@single_thread()
@torch.inference_mode()
def cpu_ceilings() -> Ceilings:
    """Of one thread: a product of 1,024 × 1,024 by a plain call and by oneDNN; a large copy."""
    side = 1024
    left = torch.randn(side, side)
    plain = _fastest(lambda: torch.mm(left, left))
    pointwise = FrozenConvolutions(torch.float32).fold(nn.Conv2d(side, side, 1))
    features = left.view(4, 16, 16, side).permute(0, 3, 1, 2)
    packed = _fastest(lambda: pointwise(features))
    large = torch.ones(2**27, dtype=torch.uint8)
    other = torch.ones_like(large)
    copy = _fastest(lambda: other.copy_(large))
    return Ceilings(2 * side**3 / min(plain, packed), 2 * large.numel() / copy)


def _fastest(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(_TIMES):
        started = process_time()
        work()
        seconds.append(process_time() - started)
    return min(seconds)

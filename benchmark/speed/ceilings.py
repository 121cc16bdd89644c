"""What a core reaches at most, measured."""

from collections.abc import Callable
from time import process_time

import torch
from torch import nn

from benchmark.oracle.convolution import FrozenConvolutions
from benchmark.planning.rates import Device
from benchmark.workers.threads import single_thread

_TIMES = 3


@single_thread()
@torch.inference_mode()
def cpu_ceilings() -> Device:
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
    return Device("core", 2 * side**3 / min(plain, packed), 2 * large.numel() / copy)


def _fastest(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(_TIMES):
        started = process_time()
        work()
        seconds.append(process_time() - started)
    return min(seconds)

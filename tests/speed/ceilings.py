"""What a device reaches at most, measured: a large product, a large copy."""

from collections.abc import Callable
from time import perf_counter, process_time

import torch
from torch import nn

from benchmark.basics.threads import single_thread
from benchmark.oracle.convolution import FrozenConvolutions
from benchmark.planning.rates import Device

_TIMES = 3


def ceilings(device: str, dtype: torch.dtype) -> Device:
    """Of ``device`` by the clock: a product of 8,192 × 8,192 in ``dtype``, a copy of 2 GiB."""
    if device == "cpu":
        return cpu_ceilings()
    side, times = 8192, 20
    left = torch.randn(side, side, device=device, dtype=dtype)
    large = torch.empty(2**31, device=device, dtype=torch.uint8)
    other = torch.empty_like(large)
    torch.mm(left, left)
    other.copy_(large)
    product = device_seconds(lambda: [torch.mm(left, left) for _ in range(times)], device) / times
    copy = device_seconds(lambda: [other.copy_(large) for _ in range(times)], device) / times
    return Device(device, 2 * side**3 / product, 2 * large.numel() / copy)


def device_seconds(work: Callable[[], object], device: str) -> float:
    """Seconds on the clock that ``work`` takes, the device synchronised."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    started = perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return perf_counter() - started


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

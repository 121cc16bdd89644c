"""How long work takes on a GPU: a roofline over torch's operators, as a range.

An operator takes at least its floating-point operations at the device's peak, and at
least its bytes at the device's bandwidth (Williams, Waterman and Patterson, "Roofline",
2009); and a batch at least what it takes to launch its operators one by one. Real
trainings reach a part of that, `EFFICIENCY`: the paper's own two figures lie in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # where torch documents it
from torch.utils.flop_counter import flop_registry

from benchmark.basics.numerical_state import numerical_state

EFFICIENCY = (0.25, 0.85)
"""What part of the roofline is reached. By Table VI of the paper on a GTX 1080 Ti 0.31 of
it where ResNet164 is trained (150 epochs of 40,000 images in 4.46 h) and 0.82 where it
is scored (1,000 evaluations of 10,000 images in 0.94 h)."""
LAUNCH = 8e-6
"""Seconds from one operator to the next where torch launches them one by one: assumed."""


@dataclass(frozen=True)
class Device:
    """What a device does at most: a GPU by its maker's data sheet, or as it was measured.

    Attributes:
        name: of the device, and of the numbers that it computes with.
        flops: floating-point operations a second at most, without sparsity.
        bandwidth: bytes a second of its memory.
    """

    name: str
    flops: float
    bandwidth: float


GTX_1080_TI = Device("GTX 1080 Ti", 11.3e12, 484e9)
A100 = Device("A100 (TF32)", 156e12, 1555e9)
H100 = Device("H100 (TF32)", 494e12, 3350e9)
DEVICES = (GTX_1080_TI, A100, H100)
"""The paper's device, and two that clusters have: by their makers' data sheets."""


@dataclass(frozen=True)
class Workload:
    """A forward pass of one image, or of one piece of several, operator by operator.

    Attributes:
        flops: two for each multiply-add.
        bytes: that are read and written, weights left out.
    """

    flops: Float64[np.ndarray, " operators"]
    bytes: Float64[np.ndarray, " operators"]

    def seconds(self, device: Device, *, images: float, batch: int, passes: int) -> float:
        """Seconds at full efficiency.

        Args:
            device: that does it.
            images: how many go through the network.
            batch: how many go through it together.
            passes: forward passes that one costs; 3 with backward.
        """
        each = np.maximum(self.flops / device.flops, self.bytes / device.bandwidth).sum()
        launching = len(self.flops) * LAUNCH / batch
        return images * passes * float(max(each, launching))


@numerical_state()
def counted(network: nn.Module, image_shape: tuple[int, int, int]) -> Workload:
    """What a forward pass of ``network`` (in evaluation mode) is made of."""
    device = next(network.parameters()).device
    image = torch.zeros(1, *image_shape, device=device)
    return operators(lambda: network(image))


def operators(work: Callable[[], object]) -> Workload:
    """The operators that ``work`` calls, as if for one image; on any device, meta too."""
    with torch.no_grad(), _Counter() as counter:
        work()
    flops, moved = np.array(counter.found, dtype=np.float64).reshape(-1, 2).T
    return Workload(flops.copy(), moved.copy())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.found: list[tuple[float, float]] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            count = flop_registry.get(_packet(func))
            flops = count(*args, **(kwargs or {}), out_val=result) if count else 0
            self.found.append((float(flops), float(_moved(args) + _moved(result))))
        return result


def _packet(func: Any) -> Any:
    """All overloads of the operator ``func``, by whose name torch counts operations."""
    namespace, name = func.name().partition(".")[0].split("::")
    return getattr(getattr(torch.ops, namespace), name)


def _moved(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(map(_moved, value))
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        return value.numel() * value.itemsize
    return 0

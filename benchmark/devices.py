"""Devices that may be asked for."""

import torch

from benchmark.errors import UsageError


def check_device(name: str) -> None:
    """Look whether torch sees the device ``name``.

    Raises:
        UsageError: it doesn't.
    """
    if name == "cpu":
        return
    if not torch.cuda.is_available():
        raise UsageError(f"device {name!r} was asked for, but torch sees no CUDA device; use cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"device {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices"
        )

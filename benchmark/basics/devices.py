"""Devices that may be asked for, and how they compute."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmark.basics.errors import UsageError


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


@contextmanager
def repeatable(*, tf32: bool = False) -> Iterator[None]:
    """Have convolutions on GPUs repeat their bits, inside the block or the decorated function.

    They take algorithms that are chosen by shapes alone and that add in a fixed order.
    Changes nothing where there is no GPU.

    Args:
        tf32: whether float32 convolutions may round their inputs to TensorFloat-32, as torch
            has it by default; otherwise float32 means float32.
    """
    if not torch.cuda.is_available():
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32
    ):
        yield


def torch_dtype(name: str) -> torch.dtype:
    """Torch's number type called ``name``, such as ``float32``."""
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype

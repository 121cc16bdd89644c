"""Processes that train one network together, each on its parts of every mini-batch."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmark.basics.devices import check_device
from benchmark.basics.errors import UsageError

_OF_TORCHRUN = ("RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Group:
    """One process's view of its group.

    Attributes:
        rank: which process this is; 0 leads, and is the only one that writes files.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and shows things."""
        return self.rank == 0

    def wrapped(self, network: nn.Module) -> nn.Module:
        """``network`` with gradients averaged over the group.

        A supernet skips SAMs, the same ones in all processes: their gradients stay
        ``None``, as in one process. Batch norms see the rows of their own process, and
        keep running statistics of their own until `average` is called.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(
            network, find_unused_parameters=True, broadcast_buffers=False
        )

    def average(self, network: nn.Module) -> None:
        """Give ``network`` the mean of all processes' running statistics, in place."""
        if self.size == 1:
            return
        for buffer in network.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer.div_(self.size)

    def summed(self, values: Tensor) -> Tensor:
        """Sum of ``values``, in place, over the group."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def agreed(self, content: bytes | None, device: torch.device) -> bytes | None:
        """What rank 0 holds, on all ranks; what the others hold is ignored."""
        if self.size == 1:
            return content
        length = torch.tensor([-1 if content is None else len(content)], device=device)
        dist.broadcast(length, 0)
        if int(length) < 0:
            return None
        data = torch.empty(int(length), dtype=torch.uint8, device=device)
        if self.leads and content:
            data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        dist.broadcast(data, 0)
        return data.cpu().numpy().tobytes()


ALONE = Group()
"""The group of one process that trains by itself."""


def asked_for() -> int:
    """Processes that ``torchrun`` started together with this one; 1 without it."""
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdecimal() or int(size) < 1:
        raise UsageError(f"WORLD_SIZE: expected a number of processes, received {size!r}")
    return int(size)


@contextmanager
def joined(device: str) -> Iterator[tuple[Group, str]]:
    """The group that ``torchrun`` made of this process and others, and its own device.

    Gloo on CPUs; NCCL on GPUs, one for each process of a machine.

    Raises:
        UsageError: there is no device for this process, or variables of ``torchrun`` are
            missing.
    """
    if asked_for() == 1:
        yield ALONE, device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        check_device(device)
        torch.cuda.set_device(device)
    if missing := [name for name in _OF_TORCHRUN if name not in os.environ]:
        raise UsageError(
            f"WORLD_SIZE is set, but {', '.join(missing)} not: start the processes with torchrun, "
            "or unset it"
        )
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Group(dist.get_rank(), dist.get_world_size()), device
    finally:
        gc.collect()  # wrapped networks hold the group in cycles, until the interpreter has gone
        dist.destroy_process_group()


def parts(rows: int, count: int) -> list[slice]:
    """``rows`` rows cut into ``count`` neighbouring parts whose sizes differ by at most one."""
    base, rest = divmod(rows, count)
    ends = [0]
    for part in range(count):
        ends.append(ends[-1] + base + (part < rest))
    return [slice(start, stop) for start, stop in pairwise(ends)]

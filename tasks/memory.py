"""How much memory a task may take for data that are used again and again."""

import os

import torch

_SHARE_OF_GPU = 0.5
_SHARE_OF_MACHINE = 1 / 16  # other processes may want the same


def spare_memory(device: str) -> int:
    """Bytes on ``device`` that may be kept by data."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return int(free * _SHARE_OF_GPU)
    if not hasattr(os, "sysconf"):
        return 0
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _SHARE_OF_MACHINE)

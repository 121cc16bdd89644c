"""Named child seeds: every random decision gets a generator of its own.

A generator is derived from one integer seed and a path of names, so adding a
consumer never shifts the numbers of another, and no global state is touched.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _sequence(seed: int, names: tuple[str | int, ...]) -> np.random.SeedSequence:
    path = "/".join(str(name) for name in names).encode()
    words = np.frombuffer(hashlib.sha256(path).digest(), dtype=np.uint32)
    return np.random.SeedSequence(seed, spawn_key=tuple(int(word) for word in words))


def child_rng(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy generator of the child of ``seed`` that is called ``names``."""
    return np.random.default_rng(_sequence(seed, names))


def child_generator(seed: int, *names: str | int) -> "torch.Generator":
    """Torch (CPU) generator of the child of ``seed`` that is called ``names``."""
    import torch  # noqa: PLC0415 - searches of known answers do without

    state = _sequence(seed, names).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))

"""Global random states: of Python, of NumPy, and of torch where somebody has loaded it."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def global_states() -> dict[str, bytes]:
    """Each library's global state as bytes."""
    states = {
        "random": repr(random.getstate()).encode(),
        "numpy.random": _numpy_state(),
    }
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all global states, and put them back as they were."""
    torch: Any = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is restored
    torch_state = torch.get_rng_state() if torch else None
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what strategies must not depend on
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - as it was
        if torch:
            torch.set_rng_state(torch_state)


def _numpy_state() -> bytes:
    state: Any = np.random.get_state()  # noqa: NPY002 - the state that must not change
    return repr((state[0], state[1].tobytes(), *state[2:])).encode()

"""For libraries that draw from the global generators: states that nobody else sees."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch

_States = tuple[Any, Any, torch.Tensor]
"""States of the generators of Python, NumPy and torch."""


@contextmanager
def preserved() -> Iterator[None]:
    """Put the global states back as they were, whoever draws from them inside."""
    outside = _global_states()
    try:
        yield
    finally:
        _set_global_states(outside)


@final
class OwnRandomness:
    """Global random states that count only while they are in use.

    Args:
        rng: what they are seeded from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        seed = int(rng.integers(2**32))
        with preserved():
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - a state of ours from here on
            torch.manual_seed(seed)
            self._states = _global_states()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Put these states in place of the global ones, which come back afterwards."""
        with preserved():
            _set_global_states(self._states)
            try:
                yield
            finally:
                self._states = _global_states()


def _global_states() -> _States:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def _set_global_states(states: _States) -> None:
    python, numpy, of_torch = states
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002 - what foreign code draws from
    torch.set_rng_state(of_torch)

"""A fixed number of torch threads for every numerical job, in this process or another.

Sums are split differently over more threads, so only a fixed number of them gives
the same bits on every machine; and on networks of this size two processes use two
cores better than one process with two threads does.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.basics.numerical_state import numerical_state


@contextmanager
def single_thread() -> Iterator[None]:
    """Give torch one thread inside the block, or inside the function it decorates."""
    with torch_threads(1):
        yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Give torch ``count`` threads, and the `numerical_state` of this project, inside the block.

    Where nobody has imported torch yet, there is nothing to give: whoever does so inside enters
    a block of its own for what torch computes.
    """
    with numerical_state():
        torch = sys.modules.get("torch")
        if torch is None:
            yield
            return
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

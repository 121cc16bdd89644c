"""What this project computes under, whatever the process that calls it has set.

Torch and NumPy keep much of how they compute in global or thread-wide state: types and devices of
new tensors, gradients, how far float32 is rounded, what a division by zero does. All of it belongs
to the caller, who finds it again as it was; nothing of it may change a result of ours.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from benchmark.basics.denormals import flushes

_entered = threading.local()


@contextmanager
def numerical_state() -> Iterator[None]:
    """Compute as a fresh process does while inside, or inside the function that it decorates.

    Tensors are float32 and made on the CPU unless told otherwise; gradients are recorded, without
    anomaly detection; nothing is cast automatically; float32 means float32, but for cuDNN's
    convolutions, which round to TensorFloat-32 where `benchmark.basics.devices.repeatable` lets
    them; denormal numbers count; NumPy warns. Afterwards the caller's state is what it was. Inside
    another one nothing happens. Where nobody has imported torch yet, it computes as it begins.
    """
    if getattr(_entered, "here", False):
        yield
        return
    with ExitStack() as caller:
        if "torch" in sys.modules or flushes():  # which only torch can undo
            from benchmark.basics.torch_state import changes  # noqa: PLC0415 - it takes seconds

            for change in changes():
                caller.enter_context(change)
        caller.enter_context(
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
        )
        _entered.here = True
        try:
            yield
        finally:
            _entered.here = False

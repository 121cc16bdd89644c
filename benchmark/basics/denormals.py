"""Numbers too small for float32's usual form, which processors may be told to take for zero."""

import numpy as np

_DENORMAL = 1e-40  # as float32


def flushes() -> bool:
    """Whether this thread takes denormal numbers for zero, which torch sets but doesn't tell.

    NumPy is asked, in the same registers: a mode that looks into torch's operations (fake tensors,
    say) would answer for torch.
    """
    with np.errstate(under="ignore"):
        return bool(np.float32(_DENORMAL) * np.float32(1) == 0)

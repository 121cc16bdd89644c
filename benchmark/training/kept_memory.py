"""Memory of large tensors, kept from step to step instead of given back each time.

The C library of Linux maps memory for every large tensor anew and unmaps it when the
tensor dies: the system clears each page again in every step, which took from a tenth to
half of the time of a training step on CPUs. No result depends on it.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt(3), and what it starts with.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_MAPS = 65_536
_TRIMMED_FROM = 128 * 1024
_NEVER = 2**31 - 1


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory in this process while inside; give it back at the end.

    Does nothing where the C library isn't glibc.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_MMAP_MAX, 0)
    library.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        library.mallopt(_MMAP_MAX, _MAPS)
        library.mallopt(_TRIM_THRESHOLD, _TRIMMED_FROM)
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None

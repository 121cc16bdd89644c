"""A limit on how long code of somebody else's may take."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Interrupt what runs inside after ``seconds``.

    Only in the main thread of systems with alarm signals; elsewhere there is no limit.

    Raises:
        AssertionError: it took longer.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"expected an end within {seconds} s, received none; does it loop?")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

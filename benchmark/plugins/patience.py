"""A limit on how long code of somebody else's may take in this process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import final

ASK_TIMEOUT = 600.0
"""Seconds that a strategy may take over one ask or tell, unless somebody says otherwise."""
_AGAIN = 1.0  # seconds; whoever catches everything is interrupted again


class Overdue(BaseException):
    """The time is over; no `Exception`, so that code which catches those doesn't go on."""


@final
class Patience:
    """Interrupts what runs too long, between two instructions of Python.

    Native code that never comes back can't be interrupted: it must run in a process of its own
    (`benchmark.plugins.hosted`). Only in the main thread of systems with timers; elsewhere there is
    no limit.

    Args:
        seconds: that may pass inside one `running`, `paused` times left out.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = seconds
        self._armed = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Interrupt what runs inside after ``seconds``.

        Raises:
            Overdue: it took longer.
        """
        if not _can_interrupt():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._interrupt)
        self._left = self._seconds
        try:
            with self._counting():
                yield
        finally:
            signal.signal(signal.SIGALRM, before)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside a `running`."""
        if not self._armed:
            yield
            return
        self._disarm()
        try:
            yield
        finally:
            self._arm()

    @contextmanager
    def _counting(self) -> Iterator[None]:
        self._arm()
        try:
            yield
        finally:
            self._disarm()

    def _arm(self) -> None:
        self._armed = True
        self._started = monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(self._left, 1e-3), _AGAIN)

    def _disarm(self) -> None:
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._left -= monotonic() - self._started

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self._armed:  # it may arrive just after the end
            raise Overdue(f"took longer than {self._seconds:g} s")


def _can_interrupt() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

"""A limit on how long code of somebody else's may take in this process."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, process_time
from types import FrameType
from typing import final

ASK_TIMEOUT = 600.0
"""Seconds that a strategy may take over one ask or tell, unless somebody says otherwise."""
_AGAIN = 1.0  # seconds; whoever catches everything is interrupted again
_LOOK = 1.0  # seconds between two looks at the clock


class Overdue(BaseException):
    """The time is over; no `Exception`, so that code which catches those doesn't go on."""


@final
class Countdown:
    """Seconds that go by only while this process runs.

    One that is stopped, by a signal or with its machine, can't tell whether what it waits for was
    stopped too. So the clock is looked at often, and what is between two looks counts for no more
    than was meant to be there, or than this process has worked meanwhile.

    Args:
        seconds: to begin with.

    Attributes:
        left: of them.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def start(self) -> float:
        """Let time count; returns the seconds until the next look, when `stop` is to be called."""
        self._meant = max(min(self.left, _LOOK), 0.0)
        self._started, self._worked = monotonic(), process_time()
        return self._meant

    def stop(self) -> None:
        """Let time count no more."""
        worked = process_time() - self._worked
        self.left -= min(monotonic() - self._started, max(self._meant, worked))


def within(seconds: Countdown, poll: Callable[[float], bool]) -> bool:
    """Whether there is something before the time is over; ``poll`` waits so many seconds for it."""
    while True:
        there = poll(seconds.start())
        seconds.stop()
        if there or seconds.left <= 0:
            return there


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
        self._left = Countdown(seconds)
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
        self._left = Countdown(self._seconds)
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
        signal.setitimer(signal.ITIMER_REAL, max(self._left.start(), 1e-3), _AGAIN)

    def _disarm(self) -> None:
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._left.stop()

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._armed:  # it may arrive just after the end
            return
        self._left.stop()
        if self._left.left > 0:
            self._arm()
        else:
            self._left.start()
            raise Overdue(f"took longer than {self._seconds:g} s")


def _can_interrupt() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

"""A limit on how long code of somebody else's may take in this process."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic, process_time
from types import FrameType
from typing import final

from benchmark.records.settings import SETTINGS

ASK_TIMEOUT: float = SETTINGS["ask_timeout"].default
"""Seconds that a strategy may take over one ask or tell, unless somebody says otherwise."""
CHECK_TIMEOUT = 60.0
"""Seconds that one check of the contract suite may take, unless somebody says otherwise."""
_AGAIN = 1.0  # seconds; whoever catches everything is interrupted again
_LOOK = 1.0  # seconds between two looks at the clock
_SHORTEST = 1e-3  # seconds; none at all would set no alarm


class TimedOut(BaseException):
    """The time is over; no `Exception`, so that code which catches those doesn't go on."""


class CallerError(BaseException):
    """Carries an error past code of somebody else's, in the middle of which it happened.

    Attributes:
        error: what the caller is to see.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


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
class _CallersAlarm:
    """The alarm clock that a process has is its caller's, who gets it back as if it had never left.

    While it is here its alarms are still given, when they are due.
    """

    def take(self) -> None:
        """Stop the clock, remembering when it is due."""
        # In this order: an alarm that is given meanwhile still finds whom it is for.
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._due = monotonic() + left if left else None
        self._handler = signal.getsignal(signal.SIGALRM)

    def give_back(self) -> None:
        """Let the clock go on."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        if self._due is not None:
            signal.setitimer(signal.ITIMER_REAL, max(self.left, _SHORTEST), self._interval)

    @property
    def left(self) -> float:
        """Seconds until the next alarm is due; negative afterwards."""
        return inf if self._due is None else self._due - monotonic()

    def give_if_due(self, number: int, frame: FrameType | None) -> None:
        """Give an alarm as the system would have.

        Raises:
            CallerError: what the caller's handler raises.
        """
        if self.left > 0:
            return
        ours = signal.getsignal(signal.SIGALRM)
        self._due = monotonic() + self._interval if self._interval else None
        self.give_back()
        try:
            if callable(self._handler):
                self._handler(number, frame)
            else:  # to end the process, or to be ignored
                signal.raise_signal(number)
        except Exception as error:
            raise CallerError(error) from error
        finally:  # it may have set the clock anew
            self.take()
            signal.signal(signal.SIGALRM, ours)


@final
class Timeout:
    """Interrupts what runs too long, between two instructions of Python.

    Native code that never comes back can't be interrupted: it must run in a process of its own
    (`benchmark.plugins.hosted`). Only in the main thread of systems with timers; elsewhere there is
    no limit. An alarm that the caller has set is given in time, and remains the caller's.

    Args:
        seconds: that may pass inside one `running`, `paused` times left out.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = Countdown(seconds)
        self._callers = _CallersAlarm()
        self._armed = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Interrupt what runs inside after ``seconds``.

        Raises:
            TimedOut: it took longer.
            CallerError: the caller's alarm raised an error meanwhile.
        """
        if not _can_interrupt():
            yield
            return
        self._left = Countdown(self._seconds)
        self._begin()
        try:
            try:
                yield
            finally:
                self._armed = False
        finally:  # even if the time was over just now
            self._end()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside a `running`."""
        if not self._armed:
            yield
            return
        self._end()
        try:
            yield
        finally:
            self._begin()

    def _begin(self) -> None:
        self._callers.take()
        self._armed = True
        signal.signal(signal.SIGALRM, self._interrupt)
        self._set()

    def _end(self) -> None:
        self._armed = False
        self._left.stop()
        self._callers.give_back()

    def _set(self) -> None:
        seconds = min(self._left.start() or _AGAIN, self._callers.left)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _SHORTEST), _AGAIN)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._armed:  # it may arrive just after the end
            return
        self._left.stop()
        try:
            self._callers.give_if_due(number, frame)
        finally:
            self._set()
        if self._left.left <= 0:
            raise TimedOut(f"took longer than {self._seconds:g} s")


def _can_interrupt() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is not None  # or it is for code that isn't Python's
    )

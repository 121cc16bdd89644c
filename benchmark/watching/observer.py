"""Somebody who looks at a run again and again, and so knows how fast it goes."""

import sqlite3
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import final

from benchmark.records.progress import Snapshot
from benchmark.watching.snapshots import Seen, look, may_start, seconds_left


@final
class Observer:
    """Looks at the run in ``folder`` whenever it is asked to, at most so often that it is cheap.

    Args:
        folder: of the run, which need not have begun.
    """

    _SHARE = 20
    """A look is followed by a rest of at least so many times its length."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._first: Seen | None = None
        self._last: Seen | None = None
        self._rested = 0.0
        self._lock = Lock()

    def seen(self) -> tuple[Snapshot, float | None] | None:
        """The run as it is, and seconds left of its stage; None before it has begun.

        Raises:
            UsageError: the folder holds something else, or a run of another schema.
        """
        with self._lock:
            if self._last is None and may_start(self.folder):
                return None
            if self._last is None or monotonic() >= self._rested:
                self._look()
            if self._first is None or self._last is None:
                return None
            return self._last.snapshot, seconds_left(self._first, self._last)

    def _look(self) -> None:
        begun = monotonic()
        try:
            snapshot = look(self.folder)
        except sqlite3.OperationalError:
            if self._last is None:
                raise
            return  # its writer is just closing it: the last look holds until the next
        now = monotonic()
        self._rested = now + self._SHARE * (now - begun)
        self._last = Seen(snapshot, now)
        if self._first is None or self._first.snapshot.stage != snapshot.stage:
            self._first = self._last

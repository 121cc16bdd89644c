"""Processes that a dead one has left behind, known by the folder that their environment names."""

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

ENDING_SECONDS = 8.0
"""Seconds in which they must be gone, also on a machine that has much else to do."""


def belonging(folder: Path) -> dict[int, str]:
    """Processes that were started to work in ``folder``, and when each was.

    Those that only clean up after the others (Python's resource trackers) are left out.
    """
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"resource_tracker" in (place / "cmdline").read_bytes():
                continue
            if os.fsencode(folder) + b"/" in (place / "environ").read_bytes():
                found[int(place.name)] = _began(place)
    return {pid: began for pid, began in found.items() if began}


def alive(processes: dict[int, str]) -> list[int]:
    """Which of ``processes`` are still there."""
    return [pid for pid, began in processes.items() if _began(Path("/proc", str(pid))) == began]


def _began(place: Path) -> str:
    with suppress(OSError):
        state, *rest = (place / "stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else rest[18]
    return ""


class Remains:
    """Looks on, beside everything else, until ``processes`` (see `belonging`) are gone."""

    def __init__(self, processes: dict[int, str]) -> None:
        self._processes = processes
        self._left = list(self._processes)
        self._thread = Thread(target=self._look_on, daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """How many were there."""
        return len(self._processes)

    def _look_on(self) -> None:
        until = monotonic() + ENDING_SECONDS
        while self._left and monotonic() < until:
            sleep(0.1)
            self._left = alive(self._processes)

    def left(self) -> list[int]:
        """Which of them were there for longer than `ENDING_SECONDS`."""
        self._thread.join()
        return self._left

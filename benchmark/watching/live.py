"""Progress bars in a terminal; plain lines where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import perf_counter

from rich import progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmark.watching.progress import Advance, Progress
from reports.tables.progress import duration

EVERY = 50.0
"""Seconds between lines in a log: one that says nothing for a minute looks dead."""


@dataclass
class _Stage:
    """How far a stage is.

    What is done at its first report may have been done before, so only what follows is a rate.
    """

    title: str
    total: int
    unit: str
    started: float
    done: int = 0
    _first: tuple[float, int] | None = None
    _last: float = 0.0

    def advance(self, units: int) -> None:
        self.done += units
        self._last = perf_counter()
        if self._first is None:
            self._first = self._last, self.done

    def line(self) -> str:
        """What is running, how far it is, and how long it will take as far as one can tell."""
        far = f"{self.title}: {self.done:,} of {self.total:,} {self.unit}"
        now = perf_counter()
        left = self._seconds_left(now)
        rest = "" if left is None else f", about {duration(left)} left"
        return f"{far} after {duration(now - self.started)}{rest}"

    def _seconds_left(self, now: float) -> float | None:
        if self._first is None or self.done == self._first[1]:
            return None
        each = (self._last - self._first[0]) / (self.done - self._first[1])
        return max(each * (self.total - self.done) - (now - self._last), 0.0)


class LiveProgress(Progress):
    """Shows each stage with what is done, how long it took and how long it will take.

    Bars are drawn while ``bars`` is entered as a context.

    Args:
        console: where to draw; a pipe or log gets one line a finished stage, and one a minute of
            those that are running.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.bars = progress.Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        if total == 0:
            yield lambda _: None
            return
        bar = self.bars.add_task(title, total=total, unit=unit)
        running = _Stage(title, total, unit, perf_counter())

        def advance(units: int) -> None:
            running.advance(units)
            self.bars.advance(bar, units)

        with self._told(running):
            yield advance
        self.bars.remove_task(bar)
        seconds = perf_counter() - running.started
        found = "" if running.done > 0 else "found, not repeated; "
        self._console.print(f"{title}: {found}{running.done or total:,} {unit} in {seconds:.1f} s")

    @contextmanager
    def _told(self, running: _Stage) -> Iterator[None]:
        """Where no bars are drawn, say from time to time how far ``running`` is."""
        if self._console.is_terminal:
            yield
            return
        over = Event()

        def tell() -> None:
            while not over.wait(EVERY):
                self._console.print(running.line())

        thread = Thread(target=tell, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

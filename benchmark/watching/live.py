"""Progress bars in a terminal; plain lines where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
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


class LiveProgress(Progress):
    """Shows each stage with what is done, how long it took and how long it will take.

    Bars are drawn while ``bars`` is entered as a context.

    Args:
        console: where to draw; a pipe gets one line a finished stage.
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
        started = perf_counter()
        done = 0

        def advance(units: int) -> None:
            nonlocal done
            done += units
            self.bars.advance(bar, units)

        yield advance
        self.bars.remove_task(bar)
        seconds = perf_counter() - started
        found = "" if done > 0 else "found, not repeated; "
        self._console.print(f"{title}: {found}{done or total:,} {unit} in {seconds:.1f} s")

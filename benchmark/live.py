"""Progress bars in a terminal; plain lines where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmark.progress import Advance


class LiveProgress:
    """Shows each stage with what is done, how long it took and how long it will take.

    Args:
        console: where to draw; a pipe gets one line a finished stage.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
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

    def __enter__(self) -> "LiveProgress":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, title: str, total: float, unit: str) -> Iterator[Advance]:
        """See `benchmark.progress.Progress.stage`."""
        bar = self._bars.add_task(title, total=total, unit=unit)
        started = perf_counter()
        done = 0.0

        def advance(units: float) -> None:
            nonlocal done
            done += units
            self._bars.advance(bar, units)

        yield advance
        self._bars.remove_task(bar)
        seconds = perf_counter() - started
        if done > 0:
            self._console.print(f"{title}: {done:,.0f} {unit} in {seconds:.1f} s")
        else:
            self._console.print(f"{title}: nothing left to do")

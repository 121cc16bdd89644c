"""What long commands need while they work: Ctrl-C, bars, the shared cache, processes."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.commands.worker_options import WorkerOptions

if TYPE_CHECKING:
    from benchmark.storage.store import Store
    from benchmark.watching.live import LiveProgress
    from benchmark.workers.pool import WorkerPool

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a batch system, a connection that is lost


@contextmanager
def equipped(
    console: Any, cache: Path | None, worker_options: WorkerOptions
) -> Iterator[tuple["Store", "WorkerPool", "LiveProgress"]]:
    """What every long command needs: the shared cache, processes, bars, Ctrl-C."""
    with stoppable(console):
        from benchmark.studies.cache import default_cache, opened_cache
        from benchmark.watching.live import LiveProgress

        live = LiveProgress(console)
        workers = worker_options.assembled()
        with live.bars, opened_cache(default_cache() if cache is None else cache) as shared:
            yield shared, workers, live


@contextmanager
def served(port: int | None, console: Any) -> Iterator[Callable[[Path], None]]:
    """A browser page of the run in the folder that it is told; none without a port."""
    if port is None:
        yield lambda _: None
        return
    from benchmark.commands.serving import ProgressServer

    server = ProgressServer(port)
    console.print(f"{server.address} shows the run")
    with server.running():
        yield server.show


@contextmanager
def stoppable(console: Any, *, keeps: bool = True) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP stop at once, say how to go on, and exit with 128 + their number.

    Args:
        console: where it says so.
        keeps: whether what is finished is kept somewhere.
    """
    how = (
        "Nothing finished is lost: the same command again goes on from here."
        if keeps
        else "With --out what is finished would have been kept."
    )

    def stop(number: int, _: object) -> None:
        # Stores survive a kill at any moment, so nobody waits for the jobs that are running.
        by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
        with suppress(Exception):  # it may have been in the middle of a line
            console.show_cursor()
            console.print(f"Stopped{by}. {how}")
        os._exit(128 + number)  # as shells count

    before = {number: signal.getsignal(number) for number in _stopping()}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopping() -> Iterator[signal.Signals]:
    """The signals that stop a command; nohup's wish to ignore one is heeded."""
    for name in _SIGNALS:
        number = getattr(signal, name, None)  # not every system has all
        if number == signal.SIGINT or (number and signal.getsignal(number) != signal.SIG_IGN):
            yield number

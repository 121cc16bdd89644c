import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.commands import options

if TYPE_CHECKING:
    from benchmark.watching.observer import Observer

_EVERY = 0.5  # seconds
_INTERRUPTED = 130  # 128 + SIGINT, as shells count


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Print how far it has come, and leave.")
@options.serve
def watch(folder: Path, once: bool, serve: int | None) -> None:  # noqa: FBT001 - click's way
    """Watch the run in a folder while it works, without disturbing it.

    Its store is only read. Waits for a run that hasn't begun; ends when it ends (exit code 0
    when it came to its end, 1 when nobody is at work on it any more).
    """
    from benchmark.commands.consoles import console_of
    from benchmark.watching.observer import Observer
    from benchmark.watching.snapshots import look

    console = console_of()
    if once:
        _print(console, look(folder), None)
        return
    try:
        if serve is None:
            snapshot = _follow(console, Observer(folder))
        else:
            from benchmark.commands.serving import ProgressServer

            server = ProgressServer(serve)
            server.show(folder)
            click.echo(f"{server.address} shows the run in {folder}")
            with server.running():
                snapshot = _wait(Observer(folder))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    _print(console, snapshot, None)
    if snapshot.stage != "finished":
        sys.exit(1)


def _wait(observer: "Observer") -> Any:
    """Wait for the run's end; returns its last snapshot."""
    from time import sleep

    while (seen := observer.seen()) is None or not seen[0].over:
        sleep(_EVERY)
    return seen[0]


def _follow(console: Any, observer: "Observer") -> Any:
    """Show it as it changes, or say so once a minute where no terminal is; the last snapshot."""
    from time import monotonic, sleep

    from rich.live import Live
    from rich.text import Text

    from benchmark.watching.live import EVERY
    from reports.tables.progress import sentences

    waiting = Text(f"Waiting for a run in {observer.folder} …")
    due = 0.0
    with Live(waiting, console=console, transient=True, auto_refresh=False) as live:
        while (seen := observer.seen()) is None or not seen[0].over:
            if seen is not None and console.is_terminal:
                live.update(_drawn(*seen), refresh=True)
            elif seen is not None and monotonic() >= due:
                console.print("; ".join(sentences(*seen)))
                due = monotonic() + EVERY
            sleep(_EVERY)
    return seen[0]


def _drawn(snapshot: Any, seconds: float | None) -> Any:
    from rich.console import Group
    from rich.text import Text

    from reports.tables.progress import progress_table, sentences
    from reports.tables.terminal import TerminalTable

    lines = [Text(f"• {sentence}") for sentence in sentences(snapshot, seconds)]
    return Group(*lines, TerminalTable(progress_table(snapshot)))


def _print(console: Any, snapshot: Any, seconds: float | None) -> None:
    console.print(_drawn(snapshot, seconds))

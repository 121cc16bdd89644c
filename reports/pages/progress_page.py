"""The page of a run that is at work; it asks for itself again and needs nothing else."""

from benchmark.records.progress import Snapshot
from reports.pages.html import ENVIRONMENT
from reports.tables.progress import progress_table, sentences

REFRESH = 2
"""Seconds after which the page of a running search reloads itself."""


def render_progress(snapshot: Snapshot, seconds: float | None, *, report: bool = False) -> str:
    """The page of a run.

    Args:
        snapshot: how far it has come.
        seconds: left of its stage, where that is known.
        report: whether there is a report to link.
    """
    whole = snapshot.budget * len(snapshot.lanes)
    said = sentences(snapshot, seconds)
    return ENVIRONMENT.get_template("watch.html.j2").render(
        title=f"{snapshot.task or 'run'}: {snapshot.stage}",
        refresh=None if snapshot.over else REFRESH,
        sentences=said,
        done=snapshot.charged / whole if whole else None,
        lanes=progress_table(snapshot).shown(),
        report=report,
    )


def render_waiting(words: str) -> str:
    """The page while there is no run yet."""
    return ENVIRONMENT.get_template("watch.html.j2").render(
        title="waiting",
        refresh=REFRESH,
        sentences=[words],
        done=None,
        lanes=None,
        report=False,
    )

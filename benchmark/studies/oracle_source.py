"""What a run searches: one object for each kind of oracle, which says all that others ask.

An experiment has the same steps whatever it searches; a kind says what each of them is, and does
nothing in those that it doesn't have. A further kind is a class here and an entry in `SOURCES`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from rich.console import Console

from benchmark.basics.names import referred
from benchmark.planning.settings import Settings
from benchmark.records.kinds import OracleKind, kind_of
from benchmark.storage.folder import Description, RunFolder
from benchmark.storage.store import Store
from benchmark.watching.progress import Progress
from benchmark.workers.pool import WorkerPool
from reports.pages.report import Report

SOURCES: dict[str, str] = {
    "supernet": "benchmark.studies.supernet_source:SupernetSource",
    "table": "benchmark.studies.table_source:TableSource",
    "known landscape": "benchmark.studies.known_source:KnownSource",
}
"""Module and class of every kind of oracle, by its name; imported only when it is searched."""


@final
@dataclass(frozen=True)
class Work:
    """What the steps of a run work with.

    Attributes:
        folder: of the run.
        store: of the run, where each step leaves its results.
        workers: processes.
        progress: shows what is running.
    """

    folder: RunFolder
    store: Store
    workers: WorkerPool
    progress: Progress


class OracleSource(ABC):
    """A run on one kind of oracle, before and while it runs; making one writes nothing.

    Args:
        settings: of the run.
        cache: folder that all experiments share, for kinds that keep something there.

    Attributes:
        settings: as given.
        identity: content hash of all that the run's results depend on.

    Raises:
        UsageError: settings that have no effect on this kind, or that can't be met.
    """

    kind: ClassVar[OracleKind]
    settings: Settings
    identity: str

    @abstractmethod
    def __init__(self, settings: Settings, *, cache: Path | None = None) -> None: ...

    @classmethod
    @abstractmethod
    def print_plan(cls, settings: Settings, console: Console, *, cache: Path | None = None) -> None:
        """Show what a run will take, at most; runs nothing and writes nothing but to ``cache``.

        Raises:
            UsageError, DataError: see this class.
        """

    @property
    @abstractmethod
    def name(self) -> str:
        """What a run's folder is called before its identity."""

    @abstractmethod
    def description(self, workers: WorkerPool) -> Description:
        """What is known before the run starts, with ``workers`` at work."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold what the run needs beside its folder, before that is made."""
        yield

    @abstractmethod
    def search(self, work: Work) -> None:
        """Open every oracle and run all lanes on them, as far as they haven't ended yet."""

    def conclude(self, work: Work) -> None:
        """What follows a search: nothing, or trainings, costs and trust."""
        del work

    def write(self, report: Report, folder: Path) -> None:
        """Write the run's files into ``folder``."""
        report.write(folder)


def source_class(settings: Settings) -> type[OracleSource]:
    """The class of what ``settings`` search."""
    loaded: type[OracleSource] = referred(SOURCES[kind_of(settings.oracle).name])
    assert issubclass(loaded, OracleSource)
    return loaded

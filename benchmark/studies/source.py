"""What is carried to another task: the scheme that a run found, or a ticket file's."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmark.basics.errors import UsageError
from benchmark.records.run import StandaloneRecord
from benchmark.records.settings import REPEATED
from benchmark.records.ticket import read_ticket
from benchmark.storage.folder import RunFolder, read_records
from benchmark.studies.gradcam_run import found_scheme


@dataclass(frozen=True)
class Source:
    """A scheme, and the experiment that it comes from.

    Attributes:
        path: of the run or the ticket file.
        settings: of the experiment, by name, without the place of its data.
        scheme: as bits.
        candidates: other schemes that the run trained from scratch, the best first; None of a
            ticket file.
    """

    path: Path
    settings: dict[str, Any]
    scheme: str
    candidates: tuple[str, ...] | None = None

    def best(self, number: int) -> tuple[str, ...]:
        """So many of its other schemes, or all where there are fewer.

        Raises:
            UsageError: a ticket file has none.
        """
        if number and self.candidates is None:
            raise UsageError(
                f"{self.path} is a ticket file, which has no further candidates: name the run's "
                "folder, or carry schemes of your own with --scheme"
            )
        return (self.candidates or ())[:number]


def read_source(path: Path) -> Source:
    """The run in the folder ``path``, or the ticket file ``path``.

    Raises:
        UsageError: there is neither; or the run has no scheme to carry yet.
        TicketError: the file is no intact ticket.
    """
    if not path.is_dir():
        ticket = read_ticket(path)
        return Source(path, ticket.settings, ticket.scheme)
    with closing(RunFolder(path).view()) as store:
        records = read_records(store)
    if not records.kind.trains:
        raise UsageError(
            f"{path} searched a {records.kind.name} and trained no network; carry a scheme over "
            "from a run without --oracle, or from a ticket file"
        )
    found = found_scheme(records) if records.finished else []
    if not found:
        why = "no candidate could be trained" if records.finished else "let it finish first"
        raise UsageError(f"{path} has no scheme to carry over: {why}")
    proposed = {bits for schemes in records.candidates.values() for bits in schemes}
    others = [bits for bits in best_first(records.standalone) if bits in proposed - {found[0]}]
    settings = {name: records.settings[name] for name in REPEATED & records.settings.keys()}
    return Source(path, settings, found[0], tuple(others))


def best_first(trained: Iterable[StandaloneRecord]) -> list[str]:
    """Schemes by mean validation accuracy, equal ones by their bits; failed trainings don't count.

    The order depends on the records only, not on theirs: the same schemes are carried each time.
    """
    reached: dict[str, list[float]] = {}
    for record in trained:
        if not record.failure:
            reached.setdefault(record.bits, []).append(record.validation_accuracy)
    return sorted(reached, key=lambda bits: (-fmean(reached[bits]), bits))

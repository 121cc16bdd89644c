"""What a transfer leaves behind, as plain data: written by the store, read by reports."""

from dataclasses import dataclass
from typing import Any, Literal

from benchmark.records.run import CostRecord, FigureKind, StandaloneRecord

TICKET = "Ticket"
"""What the carried scheme is called in rows."""


@dataclass(frozen=True)
class Carried:
    """One network that is carried from the source task to the target task.

    Attributes:
        name: Original, Full-SA, Full-Share or `TICKET`; empty for further schemes.
        sharing: of its SAMs.
        bits: its scheme on the source task.
        used: the leading bits of it that the target task's network has blocks for.
    """

    name: str
    sharing: Literal["full", "share"]
    bits: str
    used: str

    @property
    def key(self) -> str:
        """Tells it from the others."""
        return f"{self.sharing} {self.bits}"


@dataclass(frozen=True)
class CarriedResult:
    """What became of one carried network.

    Attributes:
        network: which.
        source: its trainings on the source task, one a seed.
        target: the trainings on the target task that began with their weights, one a seed; none
            for a seed whose source training failed.
        cost: on the target task, beside Original there.
    """

    network: Carried
    source: tuple[StandaloneRecord, ...]
    target: tuple[StandaloneRecord, ...]
    cost: CostRecord | None


@dataclass(frozen=True)
class TransferRecords:
    """Everything that a transfer's report is made from.

    Attributes:
        experiment: identity of what determines the results.
        settings: of the target's trainings, by name.
        attention: the SAM's published name.
        blocks_per_stage: shape of a scheme on the source task.
        source: the source task's splits and their fingerprint.
        target: the target task's.
        figures: in which the target's field reports, the main one first.
        environment: versions, machine, command.
        results: Original, Full-SA, Full-Share, the ticket, then further schemes.
    """

    experiment: str
    settings: dict[str, Any]
    attention: str
    blocks_per_stage: tuple[int, ...]
    source: dict[str, Any]
    target: dict[str, Any]
    figures: tuple[FigureKind, ...]
    environment: dict[str, Any]
    results: tuple[CarriedResult, ...]

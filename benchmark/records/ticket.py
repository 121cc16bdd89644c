"""Ticket files: a scheme with its evidence, for somebody else to check and to use."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from benchmark import __version__
from benchmark.basics.bounds import INSIDE, STAGE, problem
from benchmark.basics.errors import TicketError
from benchmark.basics.files import parse_json, read_text, replacing
from benchmark.basics.identity import content_hash
from benchmark.records.noise import Noise
from benchmark.records.rules import Rule, Word
from benchmark.records.run import CostRecord, Interval, StandaloneRecord
from benchmark.records.settings import REPEATED
from benchmark.records.verdicts import Verdict

FORMAT: Literal[2] = 2


class Claim(BaseModel):
    """What a ticket file says of its scheme.

    Attributes:
        word: the verdict.
        rule: what it was found by, with its parameters, as `Rule.read` reads it.
        confidence: of the intervals.
        reason: the conditions that decided it, or that are open.
        paper_rule: what means alone would say; None where a measurement is missing.
        difference: test accuracy minus Full-SA's, paired over seeds.
        over_original: minus Original's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    word: Word
    rule: Annotated[str, AfterValidator(lambda text: str(Rule.read(text)))]
    confidence: Annotated[float, INSIDE]
    reason: str
    paper_rule: bool | None
    difference: Interval | None
    over_original: Interval | None

    @classmethod
    def of(cls, verdict: Verdict, confidence: float, over_original: Interval | None) -> "Claim":
        """The claim that a ticket file makes where a scheme was judged so."""
        return cls(
            word=verdict.word,
            rule=str(verdict.rule),
            confidence=confidence,
            reason=verdict.reason,
            paper_rule=verdict.paper_rule,
            difference=verdict.difference,
            over_original=over_original,
        )

    @property
    def sentence(self) -> str:
        """``undecided by 95% intervals (accuracy interval includes Full-SA)``."""
        return f"{self.word} by {Rule.read(self.rule).basis(self.confidence)} ({self.reason})"


class Ticket(BaseModel):
    """A scheme, what it was trained and judged with, and every number that its verdict rests on.

    Attributes:
        format: of the file.
        scheme: as bits.
        blocks_per_stage: shape of the scheme.
        settings: by name; they make the same experiment again.
        network: the network up to its weights.
        recipe: of the trainings.
        task: named properties of the splits, with their fingerprint.
        trainings: of the scheme, Original and Full-SA, one a seed.
        noise: of one training, estimated from all schemes that were trained beside these.
        costs: of the same three, as far as they were measured.
        machine: where they were measured.
        claim: the verdict.
        environment: command, versions and code of the trainings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    format: Literal[2] = FORMAT
    scheme: str
    blocks_per_stage: tuple[Annotated[int, STAGE], ...]
    settings: dict[str, Any]
    network: dict[str, Any]
    recipe: dict[str, Any]
    task: dict[str, Any]
    trainings: tuple[StandaloneRecord, ...]
    noise: Noise
    costs: tuple[CostRecord, ...]
    machine: str
    claim: Claim
    environment: dict[str, Any]

    @model_validator(mode="after")
    def _fits_together(self) -> "Ticket":
        blocks = sum(self.blocks_per_stage)
        cells = [(record.bits, record.seed) for record in self.trainings]
        trained, measured = {bits for bits, _ in cells}, [cost.bits for cost in self.costs]
        for bits in (self.scheme, *sorted(trained), *measured):
            if len(bits) != blocks or set(bits) - {"0", "1"}:
                raise ValueError(f"expected {blocks} bits, received {bits!r}")
        for kind, found in (("training", cells), ("cost", measured)):
            if twice := [item for item, count in Counter(found).items() if count > 1]:
                raise ValueError(f"expected each {kind} once, received {twice[0]} twice")
        if other := sorted(set(self.settings) - REPEATED):
            raise ValueError(f"expected settings of trainings only, received {other[0]}")
        if self.scheme not in trained:
            raise ValueError(f"expected trainings of {self.scheme}, received none")
        return self

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the trainings, ascending."""
        return tuple(sorted({record.seed for record in self.trainings}))

    def cost(self, bits: str) -> CostRecord | None:
        """What the network of ``bits`` costs; None where it wasn't measured."""
        return next((cost for cost in self.costs if cost.bits == bits), None)

    def values(self) -> dict[str, Any]:
        """Everything that the file holds but its checksum, as JSON values."""
        values: dict[str, Any] = json.loads(self.model_dump_json())
        return values

    @property
    def checksum(self) -> str:
        """Hash of the ticket's whole content, hexadecimal."""
        return content_hash(**self.values())

    def write(self, path: Path) -> None:
        """Write the file with its checksum; all of it or nothing."""
        values = self.values() | {"checksum": self.checksum}
        with replacing(path) as draft:
            draft.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_ticket(path: Path) -> Ticket:
    """Read what `Ticket.write` wrote.

    Raises:
        TicketError: there is no such file, it is no ticket, it has another format, or
            its content is not what was written.
    """
    try:
        values = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise TicketError(f"can't read a ticket from {path}: {error}") from error
    if not isinstance(values, dict) or not {"format", "scheme", "checksum"} <= set(values):
        raise TicketError(f"{path} holds no ticket; `run` writes them into its folder tickets/")
    if values["format"] not in (1, FORMAT):
        raise TicketError(
            f"{path} has ticket format {values['format']}; version {__version__} reads 1 to "
            f"{FORMAT}: use the version that wrote it, or make the ticket again"
        )
    written = values.pop("checksum")
    found = content_hash(**values)
    if found != written:
        raise TicketError(
            f"{path} was edited after it was written: expected checksum {written}, its content "
            f"has {found}; take the original file"
        )
    try:
        if values["format"] == 1:  # its costs were three and had no names
            costs = [asdict(CostRecord.read(cost)) for cost in values["costs"]]
            values |= {"format": FORMAT, "costs": costs}
        return Ticket(**values)
    except ValidationError as error:
        raise TicketError(f"{path} is damaged: {problem(error.errors())}") from error
    except (LookupError, TypeError) as error:
        raise TicketError(f"{path} is damaged: its costs have another form: {error!r}") from error

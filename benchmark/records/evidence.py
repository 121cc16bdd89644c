"""Stand-alone results as a file: what networks trained from scratch really reach."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchmark.basics.bounds import STAGE, problem, shown
from benchmark.basics.errors import StoreError, UsageError
from benchmark.basics.files import parse_json, read_text, replacing
from benchmark.records.run import FigureKind, StandaloneRecord

FORMAT = 1
_SCORES = ("validation_accuracy", "test_accuracy", "test_loss")
_OPTIONAL = ("failure", "best_epoch", "best_test_accuracy", "figures")
"""Columns that files of older versions lack."""
_FIELDS = ("bits", "seed", *_SCORES, "seconds", *_OPTIONAL)


@dataclass(frozen=True)
class Evidence:
    """Stand-alone trainings of one task and network, all by the same recipe.

    Attributes:
        training: identity of what the trainings have in common.
        settings: those settings by name, enough to train more of the same.
        blocks_per_stage: shape of a scheme.
        task: named properties of the task's splits, with their fingerprint.
        environment: command, versions, machine.
        records: one a scheme and seed, in that order.
        figures: in which the task's field reports; none where that is accuracy.
    """

    training: str
    settings: dict[str, Any]
    blocks_per_stage: tuple[int, ...]
    task: dict[str, Any]
    environment: dict[str, Any]
    records: tuple[StandaloneRecord, ...]
    figures: tuple[FigureKind, ...] = ()

    def write(self, path: Path) -> None:
        """Write JSON to ``path``, a line for each training; all of it or nothing."""
        head = {
            "format": FORMAT,
            "training": self.training,
            "settings": self.settings,
            "blocks per stage": list(self.blocks_per_stage),
            "task": self.task,
            "environment": self.environment,
            "figures": [asdict(kind) for kind in self.figures],
            "columns": list(_FIELDS),
        }
        rows = [json.dumps([asdict(record)[name] for name in _FIELDS]) for record in self.records]
        text = json.dumps(head, indent=1)[:-2] + ',\n "records": [\n  '
        with replacing(path) as draft:
            draft.write_text(text + ",\n  ".join(rows) + "\n ]\n}\n", encoding="utf-8")


def read_evidence(path: Path) -> Evidence:
    """Read what `Evidence.write` wrote.

    Raises:
        UsageError: there is no such file, or it is none of ours.
        StoreError: it is one of ours, but damaged or of a newer format.
    """
    try:
        values = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"can't read stand-alone results from {path}: {error}") from error
    if not isinstance(values, dict) or "training" not in values:
        raise UsageError(
            f"{path} holds no stand-alone results; make some with: python -m benchmark standalone"
        )
    if values.get("format") != FORMAT:
        raise StoreError(f"{path} has format {values.get('format')}, this version reads {FORMAT}")
    try:
        return _evidence(_File(**values))
    except ValidationError as error:
        raise StoreError(f"{path} is damaged ({problem(error.errors())}); make it again") from error
    except (TypeError, ValueError) as error:
        raise StoreError(f"{path} is damaged ({error}); make it again") from error


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int
    training: str = Field(min_length=1)
    settings: dict[str, Any]
    blocks_per_stage: tuple[Annotated[int, STAGE], ...] = Field(
        alias="blocks per stage", min_length=1
    )
    task: dict[str, Any]
    environment: dict[str, Any]
    figures: tuple[FigureKind, ...] = ()
    columns: tuple[str, ...]
    records: tuple[tuple[Any, ...], ...] = Field(min_length=1)


_RECORD = TypeAdapter(StandaloneRecord)


def _evidence(file: _File) -> Evidence:
    needed = set(_FIELDS) - set(_OPTIONAL)
    if lacking := [name for name in _FIELDS if name in needed - set(file.columns)]:
        raise ValueError(f"column {lacking[0]} is missing")
    for name, count in Counter(file.columns).items():
        if name not in _FIELDS or count > 1:
            raise ValueError(f"column {shown(name)} is {'there twice' if count > 1 else 'unknown'}")
    blocks = sum(file.blocks_per_stage)
    records = [_record(number, row, file.columns) for number, row in enumerate(file.records)]
    for record in records:
        if len(record.bits) != blocks or set(record.bits) - {"0", "1"}:
            raise ValueError(f"expected {blocks} bits, received {shown(record.bits)}")
    cells = Counter((record.bits, record.seed) for record in records)
    if twice := [cell for cell, count in cells.items() if count > 1]:
        raise ValueError(f"scheme {twice[0][0]} with seed {twice[0][1]} occurs twice")
    return Evidence(
        training=file.training,
        settings=file.settings,
        blocks_per_stage=file.blocks_per_stage,
        task=file.task,
        environment=file.environment,
        records=tuple(records),
        figures=file.figures,
    )


def _record(number: int, row: Sequence[Any], columns: Sequence[str]) -> StandaloneRecord:
    if len(row) != len(columns):
        raise ValueError(f"record {number}: expected {len(columns)} values, received {len(row)}")
    values = dict(zip(columns, row, strict=True))
    # Strict JSON has no NaN: other programs write null where a training failed.
    failed = {name: nan for name in _SCORES if values[name] is None}
    try:
        return _RECORD.validate_python(values | failed)
    except ValidationError as error:
        raise ValueError(f"record {number}: {problem(error.errors())}") from error

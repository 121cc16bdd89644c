"""Stand-alone results as a file: what networks trained from scratch really reach."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import StoreError, UsageError
from benchmark.files import parse_json, replacing
from benchmark.store.records import FigureKind, StandaloneRecord

FORMAT = 1
_NUMBERS = ("validation_accuracy", "test_accuracy", "test_loss", "seconds")
_OPTIONAL = ("failure", "best_epoch", "best_test_accuracy", "figures")
"""Columns that files of older versions lack."""
_FIELDS = ("bits", "seed", *_NUMBERS, *_OPTIONAL)


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
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"can't read stand-alone results from {path}: {error}") from error
    if not isinstance(values, dict) or "training" not in values:
        raise UsageError(
            f"{path} holds no stand-alone results; make some with: python -m benchmark standalone"
        )
    if values.get("format") != FORMAT:
        raise StoreError(f"{path} has format {values.get('format')}, this version reads {FORMAT}")
    try:
        return _evidence(values)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{path} is damaged ({error!r}); make it again") from error


def _evidence(values: dict[str, Any]) -> Evidence:
    blocks_per_stage = tuple(int(count) for count in values["blocks per stage"])
    columns = values["columns"]
    records = [_record(dict(zip(columns, row, strict=True))) for row in values["records"]]
    for record in records:
        if len(record.bits) != sum(blocks_per_stage) or set(record.bits) - {"0", "1"}:
            raise ValueError(f"expected {sum(blocks_per_stage)} bits, received {record.bits!r}")
    return Evidence(
        training=str(values["training"]),
        settings=dict(values["settings"]),
        blocks_per_stage=blocks_per_stage,
        task=dict(values["task"]),
        environment=dict(values["environment"]),
        records=tuple(records),
        figures=tuple(FigureKind(**kind) for kind in values.get("figures", ())),
    )


def _record(row: dict[str, Any]) -> StandaloneRecord:
    numbers: dict[str, Any] = {name: float(row[name]) for name in _NUMBERS}
    rest = {name: row[name] for name in _OPTIONAL if name in row}
    return StandaloneRecord(bits=str(row["bits"]), seed=int(row["seed"]), **numbers, **rest)

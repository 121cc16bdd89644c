"""Whole landscapes as files: what an oracle answers to every scheme, as Parquet."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64
from pyarrow import parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.basics.bounds import INCREMENT, LOSS, SCORE, STAGE, WIDE, Range, problem, shown
from benchmark.basics.errors import StoreError, UsageError
from benchmark.basics.files import parse_json, replacing
from benchmark.basics.identity import content_hash
from benchmark.records.schemes import bits_scheme, format_bits, scheme_bits

FORMAT = 1
_KEY = b"ticket-benchmark"
_COLUMNS = ("scheme", "accuracy", "loss", "parameters")
_MAKE = "python -m benchmark tabulate"
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_WORD = 62  # bits of a whole number in 64


@dataclass(frozen=True)
class Table:
    """Answers of one oracle, one row a scheme, in `benchmark.records.schemes.all_schemes`' order.

    Rows in another order are put into this one.

    Attributes:
        identity: of the oracle that gave them.
        blocks_per_stage: shape of a scheme.
        task: named properties of the task's splits.
        facts: named properties of the oracle.
        environment: command, versions, machine.
        schemes: one row an answer.
        accuracy: on the validation split, in [0, 1].
        loss: mean nats.
        parameters: effective parameters of the scheme's network.
        increments: of some schemes (bits), inference time relative to Original's, minus 1,
            on the machine that ``environment`` names.
    """

    identity: str
    blocks_per_stage: tuple[int, ...]
    task: dict[str, Any]
    facts: dict[str, Any]
    environment: dict[str, Any]
    schemes: Bool[np.ndarray, "n blocks"]
    accuracy: Float64[np.ndarray, " n"]
    loss: Float64[np.ndarray, " n"]
    parameters: Int64[np.ndarray, " n"]
    increments: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        packed = np.ascontiguousarray(np.packbits(self.schemes, axis=1))
        order = np.argsort(packed.view(f"S{packed.shape[1]}")[:, 0], kind="stable")
        if (np.diff(order) < 0).any():
            for name in ("schemes", "accuracy", "loss", "parameters"):
                object.__setattr__(self, name, getattr(self, name)[order])

    def require_complete(self) -> None:
        """Refuse a table that a search can't be sure to find its answers in.

        Raises:
            UsageError: it lacks schemes; how many, and what to do.
        """
        rows, blocks = self.schemes.shape
        low = self.schemes[:, -_WORD:]
        numbers = low @ (1 << np.arange(low.shape[1] - 1, -1, -1, dtype=np.int64))
        other = self.schemes[:, :-_WORD].any(axis=1) | (numbers != np.arange(rows))
        if not other.any() and blocks <= _WORD and rows == 2**blocks:
            return
        first = int(np.argmax(other)) if other.any() else rows
        missing = f"{2**blocks - rows:,}" if blocks <= _WORD else "nearly all"
        raise UsageError(
            f"the table lacks {missing} of 2^{blocks} schemes, "
            f"{format_bits(f'{first:0{blocks}b}', self.blocks_per_stage)} the first, and a search "
            f"may ask for any: add their rows, or score them all with: {_MAKE}"
        )

    def fingerprint(self) -> str:
        """Content hash of the oracle, the shape of schemes and every answer."""
        return content_hash(
            oracle=self.identity,
            blocks=self.blocks_per_stage,
            schemes=np.packbits(self.schemes).tolist(),
            answers=[self.accuracy.tolist(), self.loss.tolist()],
        )

    def write(self, path: Path) -> None:
        """Write the table to ``path``, all of it or nothing."""
        columns = {
            "scheme": [scheme_bits(scheme) for scheme in self.schemes],
            "accuracy": self.accuracy,
            "loss": self.loss,
            "connections": self.schemes.sum(axis=1),
            "parameters": self.parameters,
        }
        about = {
            "format": FORMAT,
            "identity": self.identity,
            "blocks per stage": list(self.blocks_per_stage),
            "task": self.task,
            "facts": self.facts,
            "environment": self.environment,
            "increments": self.increments,
        }
        table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(about)})
        with replacing(path) as draft:
            parquet.write_table(table, draft, write_page_checksum=True)


def read_table(path: Path) -> Table:
    """Read a table that `Table.write` wrote, whatever order its rows and columns have by now.

    Other programs may have saved it again, as long as they kept its metadata: narrower and
    wider numbers, dictionaries of texts and further columns are all the same table.

    Raises:
        UsageError: there is no such file, it is none of ours, or its metadata are lost.
        StoreError: it is one of ours, but damaged or of a newer format.
    """
    if not path.is_file():
        raise UsageError(f"there is no table {path}; make one with: {_MAKE}")
    try:
        # As one file: a data set's reader needs each column once, before its name can be said.
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            raw = file.read()
            # A schema's lack what was written beside a schema of the writer's own (polars).
            described = (file.metadata.metadata or {}).get(_KEY)
        about = None if described is None else parse_json(described.decode())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no table of answers ({error}); make one with: {_MAKE}"
        ) from error
    lacking = [name for name in _COLUMNS if name not in raw.column_names]
    if about is None and lacking:
        raise UsageError(
            f"{path} is no table of answers (it has no column {lacking[0]}); make one with: {_MAKE}"
        )
    if about is None:
        raise UsageError(
            f"{path} has a table's columns, but what tabulate wrote beside them (task, network, "
            "oracle) is lost: another program has saved it without its metadata; use the original"
        )
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        about = about if isinstance(about, dict) else {}
        raise StoreError(f"{path} has format {about.get('format')}, this version reads {FORMAT}")
    try:
        return _table(raw, _About(**about))
    except ValidationError as error:
        raise StoreError(f"{path} is damaged ({problem(error.errors())}); make it again") from error
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{path} is damaged ({error}); make it again") from error


class _About(BaseModel):
    """What is written beside the columns."""

    model_config = ConfigDict(extra="forbid")

    format: int
    identity: str = Field(min_length=1)
    blocks_per_stage: tuple[Annotated[int, STAGE], ...] = Field(
        alias="blocks per stage", min_length=1
    )
    task: dict[str, Any]
    facts: dict[str, Any]
    environment: dict[str, Any]
    increments: dict[str, Annotated[float, INCREMENT]] = {}


def _table(raw: Any, about: _About) -> Table:
    blocks = sum(about.blocks_per_stage)
    bits = _texts(raw, blocks)
    for text in (*bits, *about.increments):
        if len(text) != blocks or set(text) - {"0", "1"}:
            raise ValueError(f"scheme: expected {blocks} bits of 0 and 1, received {shown(text)}")
    if not bits:
        raise ValueError("it has no schemes")
    if twice := next((text for text, count in Counter(bits).items() if count > 1), None):
        raise ValueError(f"scheme: {shown(twice)} occurs twice")
    return Table(
        **about.model_dump(exclude={"format"}),
        schemes=np.array([bits_scheme(text) for text in bits], dtype=bool).reshape(-1, blocks),
        accuracy=_numbers(raw, "accuracy", SCORE),
        loss=_numbers(raw, "loss", LOSS),
        parameters=_numbers(raw, "parameters", WIDE),
    )


def _column(raw: Any, name: str) -> Any:
    """A column without gaps, its dictionary resolved."""
    found = [column for column in raw.column_names if column == name]
    if len(found) != 1:
        raise ValueError(f"expected one column {name}, received {len(found)}")
    column = raw[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        # A gap may be an answer that is no number, or none at all.
        raise ValueError(
            f"{name} has gaps ({column.null_count:,}): pandas and others write NaN as one; write "
            "NaN itself where a network failed"
        )
    return column


def _texts(raw: Any, blocks: int) -> list[str]:
    column = _column(raw, "scheme")
    if not any(is_text(column.type) for is_text in _TEXTS):
        raise ValueError(
            f"scheme: expected texts of {blocks} bits, received {column.type}: leading zeros are "
            "lost where such texts are taken for numbers"
        )
    texts: list[str] = column.to_pylist()
    return texts


def _numbers(raw: Any, name: str, allowed: Range) -> Any:
    column = _column(raw, name)
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if not any(is_number(column.type) for is_number in kinds):
        raise ValueError(f"{name}: expected numbers, received {column.type}")
    try:
        wanted = column.cast(pa.int64() if allowed.whole else pa.float64())
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name}: expected {allowed} in each row ({error})") from error
    # Not by `to_numpy`, which imports pandas.
    values = np.concatenate([np.from_dlpack(chunk) for chunk in wanted.chunks])
    there = values[~np.isnan(values)]
    extremes = [there.min(), there.max()] if len(there) else []
    for value in [*extremes, *values[np.isnan(values)][:1]]:
        if value.item() not in allowed:
            raise ValueError(f"{name}: expected {allowed}, received {value:g}")
    return values

"""Tables as Parquet: the numbers of the CSV files with their types, units and meanings."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmark.basics.files import replacing
from benchmark.records.run import Interval
from reports.tables.table import Column, Table, Value

_KEY = b"ticket-benchmark"
_ENDS = ("", "_low", "_high")


def write_parquet(table: Table, path: Path) -> None:
    """Write ``table``; intervals take three columns, what is missing is null.

    The schema's metadata hold title, caption, and unit and description of each column.
    """
    columns: dict[str, Any] = {}
    for number, column in enumerate(table.columns):
        values = [row[number] for row in table.rows]
        for end in _ENDS if column.interval else _ENDS[:1]:
            plain = [_plain(column, value, end) for value in values]
            kind = _type(plain)
            words = kind == pa.string()
            told = [str(v) if words and v is not None else v for v in plain]
            columns[column.key + end] = pa.array(told, kind)
    about = {
        "title": table.title,
        "caption": table.caption,
        "columns": {c.key: {"unit": c.unit, "meaning": c.description} for c in table.columns},
    }
    written = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(about)})
    with replacing(path) as draft:
        parquet.write_table(written, draft)


def _plain(column: Column, value: Value, end: str) -> str | float | int | bool | None:
    if isinstance(value, Interval):
        bound = {"": value.center, "_low": value.low, "_high": value.high}[end]
        return bound * column.scale if isfinite(bound) else None
    if end or value is None:
        return None
    if isinstance(value, float):
        return value * column.scale if isfinite(value) else None
    return value * column.scale if type(value) is int else value


def _type(values: list[str | float | int | bool | None]) -> Any:
    """The narrowest type that holds all; words where a column mixes them with numbers."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} and kinds:
        return pa.bool_()
    if kinds <= {int} and kinds:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} and kinds else pa.string()

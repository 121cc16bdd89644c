"""A tidy table and its renderers: one object, so that every output says the same."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from benchmark.records.run import Interval
from reports.tables.formats import MISSING, Number, bounds, p_value, plain, signed

Value = str | int | float | bool | Interval | None
Kind = Literal["text", "bits", "whole", "number", "signed", "p"]
_TEXT: frozenset[Kind] = frozenset({"text", "bits"})
_TRUTH = {True: "yes", False: "no"}
_MARKDOWN = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\|`*_#[]"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        key: name in CSV files; intervals add ``_low`` and ``_high``.
        name: heading for readers.
        description: one sentence: what, which split, averaged over what.
        unit: of its numbers, in every output alike; empty for words and counts.
        kind: how it is written; ``number`` and ``signed`` with ``digits`` digits.
        digits: after the decimal point.
        interval: whether its values are intervals.
        scale: what stored values are multiplied with to get the unit.
        timing: measured in seconds, so it differs from run to run.
        terminal: whether it is narrow and important enough for a terminal.
        optional: whether readers are spared it when it says nothing; CSV files keep it.
        filter: whether a page lets readers choose rows by its words.
    """

    key: str
    name: str
    description: str
    unit: str = ""
    kind: Kind = "text"
    digits: int = 2
    interval: bool = False
    scale: int = 1
    timing: bool = False
    terminal: bool = True
    optional: bool = False
    filter: bool = False

    @property
    def heading(self) -> str:
        """The heading of the column for readers: its name and unit, ``Time (ms)``."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def numeric(self) -> bool:
        """Whether it is aligned to the right."""
        return self.kind not in _TEXT

    def show(self, value: Value) -> str:
        """How a value of this column is written for readers; a dash where there is none."""
        if value is None or (isinstance(value, float) and not isfinite(value)):
            return MISSING
        if isinstance(value, bool):
            return _TRUTH[value]
        if isinstance(value, Interval):
            if not isfinite(value.center):
                return MISSING
            return f"{self._number(value.center)} {bounds(value, self._number)}"
        return value if isinstance(value, str) else self._number(value)

    def _number(self, value: Number) -> str:
        if self.kind == "p":
            return p_value(value)
        if self.kind == "whole":
            return f"{value * self.scale:,.0f}"
        return (signed if self.kind == "signed" else plain)(value * self.scale, self.digits)

    def order(self, value: Value) -> str:
        """What a page sorts by: a plain number, a word, or nothing."""
        if isinstance(value, Interval):
            return self._raw(value.center)
        return self._raw(value)

    def cells(self, value: Value) -> list[str]:
        """A value as CSV fields."""
        if not self.interval:
            return [self._raw(value)]
        if not isinstance(value, Interval):
            return ["", "", ""]
        return [self._raw(part) for part in (value.center, value.low, value.high)]

    def _raw(self, value: Value) -> str:
        if value is None or isinstance(value, Interval):
            return ""
        if isinstance(value, bool):
            return _TRUTH[value]
        if isinstance(value, float):
            return f"{value * self.scale:.10g}" if isfinite(value) else ""
        return str(value)


@dataclass(frozen=True)
class Table:
    """Rows under described columns.

    Attributes:
        name: of its file, without ending.
        title: its heading.
        caption: split, seeds, modes: what all numbers in it share.
        columns: in display order.
        rows: values in the order of the columns.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def shown(self) -> "Table":
        """The table without optional columns that hold nothing but gaps and counts of zero."""
        keep = [
            number
            for number, column in enumerate(self.columns)
            if not column.optional or any(_tells(row[number]) for row in self.rows)
        ]
        return replace(
            self,
            columns=tuple(self.columns[number] for number in keep),
            rows=tuple(tuple(row[number] for number in keep) for row in self.rows),
        )

    def first(self, most: int) -> "Table":
        """The first rows of a long table; the caption says where the others are."""
        if len(self.rows) <= most:
            return self
        caption = (
            f"{self.caption} The first {most:,} of {len(self.rows):,} rows; {self.name}.csv beside "
            "this page has all."
        )
        return replace(self, caption=caption, rows=self.rows[:most])

    def of(self, strategies: Collection[str]) -> "Table":
        """The rows of some strategies; everything where rows don't belong to strategies."""
        places = [n for n, column in enumerate(self.columns) if column.key == "strategy"]
        if not places:
            return self
        rows = tuple(row for row in self.rows if row[places[0]] in strategies)
        return replace(self, rows=rows)

    def records(self) -> list[Mapping[str, Value]]:
        """Rows as mappings from column keys: for notebooks and tests."""
        keys = [column.key for column in self.columns]
        return [dict(zip(keys, row, strict=True)) for row in self.rows]


def to_csv(table: Table) -> str:
    """RFC 4180 with line feeds; missing values and bounds that don't exist are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = ("", "_low", "_high")
    writer.writerow(
        column.key + end
        for column in table.columns
        for end in (ends if column.interval else ends[:1])
    )
    for row in table.rows:
        pairs = zip(table.columns, row, strict=True)
        writer.writerow(field for column, value in pairs for field in column.cells(value))
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """A pipe table under its title and caption."""
    table = table.shown()
    marks = ["--:" if column.numeric else "---" for column in table.columns]
    lines = [
        f"## {escape_markdown(table.title)}",
        "",
        escape_markdown(table.caption),
        "",
        _pipes([escape_markdown(column.heading) for column in table.columns]),
        _pipes(marks),
    ]
    for row in table.rows:
        pairs = zip(table.columns, row, strict=True)
        lines.append(_pipes([escape_markdown(column.show(value)) for column, value in pairs]))
    return "\n".join(lines) + "\n"


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no broken rows."""
    return " ".join(text.translate(_MARKDOWN).split())


def describe_columns(tables: list[Table]) -> str:
    """``COLUMNS.md``: every column of every CSV file."""
    parts = ["# Columns", ""]
    parts.append("Empty fields: not measured, or an interval that can't be computed.")
    for table in tables:
        parts += ["", f"## {table.name}.csv", "", escape_markdown(table.caption), ""]
        parts += [_pipes(["column", "unit", "meaning"]), _pipes(["---"] * 3)]
        for column in table.columns:
            parts.append(
                _pipes([f"`{column.key}`", column.unit or "", escape_markdown(column.description)])
            )
            if column.interval:
                ends = f"`{column.key}_low`, `{column.key}_high`"
                parts.append(_pipes([ends, column.unit or "", "bounds of its interval"]))
    return "\n".join(parts) + "\n"


def _tells(value: object) -> bool:
    # A count of zero says nothing; a measured 0.0 and a False do.
    return value not in (None, "") and not (type(value) is int and value == 0)

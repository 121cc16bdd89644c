"""Tidy tables in a terminal, whatever its width."""

from collections.abc import Iterator
from typing import final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.table import Table as RichTable
from rich.text import Text

from reports.tables.table import Column, Table, Value

_WIDEST_BITS = 24
"""Characters of a scheme that leave room for other columns."""
_FRAME = 3
"""Characters between two columns; one more closes the row."""


@final
class TerminalTable:
    """A table as rich draws it: the columns marked for terminals, as many as there is room for.

    Words and numbers are never broken. Columns that would make this necessary are left out,
    the last ones first, and named below the table; the first stays in any case. Names are
    text, never rich's markup. Schemes too long for a terminal are written as the paper's
    integers, one a stage, which every command reads as well.

    Args:
        table: what is shown.
    """

    def __init__(self, table: Table) -> None:
        self._table = table.shown()
        shown = [n for n, column in enumerate(self._table.columns) if column.terminal]
        self._columns = [self._table.columns[n] for n in shown]
        self._rows = [
            [_cell(self._table.columns[n], row[n]) for n in shown] for row in self._table.rows
        ]
        texts = [
            [column.heading, *(row[n] for row in self._rows)]
            for n, column in enumerate(self._columns)
        ]
        self._least = [max(map(_longest, column)) for column in texts]
        # Room that is left goes to values first, then to headings.
        self._wanted = [
            [max(map(cell_len, column[1:]), default=0) for column in texts],
            [cell_len(column.heading) for column in self._columns],
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RichTable]:
        widths = self._fitting(options.max_width)
        fitting = len(widths)
        caption = self._table.caption
        if left_out := [column.name for column in self._columns[fitting:]]:
            caption = f"{caption} No room for: {', '.join(left_out)}.".strip()
        drawn = RichTable(
            title=Text(self._table.title), caption=Text(caption), title_justify="left"
        )
        for column, width in zip(self._columns[:fitting], widths, strict=True):
            drawn.add_column(
                Text(column.heading),
                justify="right" if column.numeric else "left",
                width=width,
                overflow="fold",
            )
        for row in self._rows:
            drawn.add_row(*map(Text, row[:fitting]))
        yield drawn

    def _fitting(self, room: int) -> list[int]:
        """Widths of the columns that there is room for."""
        widths: list[int] = []
        left = room - 1
        for least in self._least:
            if least + _FRAME > left and widths:
                break
            widths.append(max(min(least, left - _FRAME), 1))
            left -= least + _FRAME
        for wanted in self._wanted:
            for number, width in enumerate(widths):
                more = max(min(left, wanted[number] - width), 0)
                widths[number] += more
                left -= more
        return widths


def _cell(column: Column, value: Value) -> str:
    text = column.show(value)
    if column.kind == "bits" and len(text) > _WIDEST_BITS:
        return ",".join(str(int(stage, 2)) for stage in text.split("|"))
    return text


def _longest(text: str) -> int:
    """Width of the longest part that isn't broken over lines."""
    return max(map(cell_len, text.split()), default=0)

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmark.records.run import Interval
from reports.tables.table import Column, Table, Value
from reports.tables.terminal import TerminalTable

NAME = Column("name", "Name", "what it is called")
COUNT = Column("count", "Count", "how many", kind="whole", optional=True)
GAP = Column("gap", "Gap", "to B", unit="points", kind="signed", scale=100, interval=True)
P = Column("p", "p", "chance", kind="p", terminal=False)
AFTER = Column("after", "Afterwards", "more")
ROW = ("a-strategy", 1, Interval(0.1, 0.05, 0.15), 0.5, "so on")


def written(*rows: tuple[Value, ...], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    table = Table("things", "Things", "All things.", (NAME, COUNT, GAP, P, AFTER), rows)
    console.print(TerminalTable(table))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_names_are_shown_as_they_are_and_wide_columns_left_out() -> None:
    text = written(("[red]x[/red]", 1, None, 0.5, ""), width=100)
    assert "[red]x[/red]" in text
    assert "chance" not in text
    assert "0.500" not in text


@pytest.mark.parametrize(
    # Longest words: a-strategy 10, Count 5, (points) 8, Afterwards 10; each with 3 of the frame,
    # which closes with 1 more.
    ("width", "left_out"),
    [
        (46, []),
        (45, ["Afterwards"]),
        (33, ["Afterwards"]),
        (32, ["Gap", "Afterwards"]),
        (22, ["Gap", "Afterwards"]),
        (21, ["Count", "Gap", "Afterwards"]),
    ],
)
def test_columns_without_room_are_left_out_and_named(width: int, left_out: list[str]) -> None:
    text = written(ROW, width=width)
    assert "a-strategy" in text
    assert ("so on" in text) is (left_out == [])
    caption = " ".join(text.split("All things.")[1].split())
    assert caption == (f"No room for: {', '.join(left_out)}." if left_out else "")


@given(st.integers(14, 120))
def test_no_word_is_broken_at_any_width(width: int) -> None:
    text = written(ROW, width=width)
    assert "a-strategy" in text
    assert ("[+5.00," in text) is ("+15.00]" in text) is ("Gap" in text.split("All")[0])
    assert max(map(len, text.splitlines())) <= width


def test_without_rows_the_headings_stand_alone() -> None:
    assert "Afterwards" in written(width=60)


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        ("1" * 24, "1" * 24),
        (f"{'0' * 16}101|{'0' * 4}11", "5,3"),  # 26 characters
    ],
)
def test_long_schemes_are_shown_as_the_papers_integers(bits: str, shown: str) -> None:
    schemes = Table("x", "X", "", (Column("scheme", "Scheme", "", kind="bits"),), ((bits,),))
    console = Console(file=io.StringIO(), width=60)
    console.print(TerminalTable(schemes))
    assert f" {shown} " in console.file.getvalue()  # type: ignore[attr-defined]

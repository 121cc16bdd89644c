import csv
import io
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.records.run import Interval
from reports.tables.table import (
    Column,
    Table,
    Value,
    describe_columns,
    escape_markdown,
    to_csv,
    to_markdown,
)

NAME = Column("name", "Name", "what it is called")
COUNT = Column("count", "Count", "how many", kind="whole", optional=True)
GAP = Column("gap", "Gap", "to B", unit="points", kind="signed", scale=100, interval=True)
P = Column("p", "p", "chance", kind="p", terminal=False)


def table(*rows: tuple[Value, ...]) -> Table:
    return Table("things", "Things", "All things", (NAME, COUNT, GAP, P), rows)


def test_values_are_written_for_readers() -> None:
    assert GAP.show(Interval(0.0031, -0.001, 0.0072)) == "+0.31 [−0.10, +0.72]"
    assert GAP.show(Interval(-0.00001, -inf, inf)) == "0.00 [no interval]"
    assert COUNT.show(1234567) == "1,234,567"
    assert (P.show(0.0004), P.show(0.25)) == ("< 0.001", "0.250")
    assert (NAME.show(None), P.show(nan), NAME.show(value=True)) == ("–", "–", "yes")


def test_csv_has_three_fields_an_interval_and_units_of_the_heading() -> None:
    text = to_csv(table(("a", 3, Interval(0.01, -0.02, 0.04), 0.5), ("b", None, None, nan)))
    assert text == "name,count,gap,gap_low,gap_high,p\na,3,1,-2,4,0.5\nb,,,,,\n"


def test_csv_leaves_bounds_that_don_t_exist_empty() -> None:
    assert to_csv(table(("a", 1, Interval(0.01, -inf, inf), 0.5))).endswith("a,1,1,,,0.5\n")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_csv_gives_back_any_text(name: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(table((name, 1, None, None))))))
    assert rows[1][0] == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_markdown_rows_hold_whatever_a_name_contains(name: str) -> None:
    escaped = escape_markdown(name)
    assert "\n" not in escaped
    assert "<" not in escaped
    assert escaped.replace("\\\\", "").replace("\\|", "").count("|") == 0


def test_markdown_is_a_pipe_table_without_optional_columns_that_say_nothing() -> None:
    lines = to_markdown(table(("a|b", 0, Interval(0.01, -0.02, 0.04), 0.5))).splitlines()
    assert lines[0] == "## Things"
    assert lines[4] == "| Name | Gap (points) | p |"
    assert lines[5] == "| --- | --: | --: |"
    assert lines[6] == "| a\\|b | +1.00 \\[−2.00, +4.00\\] | 0.500 |"


def test_columns_file_describes_every_field() -> None:
    text = describe_columns([table()])
    for field in ("`name`", "`count`", "`gap`", "`gap_low`, `gap_high`", "`p`"):
        assert field in text


def test_records_map_keys_to_values() -> None:
    assert table(("a", 1, None, 0.5)).records() == [
        {"name": "a", "count": 1, "gap": None, "p": 0.5}
    ]


def test_sorting_values_are_numbers_or_nothing() -> None:
    assert GAP.order(Interval(0.01, 0.0, 0.02)) == "1"
    assert GAP.order(None) == ""
    assert COUNT.order(1234) == "1234"


@pytest.mark.parametrize("value", [0.1 + 0.2, 1 / 3])
def test_csv_numbers_have_ten_digits(value: float) -> None:
    assert P.cells(value) == [f"{value:.10g}"]

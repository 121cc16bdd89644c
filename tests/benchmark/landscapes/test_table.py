import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmark.errors import StoreError, UsageError
from benchmark.landscapes.table import read_table
from tests.benchmark.tables import closed_form_table


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = closed_form_table()
    accuracy = table.accuracy.copy()
    accuracy[3] = np.nan  # an answer that failed
    table = replace(table, accuracy=accuracy)
    path = tmp_path / "new folder" / "table.parquet"
    table.write(path)
    read = read_table(path)
    for name in ("schemes", "accuracy", "loss", "parameters"):
        np.testing.assert_array_equal(getattr(read, name), getattr(table, name))
        assert getattr(read, name).dtype == getattr(table, name).dtype
    for name in ("identity", "blocks_per_stage", "task", "facts", "environment"):
        assert getattr(read, name) == getattr(table, name)
    assert [file.name for file in path.parent.iterdir()] == ["table.parquet"]


def test_any_parquet_reader_sees_plain_columns(tmp_path: Path) -> None:
    closed_form_table((1, 1)).write(tmp_path / "t")
    assert parquet.read_table(tmp_path / "t").to_pydict() == {
        "scheme": ["00", "01", "10", "11"],
        "accuracy": [0.5, 0.53, 0.47, 0.5],
        "loss": [0.5, 0.47, 0.53, 0.5],
        "connections": [0, 1, 1, 2],
        "parameters": [100, 101, 101, 102],
    }


def test_what_is_no_table_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no table .*absent.* benchmark tabulate"):
        read_table(tmp_path / "absent")
    (tmp_path / "text").write_text("not Parquet")
    with pytest.raises(UsageError, match=r"text is no table of answers"):
        read_table(tmp_path / "text")
    parquet.write_table(pa.table({"scheme": ["0"]}), tmp_path / "other")
    with pytest.raises(UsageError, match=r"other is no table of answers"):
        read_table(tmp_path / "other")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("scheme", ["00", "01", "10", "1"], "expected schemes of 2 bits, received '1'"),
        ("scheme", ["00", "01", "10", "1x"], "received '1x'"),
        ("scheme", ["00", "01", "10", "10"], "a scheme occurs twice"),
        ("loss", None, "loss"),
    ],
)
def test_damaged_tables_are_refused(
    tmp_path: Path, column: str, values: list[str] | None, message: str
) -> None:
    path = tmp_path / "t.parquet"
    closed_form_table((1, 1)).write(path)
    raw = parquet.read_table(path)
    at = raw.column_names.index(column)
    broken = raw.remove_column(at)
    if values is not None:
        broken = broken.add_column(at, column, pa.array(values))
    parquet.write_table(broken, path)
    with pytest.raises(StoreError, match=f"is damaged .*{message}"):
        read_table(path)


def test_newer_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    closed_form_table((1, 1)).write(path)
    raw = parquet.read_table(path)
    about = json.loads(raw.schema.metadata[b"ticket-benchmark"]) | {"format": 99}
    parquet.write_table(raw.replace_schema_metadata({b"ticket-benchmark": json.dumps(about)}), path)
    with pytest.raises(StoreError, match="has format 99, this version reads 1"):
        read_table(path)

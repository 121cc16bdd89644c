import json
from dataclasses import replace
from pathlib import Path
from typing import Any

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
        ("loss", [0.5, None, 0.5, 0.5], "loss has gaps"),
        ("parameters", [1, 2, None, 4], "parameters has gaps"),
        ("accuracy", [0.5, 0.6, 94.2, 0.5], r"accuracies in \[0, 1\], received 94.2"),
    ],
)
def test_damaged_tables_are_refused(
    tmp_path: Path, column: str, values: list[Any] | None, message: str
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


def test_a_table_without_schemes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    closed_form_table((1, 1)).write(path)
    parquet.write_table(parquet.read_table(path).slice(0, 0), path)
    with pytest.raises(StoreError, match=r"is damaged .*no schemes"):
        read_table(path)


def test_answers_changed_on_the_disk_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    closed_form_table((1, 1)).write(path)
    content = bytearray(path.read_bytes())
    page = parquet.ParquetFile(path).metadata.row_group(0).column(1)
    content[page.data_page_offset + page.total_compressed_size - 1] ^= 1  # an accuracy's last bit
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"is no table of answers .*checksum"):
        read_table(path)


def test_newer_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    closed_form_table((1, 1)).write(path)
    raw = parquet.read_table(path)
    about = json.loads(raw.schema.metadata[b"ticket-benchmark"]) | {"format": 99}
    parquet.write_table(raw.replace_schema_metadata({b"ticket-benchmark": json.dumps(about)}), path)
    with pytest.raises(StoreError, match="has format 99, this version reads 1"):
        read_table(path)

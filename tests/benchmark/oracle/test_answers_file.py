import json
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from benchmark.basics.errors import StoreError, UsageError
from benchmark.oracle.answers_file import read_table
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
        ("scheme", ["00", "01", "10", "1"], "scheme: expected 2 bits of 0 and 1, received .1."),
        ("scheme", ["00", "01", "10", "1x"], "received '1x'"),
        ("scheme", ["00", "01", "10", "10"], "scheme: .10. occurs twice"),
        ("loss", None, "loss"),
        ("loss", [0.5, None, 0.5, 0.5], "loss has gaps"),
        ("parameters", [1, 2, None, 4], "parameters has gaps"),
        ("accuracy", [0.5, 0.6, 94.2, 0.5], "accuracy: expected a number from 0 .*received 94.2"),
        ("accuracy", ["0.5", "0.6", "0.4", "1"], "accuracy: expected numbers, received string"),
        ("accuracy", [True, True, False, True], "accuracy: expected numbers, received bool"),
        ("accuracy", [0.5, 0.5, 0.5, float("inf")], "accuracy: expected a number .*received inf"),
        ("loss", [0.5, 0.5, 0.5, -0.1], "loss: expected a number from 0 on, received -0.1"),
        ("parameters", [1, 2, 3, -1], "parameters: expected a whole number .*received -1"),
        ("parameters", [1.0, 2.0, 3.0, 4.5], "parameters: expected a whole number"),
        ("parameters", [1.0, 2.0, 3.0, 1e30], "parameters: expected a whole number"),
        ("parameters", [1.0, 2.0, 3.0, float("nan")], "parameters: expected a whole number"),
        ("parameters", None, "expected one column parameters, received 0"),
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


def _saved(path: Path, raw: Any, **changes: Any) -> Path:
    """``raw`` with a table's metadata, some of them changed; None takes one out."""
    about = json.loads(raw.schema.metadata[b"ticket-benchmark"]) | changes
    kept = {name: value for name, value in about.items() if value is not None}
    metadata = {b"ticket-benchmark": json.dumps(kept)}
    parquet.write_table(raw.replace_schema_metadata(metadata), path)
    return path


@given(st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=25)
def test_rows_columns_and_types_may_be_others_and_the_table_is_the_same(
    random: Random, first: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        table = closed_form_table((first, 2))
        table.write(path)
        raw = parquet.read_table(path)
        metadata = raw.schema.metadata
        rows = list(range(len(raw)))
        random.shuffle(rows)
        names = [*raw.column_names, "note"]
        random.shuffle(names)
        raw = raw.take(rows).append_column("note", pa.nulls(len(raw))).select(names)
        kinds = {
            "scheme": [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())],
            "parameters": [pa.int16(), pa.int32(), pa.uint64(), pa.float64()],
            "connections": [pa.int8(), pa.string()],
        }
        for name, choices in kinds.items():
            raw = raw.set_column(
                raw.column_names.index(name), name, raw[name].cast(random.choice(choices))
            )
        _saved(path, raw.replace_schema_metadata(metadata))
        again = read_table(path)
        assert again.fingerprint() == table.fingerprint()
        assert np.array_equal(again.schemes, table.schemes)
        assert np.array_equal(again.parameters, table.parameters)
        # The same whether rows are shuffled in a file or in memory.
        parts = {name: getattr(table, name)[rows] for name in ("schemes", "accuracy", "loss")}
        other = replace(table, **parts, parameters=table.parameters[rows])
        assert other.fingerprint() == table.fingerprint()


def test_numbers_of_less_precision_are_other_answers(tmp_path: Path) -> None:
    table = closed_form_table((1, 1))
    table.write(tmp_path / "t")
    raw = parquet.read_table(tmp_path / "t")
    narrow = raw.set_column(1, "accuracy", raw["accuracy"].cast(pa.float32()))
    again = read_table(_saved(tmp_path / "t", narrow))
    assert again.accuracy.tolist() == table.accuracy.astype(np.float32).tolist()
    assert again.fingerprint() != table.fingerprint()


def test_a_column_that_is_there_twice_is_refused_in_a_line(tmp_path: Path) -> None:
    closed_form_table((1, 1)).write(tmp_path / "t")
    raw = parquet.read_table(tmp_path / "t")
    path = _saved(tmp_path / "t", raw.append_column("loss", raw["loss"]))
    with pytest.raises(StoreError, match=r"damaged \(expected one column loss, received 2\); make"):
        read_table(path)


@pytest.mark.parametrize("index", [False, True])
def test_a_table_through_pandas_has_lost_its_metadata_and_says_so(
    tmp_path: Path, *, index: bool
) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "t.parquet"
    table = closed_form_table((1, 1))
    table.write(path)
    metadata = parquet.read_schema(path).metadata
    frame = pandas.read_parquet(path)
    (frame.set_index("scheme") if index else frame).to_parquet(path)
    with pytest.raises(
        UsageError, match=r"has a table's columns, but what tabulate wrote .*is lost"
    ):
        read_table(path)
    raw = parquet.read_table(path)
    assert read_table(_saved(path, raw.replace_schema_metadata(metadata))) is not None
    frame["scheme"] = frame["scheme"].astype(int)  # as a CSV file is read
    frame.to_parquet(path)
    raw = parquet.read_table(path)
    with pytest.raises(StoreError, match=r"scheme: expected texts of 2 bits, received int64: lead"):
        read_table(_saved(path, raw.replace_schema_metadata(metadata)))


def test_metadata_beside_another_writers_schema_are_found(tmp_path: Path) -> None:
    """Polars writes them so: into the file, and not into the schema that pyarrow reads first."""
    path = tmp_path / "t.parquet"
    table = closed_form_table((1, 1))
    table.write(path)
    raw = parquet.read_table(path)
    with parquet.ParquetWriter(path, raw.schema.remove_metadata()) as writer:
        writer.write_table(raw.replace_schema_metadata(None))
        writer.add_key_value_metadata(raw.schema.metadata)
    assert b"ticket-benchmark" not in (parquet.read_schema(path).metadata or {})
    assert read_table(path).fingerprint() == table.fingerprint()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks per stage": [1, 0, 1]}, r"blocks per stage\.1: expected a whole number from 1"),
        ({"blocks per stage": [3, -1]}, r"blocks per stage\.1: expected a whole number from 1"),
        ({"blocks per stage": [True, 1]}, r"blocks per stage\.0: .* received True"),
        ({"blocks per stage": []}, "blocks per stage: "),
        ({"blocks per stage": None}, "blocks per stage is missing"),
        ({"identity": None}, "identity is missing"),
        ({"identity": ""}, "identity: "),
        ({"facts": None}, "facts is missing"),
        ({"facts": [["batch norm", "running"]]}, "facts: "),
        ({"task": "digits"}, "task: "),
        ({"increments": {"00": "NaN"}}, r"increments\.00: expected a number above -1 .*'NaN'"),
        ({"increments": {"0x": 1}}, "scheme: expected 2 bits of 0 and 1, received '0x'"),
        ({"increment": {}}, "increment is nothing that belongs there"),
    ],
)
def test_damaged_metadata_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    closed_form_table((1, 1)).write(tmp_path / "t")
    raw = parquet.read_table(tmp_path / "t")
    with pytest.raises(StoreError, match=f"is damaged .*{message}"):
        read_table(_saved(tmp_path / "t", raw, **changes))


def test_numbers_that_others_write_as_texts_or_floats_are_read(tmp_path: Path) -> None:
    closed_form_table((1, 1)).write(tmp_path / "t")
    raw = parquet.read_table(tmp_path / "t")
    changes = {"blocks per stage": [1.0, "1"], "increments": {"01": "0.5"}}
    read = read_table(_saved(tmp_path / "t", raw, **changes))
    assert read.blocks_per_stage == (1, 1)
    assert read.increments == {"01": 0.5}


def test_holes_are_counted_and_the_first_is_named() -> None:
    table = closed_form_table()
    table.require_complete()
    kept = np.flatnonzero(~np.isin(np.arange(128), [5, 77]))
    parts = ("schemes", "accuracy", "loss", "parameters")
    partial = replace(table, **{name: getattr(table, name)[kept] for name in parts})
    message = r"lacks 2 of 2\^7 schemes, 00\|001\|01 the first, and a search may ask for any: add"
    with pytest.raises(UsageError, match=message):
        partial.require_complete()
    prefix = replace(table, **{name: getattr(table, name)[:127] for name in parts})
    with pytest.raises(UsageError, match=r"lacks 1 of 2\^7 schemes, 11\|111\|11 the first"):
        prefix.require_complete()
    schemes = np.zeros((2, 80), dtype=bool)
    schemes[1, 0] = True  # beyond what 64 bits hold
    numbers = np.array([0.5, 0.5])
    deep = replace(
        table,
        blocks_per_stage=(40, 40),
        schemes=schemes[::-1],
        accuracy=numbers,
        loss=numbers,
        parameters=np.array([2, 1]),
    )
    assert deep.parameters.tolist() == [1, 2]
    with pytest.raises(UsageError, match=r"lacks nearly all of 2\^80 schemes, 0{40}\|0{39}1 the"):
        deep.require_complete()

import struct
import subprocess
import sys
import zlib
from io import BytesIO

import numpy as np
import pytest
from scipy.io import savemat

from tasks.matlab import read_struct, read_variable


def _written(*, compressed: bool) -> bytes:
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("children", "O")]
    rows = np.array([(3, "n01", "käse, x", [1, 2, 300]), (70_000, "n02", "", [])], dtype=fields)
    raw = BytesIO()
    content = {"other": np.eye(2), "synsets": rows.reshape(-1, 1)}
    savemat(raw, content, do_compression=compressed)
    return raw.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_struct_arrays_are_read_as_they_were_written(*, compressed: bool) -> None:
    first, second = read_struct(_written(compressed=compressed), "synsets", limit=10_000)
    assert (first["ILSVRC2012_ID"], first["WNID"], first["words"]) == (3, "n01", "käse, x")
    assert first["children"].tolist() == [1, 2, 300]
    assert (second["ILSVRC2012_ID"], second["words"], len(second["children"])) == (70_000, "", 0)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.array([[1e300, 2.0]]),
        np.array([[1, -(2**40)]]),
        np.empty((0, 2)),
        np.array([[True, False]]),
        np.array([[1.5]], dtype=np.float32),
    ],
    ids=["columns", "three axes", "large", "long", "empty", "logical", "single"],
)
def test_numbers_keep_shape_and_type(value: np.ndarray, *, compressed: bool) -> None:
    raw = BytesIO()
    savemat(raw, {"a": value}, do_compression=compressed)
    found = read_variable(raw.getvalue(), "a", limit=10_000)
    assert isinstance(found, np.ndarray)
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


def test_complex_numbers_are_refused_rather_than_halved() -> None:
    raw = BytesIO()
    savemat(raw, {"a": np.array([[1 + 2j]])})
    with pytest.raises(ValueError, match="complex numbers, expected real ones"):
        read_variable(raw.getvalue(), "a", limit=10_000)


@pytest.mark.parametrize("value", [300.0, -1.0, 0.5, np.nan])
def test_numbers_that_their_type_does_not_hold_are_refused(value: float) -> None:
    """Types may be stored in smaller ones, never the other way round."""
    raw = BytesIO()
    savemat(raw, {"a": np.array([[value]])})
    content = bytearray(raw.getvalue())
    assert content[144] == 6
    content[144] = 9  # it says uint8, and still stores a double
    with pytest.raises(ValueError, match="float64 that don't fit into uint8"):
        read_variable(bytes(content), "a", limit=10_000)


def test_cells_and_structs_nest() -> None:
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = {"x": {"y": "deep"}}, np.array([[7]])
    raw = BytesIO()
    savemat(raw, {"first": 1, "c": cell})
    cells = read_variable(raw.getvalue(), "c", limit=10_000)
    assert isinstance(cells, tuple)
    struct, number = cells
    assert struct == [{"x": [{"y": "deep"}]}]
    assert number.tolist() == [[7]]
    with pytest.raises(KeyError, match="first, c"):
        read_variable(raw.getvalue(), "d", limit=10_000)


@pytest.mark.hostile
def test_what_unfolds_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 100 bytes, or is cut off"):
        read_struct(_written(compressed=True), "synsets", limit=100)


def test_another_name_is_not_there() -> None:
    with pytest.raises(KeyError, match="other, synsets"):
        read_struct(_written(compressed=False), "classes", limit=10_000)


@pytest.mark.hostile
@pytest.mark.parametrize("compressed", [False, True])
def test_scipys_reader_is_not_needed(*, compressed: bool) -> None:
    # It is written in C, and crashed on a damaged file.
    reading = """
import sys
sys.modules["scipy"] = None  # an import of it raises
from tasks.matlab import read_struct
rows = read_struct(sys.stdin.buffer.read(), "synsets", limit=10_000)
print([row["WNID"] for row in rows])
"""
    read = subprocess.run(
        [sys.executable, "-c", reading],
        input=_written(compressed=compressed),
        capture_output=True,
        check=True,
    )
    assert read.stdout.decode().strip() == "['n01', 'n02']"


@pytest.mark.hostile
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_off_only_raises(*, compressed: bool) -> None:
    content = _written(compressed=compressed)
    for size in range(0, len(content), 7):
        with pytest.raises((ValueError, KeyError, IndexError, zlib.error)):
            read_struct(content[:size], "synsets", limit=10_000)


@pytest.mark.hostile
def test_rows_without_fields_are_no_more_than_the_file_is_long() -> None:
    raw = BytesIO()
    savemat(raw, {"s": np.zeros((1, 1), dtype=[("a", "O")])})
    content = bytearray(raw.getvalue())
    dims = content.index(b"\x05\x00\x00\x00\x08\x00\x00\x00", 128)
    content[dims + 8 : dims + 16] = struct.pack("<ii", 100, 100)
    names = content.index(b"\x01\x00\x00\x00", dims + 24)
    content[names : names + 8] = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    with pytest.raises(ValueError, match="10000 rows in"):
        read_variable(bytes(content), "s", limit=10_000)

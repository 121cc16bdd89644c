"""MATLAB's files, level 5: numbers, texts, cells and structs.

Format: MathWorks, "MAT-File Format". Read in Python, so that a damaged file can do
nothing but raise: SciPy's reader (1.17.1, in C) crashed on one.
"""

import zlib
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

Value = np.ndarray | str | tuple[Any, ...] | list[dict[str, Any]] | None
"""Numbers, a text, the cells of a cell array, the rows of a struct array; None for other kinds.

Numbers have the type that MATLAB gives them, logical ones are bool. Cells and rows come column by
column, as they are stored.
"""

_COMPRESSED, _MATRIX = 15, 14
_HEADER = 128
_STORED = {
    1: "<i1",
    2: "<u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
}
_TEXTS = {1: "latin1", 2: "latin1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_CELL, _STRUCT, _TEXT = 1, 2, 4
_LOGICAL, _COMPLEX = 2, 8
_ARRAYS = {
    6: np.float64,
    7: np.float32,
    8: np.int8,
    9: np.uint8,
    10: np.int16,
    11: np.uint16,
    12: np.int32,
    13: np.uint32,
    14: np.int64,
    15: np.uint64,
}


def read_variable(raw: bytes, name: str, *, limit: int) -> Value:
    """The variable called ``name``.

    Args:
        raw: the file.
        name: of the variable.
        limit: bytes that a compressed variable may unfold to.

    Raises:
        ValueError, IndexError, KeyError, zlib.error, RecursionError: the file is damaged or of
            another level; KeyError also where there is no such variable, with those there are.
    """
    names = []
    for found, value in _variables(raw, limit):
        if found == name:
            return value
        names.append(found)
    raise KeyError(", ".join(names) or "nothing")


def read_struct(raw: bytes, name: str, *, limit: int) -> list[dict[str, Any]]:
    """The rows of the struct array called ``name``, by field; single numbers as such.

    Arguments and errors as in `read_variable`; ValueError also where it is no struct array.
    """
    rows = read_variable(raw, name, limit=limit)
    if not isinstance(rows, list):
        raise ValueError(f"{name} is no struct")  # noqa: TRY004 - of the file, not of a caller
    return [{field: _plain(value) for field, value in row.items()} for row in rows]


def _plain(value: Value) -> Any:
    if isinstance(value, np.ndarray):
        return value.item() if value.size == 1 else value.reshape(-1, order="F")
    return value


def _variables(raw: bytes, limit: int) -> Iterator[tuple[str, Value]]:
    if raw[126:128] != b"IM":
        raise ValueError("expected a little-endian MATLAB file of level 5")
    if raw[125] != 1:
        raise ValueError(f"expected a MATLAB file of level 5, received version {raw[125]}")
    at = _HEADER
    while at < len(raw):
        kind, content, at = _element(raw, at)
        if kind == _COMPRESSED:
            unfolding = zlib.decompressobj()
            inside = unfolding.decompress(content, limit)
            if not unfolding.eof:
                raise ValueError(f"a variable has more than {limit:,} bytes, or is cut off")
            kind, content, _ = _element(inside, 0)
        if kind == _MATRIX:
            yield _variable(content)


def _element(raw: bytes, at: int) -> tuple[int, bytes, int]:
    """Kind and content of the element at ``at``, and where the next one is."""
    word, size = np.frombuffer(raw, "<u4", count=2, offset=at).tolist()
    start, padding = at + 8, 8
    if word >> 16:  # a small one: its content lies in what would be the size
        word, size, start = word & 0xFFFF, word >> 16, at + 4
        padding = 4
    if word == _COMPRESSED:
        padding = 1
    content = raw[start : start + size]
    if len(content) != size:
        raise ValueError("it is cut off")
    return word, content, start + -(-size // padding) * padding


def _variable(raw: bytes) -> tuple[str, Value]:
    """Name and value of a matrix."""
    _, flags, at = _element(raw, 0)
    _, sizes, at = _element(raw, at)
    _, name, at = _element(raw, at)
    shape = np.frombuffer(sizes, "<i4").tolist()
    kind, marks = flags[:2]
    if marks & _COMPLEX:
        raise ValueError("complex numbers, expected real ones")
    value = _value(kind, shape, raw, at)
    if marks & _LOGICAL and isinstance(value, np.ndarray):
        value = value.astype(bool)
    return name.decode("latin1"), value


def _value(kind: int, shape: list[int], raw: bytes, at: int) -> Value:
    if kind == _CELL:
        return _cells(raw, at, prod(shape))
    if kind == _STRUCT:
        return _rows(raw, at, prod(shape))
    if kind == _TEXT:
        encoding, content, _ = _element(raw, at)
        return content.decode(_known(_TEXTS, encoding))
    if kind in _ARRAYS:
        stored, content, _ = _element(raw, at)
        numbers = np.frombuffer(content, _known(_STORED, stored))
        with np.errstate(invalid="ignore"):
            meant = numbers.astype(_ARRAYS[kind])
        if meant.dtype.kind in "iu" and not np.array_equal(meant, numbers):
            raise ValueError(f"{numbers.dtype} that don't fit into {meant.dtype}")
        return meant.reshape(shape, order="F")
    return None


def _known(kinds: Mapping[int, str], kind: int) -> str:
    if kind not in kinds:
        raise ValueError(f"an element of type {kind}, expected one of {sorted(kinds)}")
    return kinds[kind]


def _cells(raw: bytes, at: int, count: int) -> tuple[Value, ...]:
    if not 0 <= count <= len(raw):
        raise ValueError(f"{count} cells in {len(raw)} bytes")
    cells = []
    for _ in range(count):
        _, content, at = _element(raw, at)
        cells.append(_variable(content)[1] if content else None)
    return tuple(cells)


def _rows(raw: bytes, at: int, count: int) -> list[dict[str, Any]]:
    _, length, at = _element(raw, at)
    _, packed, at = _element(raw, at)
    width = int.from_bytes(length, "little")
    if width < 1:
        raise ValueError("fields without names")
    names = [
        packed[start : start + width].partition(b"\0")[0].decode("latin1")
        for start in range(0, len(packed), width)
    ]
    if not 0 <= count * max(len(names), 1) <= len(raw):
        raise ValueError(f"{count} rows in {len(raw)} bytes")
    rows: list[dict[str, Any]] = []
    for _ in range(count):
        row = {}
        for name in names:
            _, content, at = _element(raw, at)
            row[name] = _variable(content)[1] if content else None
        rows.append(row)
    return rows

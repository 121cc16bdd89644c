"""MATLAB's files, level 5, as far as ImageNet's devkit uses them.

Format: MathWorks, "MAT-File Format". Read in Python, so that a damaged file can do
nothing but raise: scipy's reader, in C, crashed on one.
"""

import zlib
from math import prod
from typing import Any

import numpy as np

_COMPRESSED, _MATRIX = 15, 14
_HEADER = 128
_NUMBERS = {
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
_STRUCT, _TEXT = 2, 4
_ARRAYS = range(6, 16)


def read_struct(raw: bytes, name: str, *, limit: int) -> list[dict[str, Any]]:
    """The rows of the struct array called ``name``: numbers, texts and arrays by field.

    Args:
        raw: the file.
        name: of the variable.
        limit: bytes that a compressed variable may unfold to.

    Raises:
        ValueError, IndexError, KeyError, zlib.error, RecursionError: it is damaged, or has
            no such variable.
    """
    if raw[126:128] != b"IM":
        raise ValueError("expected a little-endian MATLAB file of level 5")
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
            found, value = _variable(content)
            if found == name and isinstance(value, list):
                return value
    raise KeyError(name)


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


def _variable(raw: bytes) -> tuple[str, Any]:
    """Name and value of a matrix; None for kinds that a devkit doesn't have."""
    _, flags, at = _element(raw, 0)
    _, sizes, at = _element(raw, at)
    _, name, at = _element(raw, at)
    kind = flags[0]
    if kind == _STRUCT:
        value: Any = _rows(raw, at, prod(np.frombuffer(sizes, "<i4").tolist()))
    elif kind == _TEXT:
        encoding, content, _ = _element(raw, at)
        value = content.decode(_TEXTS[encoding])
    elif kind in _ARRAYS:
        numbers, content, _ = _element(raw, at)
        array = np.frombuffer(content, _NUMBERS[numbers])
        value = array[0].item() if len(array) == 1 else array
    else:
        value = None
    return name.decode("latin1"), value


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
    if not 0 <= count * len(names) <= len(raw):
        raise ValueError(f"{count} rows in {len(raw)} bytes")
    rows: list[dict[str, Any]] = []
    for _ in range(count):
        row = {}
        for name in names:
            _, content, at = _element(raw, at)
            row[name] = _variable(content)[1] if content else None
        rows.append(row)
    return rows

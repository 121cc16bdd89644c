"""Sizes of memory as people write them."""

import re

from benchmark.basics.errors import UsageError

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def parse_size(text: str) -> int:
    """Bytes of a size such as ``2GiB``, ``512 MiB`` or ``1000000``.

    Raises:
        UsageError: it is no such size.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(B|[KMGT]iB)?", text.strip())
    size = float(match[1]) * _UNITS[match[2] or "B"] if match else 0
    if not 1 <= size < 2**63:
        raise UsageError(f"expected a size of memory such as 2GiB or 512MiB, received {text!r}")
    return int(size)


def shown_size(size: int) -> str:
    """A size as `parse_size` reads it, rounded up."""
    for unit in ("GiB", "MiB", "KiB"):
        if size >= _UNITS[unit]:
            return f"{-(-size * 10 // _UNITS[unit]) / 10:g}{unit}"
    return f"{size}B"

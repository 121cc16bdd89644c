"""A parser of files or texts that come from elsewhere, as a function of bytes.

Each raises nothing but the errors that say what is wrong with a file: whatever else
comes out of one, a hang or more memory than a file of that size deserves is a finding.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark.basics.errors import BenchmarkError
from strategies.base import StrategyError
from tasks.errors import DataError

EXPECTED = (BenchmarkError, DataError, StrategyError, sqlite3.Error)
"""What a parser may say of a file: all of them are one line on the command line."""


Place = Path
"""An empty folder that a parser may write to."""


@dataclass(frozen=True)
class Parser:
    """A parser and what it is tried on first.

    Attributes:
        name: of the kind of file.
        parse: reads bytes, in a folder of its own.
        seeds: makes small files that it reads well.
    """

    name: str
    parse: Callable[[bytes, Place], object]
    seeds: Callable[[Place], list[bytes]]

    def __call__(self, content: bytes, place: Place) -> None:
        """Read ``content``; errors that tell what is wrong with it are fine."""
        with suppress(*EXPECTED):
            self.parse(content, place)


def of_file(read: Callable[[Path], object], name: str = "file") -> Callable[[bytes, Place], object]:
    def parse(content: bytes, place: Place) -> object:
        path = place / name
        path.write_bytes(content)
        return read(path)

    return parse


def of_text(read: Callable[[str], object]) -> Callable[[bytes, Place], object]:
    return lambda content, _: read(content.decode("utf-8", "replace"))


def written(write: Callable[[Path], object]) -> Callable[[Place], list[bytes]]:
    def seeds(place: Place) -> list[bytes]:
        write(place / "seed")
        return [(place / "seed").read_bytes()]

    return seeds


def literal(*texts: str) -> Callable[[Place], list[bytes]]:
    return lambda _: [text.encode() for text in texts]

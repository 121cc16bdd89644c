"""Finished searches of a race, one line each, so that a race that was stopped goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float64

from benchmark.errors import StoreError
from benchmark.files import parse_json
from benchmark.identity import code_version, content_hash
from benchmark.store.records import RaceRecord

_CODE = (
    "benchmark.landscapes.known",
    "benchmark.landscapes.race",
    "benchmark.runner",
    "benchmark.schemes",
    "benchmark.seeding",
)
"""What a record depends on beside the strategy's own code."""


@final
class RaceJournal:
    """Records by everything that they depend on, in a file of JSON lines that only grows.

    A line that was cut short by a kill is passed over, and its search run again.

    Args:
        path: the file, made when it is first written to; None keeps records in memory.

    Raises:
        StoreError: the file holds something else.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, RaceRecord] = {}
        self._torn = False
        if path is not None and path.exists():
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise StoreError(f"{path} is no file of finished searches: {error}") from error
            self._torn = not text.endswith("\n")
            for line in text.splitlines():
                self._read(line)

    def get(self, key: Mapping[str, object]) -> RaceRecord | None:
        """The record of the search ``key`` (JSON values), if it is known."""
        return self._known.get(_digest(key))

    def add(self, key: Mapping[str, object], record: RaceRecord) -> None:
        """Keep a record. One that failed is run again next time."""
        if record.message:
            return
        digest = _digest(key)
        self._known[digest] = record
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"search": digest, **_plain(record)})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if self._torn else "") + line + "\n")
        self._torn = False

    def _read(self, line: str) -> None:
        try:
            values = parse_json(line)
        except ValueError:
            return
        try:
            digest = values.pop("search")
            self._known[digest] = _record(**values)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"{self._path} is no file of finished searches: {line}") from error


def _digest(key: Mapping[str, object]) -> str:
    return content_hash(key=key, code=code_version(*_CODE))


def _plain(record: RaceRecord) -> dict[str, object]:
    """A record as JSON values; of the regrets only where they change."""
    changes = np.flatnonzero(np.diff(record.regret, prepend=np.nan) != 0)
    return {
        "strategy": record.strategy,
        "landscape": record.landscape,
        "seed": record.seed,
        "seconds": record.seconds,
        "evaluations": len(record.regret),
        "regret": {int(place): float(record.regret[place]) for place in changes},
    }


def _record(
    *,
    strategy: str,
    landscape: str,
    seed: int,
    seconds: float,
    evaluations: int,
    regret: Mapping[str, float],
) -> RaceRecord:
    steps: Float64[np.ndarray, " evaluations"] = np.zeros(evaluations)
    for place, value in regret.items():
        steps[int(place) :] = value
    return RaceRecord(strategy, landscape, seed, steps, seconds)

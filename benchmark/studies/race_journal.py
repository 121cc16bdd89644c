"""Finished searches of a race, one line each, so that a race that was stopped goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, final

import numpy as np
from jaxtyping import Float64
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.basics.bounds import BUDGET, PASSED, PLACE, REGRET, SEED, problem, shown
from benchmark.basics.errors import StoreError
from benchmark.basics.files import parse_json
from benchmark.basics.identity import code_version, content_hash
from benchmark.records.run import RaceRecord

_CODE = ("benchmark.oracle.known", "benchmark.studies.race", "benchmark.search.runner")
"""Modules that a record depends on beside the strategy's own."""


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
                text = path.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise StoreError(f"{path} is no file of finished searches: {error}") from error
            self._torn = not text.endswith("\n")
            for line in text.splitlines():
                self._read(line)

    def get(self, key: Mapping[str, object]) -> RaceRecord | None:
        """The record of the search ``key`` (JSON values), if it is known.

        Raises:
            StoreError: what is kept under this key is another search's.
        """
        record = self._known.get(_digest(key))
        if record is not None:
            meant = {"landscape": record.landscape, "seed": record.seed}
            meant["budget"] = len(record.regret)
            for name, value in meant.items():
                if key.get(name, value) != value:
                    raise StoreError(
                        f"{self._path} is no file of finished searches: expected {name} "
                        f"{key[name]} of a search of {record.strategy}, received {value}"
                    )
        return record

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
            read = _Line.model_validate(values)
            record = read.record()
        except ValidationError as error:
            raise self._other(problem(error.errors()), line) from error
        except ValueError as error:
            raise self._other(error, line) from error
        known = self._known.setdefault(read.search, record)
        if not np.array_equal(known.regret, record.regret):
            raise self._other("the search is there twice, with other regrets", line)

    def _other(self, reason: object, line: str) -> StoreError:
        return StoreError(f"{self._path} is no file of finished searches ({reason}): {shown(line)}")


class _Line(BaseModel):
    """A record as it is written: of the regrets only where they change."""

    model_config = ConfigDict(extra="forbid")

    search: str
    strategy: str
    landscape: str
    seed: Annotated[int, SEED]
    seconds: Annotated[float, PASSED]
    evaluations: Annotated[int, BUDGET]
    regret: dict[Annotated[int, PLACE], Annotated[float, REGRET]]

    def record(self) -> RaceRecord:
        """The record; the order of its changes doesn't matter.

        Raises:
            ValueError: the regret isn't there from the first evaluation on, or beyond the last.
        """
        if 0 not in self.regret or max(self.regret) >= self.evaluations:
            raise ValueError(f"regret: expected places from 0 to {self.evaluations - 1}")
        steps: Float64[np.ndarray, " evaluations"] = np.zeros(self.evaluations)
        for place, value in sorted(self.regret.items()):
            steps[place:] = value
        return RaceRecord(self.strategy, self.landscape, self.seed, steps, self.seconds)


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

"""Searching a table: strategies compared on answers that are all known beforehand."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, final

from benchmark.basics.errors import UsageError
from benchmark.oracle.answers_file import read_table
from benchmark.oracle.base import Oracle
from benchmark.oracle.table import TableOracle
from benchmark.records.kinds import TABLE
from benchmark.studies.free_source import FreeSource


@final
class TableSource(FreeSource):
    """A run on the table that ``settings.oracle`` names; each process reads it for itself.

    Raises:
        UsageError: no such table, or one that lacks schemes.
        StoreError: a damaged table.
    """

    kind = TABLE
    code = ("benchmark.oracle.table", "benchmark.search.runner")

    def _read(self, oracle: str) -> tuple[int, ...]:
        self._path = oracle
        self._table = read_table(Path(oracle))
        self._table.require_complete()
        self._fingerprint = self._table.fingerprint()
        return self._table.blocks_per_stage

    @property
    def name(self) -> str:
        return "table"

    @property
    def task(self) -> dict[str, Any]:
        return self._table.task

    @property
    def environment(self) -> dict[str, Any]:
        return {f"table: {name}": value for name, value in self._table.environment.items()}

    def _content(self) -> dict[str, Any]:
        return {"table": self._fingerprint}

    def _oracle(self, seed: int) -> Callable[[], Oracle]:
        del seed  # there is one
        return partial(_opened, self._path, self._fingerprint)

    def _facts(self, seed: int) -> Mapping[str, Any]:
        del seed
        return self._table.facts | {"landscape": "read from a table"}


@lru_cache(maxsize=1)
def _opened(path: str, fingerprint: str) -> TableOracle:
    """The oracle of the table in the file, if it is still the one with this fingerprint."""
    table = read_table(Path(path))
    if (found := table.fingerprint()) != fingerprint:
        raise UsageError(
            f"{path} has changed since the run began: expected the table {fingerprint}, received "
            f"{found}; put it back, or search the new one in another folder (--out)"
        )
    return TableOracle(table)

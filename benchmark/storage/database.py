"""SQLite that says what is wrong with which file, and what to do about it."""

import sqlite3
from pathlib import Path
from typing import Any

from benchmark.basics.errors import StoreError, UsageError

_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_FSYNC"}
_CLOSED = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY_DIRECTORY"}

BUSY_TIMEOUT = 60.0
"""Seconds for which a connection waits while others write."""


class Database(sqlite3.Connection):
    """A connection that says what is wrong with which file, and what to do about it."""

    file = Path(":memory:")

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """See `sqlite3.Connection`.

        Raises:
            UsageError: the disk is full, or the file can't be written.
            StoreError: everything else.
        """
        try:
            return super().execute(*arguments)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes what it can't read
            raise _explained(self.file, error) from error

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Run a statement once for each row of parameters; raises what `execute` raises."""
        try:
            return super().executemany(*arguments)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes what it can't read
            raise _explained(self.file, error) from error


def _explained(path: Path, error: Exception) -> StoreError | UsageError:
    kind = getattr(error, "sqlite_errorname", "")
    if kind in _FULL:
        return UsageError(
            f"can't write {path}: {error} (is the disk full?); what was written before is kept: "
            "make room and give the same command again"
        )
    if kind in _CLOSED:
        return UsageError(f"can't write {path}: {error}; give it to a user who may, or copy it")
    if kind == "SQLITE_BUSY":
        return UsageError(f"another process has been writing {path} for a minute: wait for it")
    if kind.startswith("SQLITE_CORRUPT"):
        return damaged_store(path, str(error))
    return StoreError(f"{path} can't be used as a store: {error}")


def damaged_store(path: Path, reason: str) -> StoreError:
    """The error for a store whose content can't be believed."""
    return StoreError(
        f"{path} is damaged ({reason}), so nothing in it is believed: move it away and give the "
        "same command again, which makes anew what it held"
    )


def connected(path: Path, *, read_only: bool = False, named: Path | None = None) -> Database:
    """A connection that commits each statement, unless somebody begins a transaction.

    Args:
        path: the file, or ``:memory:``.
        read_only: change nothing.
        named: the file that errors speak of, where ``path`` is its copy.

    Raises:
        UsageError: it can't be written.
        StoreError: it can't be opened.
    """
    named = path if named is None else named
    where = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
    try:
        found = sqlite3.connect(
            where, timeout=BUSY_TIMEOUT, isolation_level=None, factory=Database, uri=read_only
        )
    except sqlite3.Error as error:
        raise _explained(named, error) from error
    found.file = named
    found.execute("PRAGMA trusted_schema = OFF")  # a file may bring views of its own
    return found

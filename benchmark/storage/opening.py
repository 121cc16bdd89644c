"""Opening a store: made, checked for damage and brought to today's schema; or only looked at."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from benchmark.basics.errors import BenchmarkWarning, StoreError, UsageError
from benchmark.storage.database import BUSY_TIMEOUT, Database, connected, damaged_store
from benchmark.storage.filesystems import file_system, on_network
from benchmark.storage.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION

_AGAIN = 0.02  # seconds between tries


@contextmanager
def whole(db: Database) -> Iterator[None]:
    """Everything written inside becomes visible and durable together, or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk ends it by itself
            db.execute("ROLLBACK")
        raise


def opened(path: Path, *, named: Path | None = None) -> Database:
    """The store at ``path`` for writing, made when it doesn't exist.

    Args:
        path: the SQLite file, or ``:memory:``.
        named: the file that errors speak of, where ``path`` is its copy.

    Raises:
        StoreError: the file is no store, is damaged, or was written by another schema.
        UsageError: it can't be written.
    """
    named = path if named is None else named
    db = connected(path, named=named)
    try:
        _set_journal(db, _journal(path))
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _check(db, named)
        with whole(db):
            _update(db, named)
    except BaseException:
        db.close()
        raise
    return db


def looked_at(path: Path) -> tuple[Database, TemporaryDirectory[str] | None]:
    """A store that others may be writing, or a copy of what it holds now.

    Returns:
        the connection, and the folder of the copy where one was needed: the store's folder
        can't be written, or its schema is an older one.

    Raises:
        StoreError: see `opened`.
    """
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        db = connected(path, read_only=True)
        try:
            if _version(db) == SCHEMA_VERSION:
                _check(db, path)
                return db, None
        except BaseException:
            db.close()
            raise
        db.close()
    folder = TemporaryDirectory(prefix="ticket-benchmark-")
    try:
        copied = Path(folder.name) / path.name
        for suffix in ("", "-wal"):  # what a killed process left is in the second
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{copied}{suffix}")
        return opened(copied, named=path), folder
    except BaseException:
        folder.cleanup()
        raise


def _set_journal(db: Database, mode: str) -> None:
    # Where two processes make one store, SQLite refuses this at once instead of waiting.
    last = monotonic() + BUSY_TIMEOUT
    while True:
        try:
            db.execute(f"PRAGMA journal_mode = {mode}")
        except UsageError as error:
            cause = getattr(error.__cause__, "sqlite_errorname", "")
            if cause != "SQLITE_BUSY" or monotonic() > last:
                raise
            sleep(_AGAIN)
        else:
            return


def _version(db: Database) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _journal(path: Path) -> str:
    if str(path) == ":memory:" or not on_network(path):
        return "WAL"
    warnings.warn(
        f"{path} lies on a network file system ({file_system(path)}): it is written without WAL, "
        "which is slower; let one machine at a time use it, or choose a local disk",
        BenchmarkWarning,
        stacklevel=4,  # whoever makes a `Store`
    )
    return "DELETE"


def _check(db: Database, path: Path) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged_store(path, " ".join(str(found).split()))


def _update(db: Database, path: Path) -> None:
    version = _version(db)
    if version == 0:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0:
            raise StoreError(f"{path} is a database, but none of ours")
        _change(db, SCHEMA, SCHEMA_VERSION)
    elif not 0 < version <= SCHEMA_VERSION:
        raise StoreError(f"{path} has schema {version}, this version reads {SCHEMA_VERSION}")
    for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
        _change(db, MIGRATIONS[older], older + 1)


def _change(db: Database, statements: str, version: int) -> None:
    for statement in statements.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {version}")

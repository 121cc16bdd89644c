"""Looking into a SQLite file that somebody else may be writing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can't write; in WAL mode nobody waits for it, nor it for anybody.

    Where nobody has such a file open (it has no write-ahead log) it is read as it is, so
    that no log is left behind and media that can't be written to can be read.

    Args:
        path: an existing SQLite file.
    """
    alone = _in_wal_mode(path) and not path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro&immutable=1" if alone else "mode=ro"
    address = f"file:{quote(str(path.resolve()))}?{how}"
    with closing(sqlite3.connect(address, uri=True, timeout=60, isolation_level=None)) as db:
        yield db


def _in_wal_mode(path: Path) -> bool:
    """Whether the header's read and write versions are those of a write-ahead log.

    They are bytes 18 and 19, see "Database File Format" of SQLite.
    """
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"

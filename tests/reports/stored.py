"""A default run as an earlier version left it: `run --strategies ean,ga,enas`, then `gradcam`."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmark.records.run import RunRecords
from benchmark.storage.folder import read_records
from benchmark.storage.store import Store

_FILE = Path(__file__).with_name("digits.sqlite.gz")


def unpack(folder: Path) -> Path:
    """The run's store in ``folder``."""
    path = folder / "run.sqlite"
    path.write_bytes(gzip.decompress(_FILE.read_bytes()))
    return path


def make_older(path: Path) -> None:
    """Turn a store into what the first schema would have held."""
    with closing(sqlite3.connect(path)) as raw:
        for column in ("failure", "best_epoch", "best_test_accuracy", "figures"):
            raw.execute(f"ALTER TABLE standalone DROP COLUMN {column}")
        raw.execute("DROP TABLE queries")
        raw.execute("ALTER TABLE journal DROP COLUMN fidelity")
        raw.execute("DELETE FROM facts WHERE key IN ('answers', 'outside', 'gradcam')")
        raw.execute("PRAGMA user_version = 1")
        raw.commit()


def read(path: Path) -> RunRecords:
    """What reports are made from."""
    with closing(Store(path)) as store:
        return read_records(store)

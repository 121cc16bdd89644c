"""Files that are there whole or not at all, and what others may have written into them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft beside ``path``, whose folder is made if need be, to write to.

    When the context is left the draft takes the place of ``path``: whoever looks sees
    the old file or the new one. After an exception the old one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        _flush(draft)
        draft.replace(path)
        if os.name == "posix":
            _flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have what was written, or the names in a folder, survive a loss of power."""
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parse_json(text: str) -> Any:
    """The value that ``text`` holds.

    Raises:
        ValueError: it is no JSON, nested too deeply, or holds text that no file can.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is refused
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value

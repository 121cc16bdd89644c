"""Files that are there whole or not at all, and what others may have written into them."""

import codecs
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.basics.errors import UsageError


def require_writable(path: Path, *, option: str) -> None:
    """Look whether a file or a folder can be at ``path``; makes nothing.

    Args:
        path: where it shall be; folders above it may be missing.
        option: what chooses another place, for the message.

    Raises:
        UsageError: a file stands where a folder must be, or who runs this may not write there.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # what lies above it says more
    except OSError as error:  # too long a name, or links that go round
        raise _unusable(path, error.strerror or str(error), option) from error
    there = next(place for place in (path, *path.absolute().parents) if os.path.exists(place))  # noqa: PTH110 - `Path.exists` raises where a folder is closed
    if there != path and not there.is_dir():
        raise _unusable(path, f"{there} is no folder", option)
    if not os.access(there, os.W_OK):
        raise _unusable(path, f"{there} can't be written", option)


def made_folder(path: Path, *, option: str) -> Path:
    """The folder ``path``, made with those above it where it is missing.

    Raises:
        UsageError: it can't be; the message names ``option``, which chooses another place.
    """
    require_writable(path, option=option)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error), option) from error
    return path


def _unusable(path: Path, reason: str, option: str) -> UsageError:
    return UsageError(f"can't write to {path} ({reason}): choose another place with {option}")


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


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write UTF-8 files by name into ``folder``, made if need be, each whole or not at all.

    Files of these names are replaced; nothing else in the folder is touched.

    Returns:
        Their paths, in the order of ``texts``.
    """
    for name, text in texts.items():
        with replacing(folder / name) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in texts]


def _flush(path: Path) -> None:
    """Have what was written, or the names in a folder, survive a loss of power."""
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_text(path: Path) -> str:
    """The text of a file that people may have written with any editor.

    UTF-8, or UTF-16 with a byte order mark as Windows PowerShell writes it; marks are left out,
    and lines end in newlines.

    Raises:
        OSError: it can't be read.
        ValueError: it is no such text.
    """
    raw = path.read_bytes()
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = raw.decode("utf-16" if wide else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_json(text: str) -> Any:
    """The value that ``text`` holds.

    Raises:
        ValueError: it is no JSON, nested too deeply, names something twice, or holds text that
            no file can.
    """
    try:
        value = json.loads(text, object_pairs_hook=_named_once)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is refused
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(
            name for name, count in Counter(name for name, _ in pairs).items() if count > 1
        )
        raise ValueError(f"{twice!r} is there twice")
    return found

"""Folders and lists as people's systems leave them: what in them is data, and what is litter."""

import codecs
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tasks.errors import DataError

_LITTER = {
    *("__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "lost+found"),  # network disks
}
"""Files and folders that systems leave behind, in small letters."""


def is_data(path: str) -> bool:
    """Whether no part of a path is hidden (``.git``, ``._x`` beside ``x``) or a system's own.

    Args:
        path: of a file, or of a member of an archive.
    """
    return not any(
        (part.startswith(".") and part != "..") or part.lower() in _LITTER
        for part in PurePosixPath(path).parts
    )


def names(folder: Path, *suffixes: str) -> list[str]:
    """Names of the data in a folder, sorted; none where there is no folder. See `is_data`.

    Args:
        folder: to be listed.
        suffixes: in small letters; names end with one of them, whatever their case. None: all.

    Raises:
        DataError: it can't be listed.
    """
    try:
        found = _visible(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"can't list the folder {folder}: {error.strerror or error}") from error
    return [name for name in found if not suffixes or name.lower().endswith(suffixes)]


def _visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if is_data(path.name))


def expanded(path: Path) -> Path:
    """A path that ``--data`` names, with a home for ``~``.

    Raises:
        DataError: there is no such home.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise DataError(f"--data {path}: {error}; write the path out") from error


def data_folder(path: str, holds: str) -> Path:
    """The folder that ``--data`` names.

    Args:
        path: of the folder.
        holds: what it should hold, in words.

    Raises:
        DataError: there is no such folder, it can't be read, or nothing lies in it.
    """
    folder = Path(path)
    try:
        if _visible(folder):
            return folder
        problem = "it is empty"
    except OSError as error:
        problem = error.strerror or str(error)
    raise DataError(f"--data {path}: {problem}; give the folder that holds {holds}")


def text_of(raw: bytes) -> str:
    """A list as any editor saves it: UTF-8, or UTF-16 with its mark; a mark is no content.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return raw.decode("utf-16" if marked else "utf-8-sig")


def keep(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file into a cache folder, whole or not at all.

    Args:
        path: of the file.
        write: is given the open draft that takes its place.

    Raises:
        DataError: the folder can't be made or written to.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            write(file)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise DataError(
            f"can't keep {path} ({error.strerror or error}): free space, or name another folder "
            "with --cache"
        ) from error

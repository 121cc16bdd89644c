"""Data sets that a task writes itself, once, and reads like anybody's files."""

import shutil
import tempfile
import weakref
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from scipy.io import savemat

from tasks.base import Task
from tasks.errors import DataError

_HEADER = b"MATLAB 5.0 MAT-file".ljust(116)


def matlab_file(name: str, value: np.ndarray, *, compressed: bool = False) -> bytes:
    """A MATLAB file of version 5 with one variable, the same bytes each time."""
    raw = BytesIO()
    savemat(raw, {name: value}, do_compression=compressed)
    return _HEADER + raw.getvalue()[len(_HEADER) :]  # scipy's own names the time


def written(write: Callable[[Path], None], name: str, cache: str | None) -> Path:
    """The folder ``name`` under ``cache``, written unless it is there already.

    Several processes may want it at the same time: each writes its own draft, and
    the first to be complete becomes the folder.

    Args:
        write: fills an empty folder; the same files each time.
        name: tells contents apart (task, seed, version).
        cache: where it is kept; None makes a temporary folder: see `forget_with`.

    Raises:
        DataError: it can't be written.
    """
    try:
        if cache is None:
            draft = Path(tempfile.mkdtemp(prefix=f"{name}-"))
            write(draft)
            return draft
        return _kept(write, name, Path(cache) / "data")
    except OSError as error:
        raise DataError(
            f"can't write the data of {name} ({error}): free space, or name another cache folder "
            "in $TICKET_BENCHMARK_CACHE"
        ) from error


def _kept(write: Callable[[Path], None], name: str, parent: Path) -> Path:
    folder = parent / name
    if not folder.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        try:
            write(draft)
            draft.chmod(0o755)  # temporary folders are their owner's alone, caches may be shared
            draft.replace(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def forget_with(task: Task, folder: Path) -> None:
    """Remove a temporary ``folder`` when ``task`` is gone, or at the end of the process."""
    weakref.finalize(task, shutil.rmtree, folder, ignore_errors=True)

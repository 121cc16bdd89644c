"""Data sets that a task writes itself, once, and reads like anybody's files."""

import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

from tasks.base import Task


def written(write: Callable[[Path], None], name: str, cache: str | None) -> Path:
    """The folder ``name`` under ``cache``, written unless it is there already.

    Several processes may want it at the same time: each writes its own draft, and
    the first to be complete becomes the folder.

    Args:
        write: fills an empty folder; the same files each time.
        name: tells contents apart (task, seed, version).
        cache: where it is kept; None makes a temporary folder: see `forget_with`.
    """
    if cache is None:
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        write(draft)
        return draft
    folder = Path(cache) / "data" / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder.parent))
        try:
            write(draft)
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

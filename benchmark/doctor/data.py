"""A task's files, looked at as a run would."""

from pathlib import Path

from benchmark.doctor.findings import Finding
from tasks.base import TaskSpec
from tasks.errors import DataError
from tasks.folders import expanded
from tasks.registry import load_task


def data(task: str, path: Path | None, cache: Path) -> Finding:
    """Whether ``task`` can be made from the files in ``path``."""
    about = f"task {task}"
    try:
        place = None if path is None else str(expanded(path))
        facts = load_task(TaskSpec(task, data=place, cache=str(cache))).facts()
    except (DataError, OSError, ValueError) as error:
        return Finding(about, "problem", str(error))
    return Finding(about, "ok", ", ".join(f"{name} {value}" for name, value in facts.items()))

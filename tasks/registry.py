"""Tasks by name, imported only when they are used."""

from importlib import import_module

from tasks.base import Task

TASKS: dict[str, str] = {"digits": "tasks.digits:Digits"}
"""Module and class of every task."""


def task_class(name: str) -> type[Task]:
    """The class that ``TASKS`` lists under ``name``.

    Raises:
        KeyError: no task has this name.
    """
    module, _, attribute = TASKS[name].partition(":")
    loaded: type[Task] = getattr(import_module(module), attribute)
    assert issubclass(loaded, Task)
    return loaded


def load_task(name: str, *, seed: int) -> Task:
    """Make the task ``name``, its splits fixed by ``seed``."""
    return task_class(name)(seed)

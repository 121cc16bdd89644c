"""Tasks by name, imported only when they are used."""

from functools import lru_cache
from importlib import import_module

from tasks.base import NamedTask, Task, TaskSpec
from tasks.errors import DataError
from tasks.limited import Limited

TASKS: dict[str, str] = {
    "digits": "tasks.digits:Digits",
    "cifar100": "tasks.cifar100:Cifar100",
    "imagenet": "tasks.imagenet.task:ImageNet",
    "shanghaitech-a": "tasks.crowd.shanghaitech:ShanghaiTechA",
    "shanghaitech-b": "tasks.crowd.shanghaitech:ShanghaiTechB",
    "digits-crowd": "tasks.crowd.digits:DigitsCrowd",
    "voc2012": "tasks.voc.voc2012:Voc2012",
    "digits-voc": "tasks.voc.digits_voc:DigitsVoc",
}
"""Module and class of every task."""


def task_class(name: str) -> type[NamedTask]:
    """The class that ``TASKS`` lists under ``name``.

    Raises:
        KeyError: no task has this name.
    """
    module, _, attribute = TASKS[name].partition(":")
    loaded: type[NamedTask] = getattr(import_module(module), attribute)
    assert issubclass(loaded, NamedTask)
    return loaded


def _checked(spec: TaskSpec) -> type[NamedTask]:
    known = task_class(spec.name)
    for name, value in spec.options:
        if name not in known.options:
            offered = ", ".join(known.options) or "none"
            raise DataError(f"task {spec.name} has no option {name!r} (there are: {offered})")
        if value not in known.options[name]:
            choices = ", ".join(known.options[name])
            raise DataError(f"{name}: expected one of {choices}; received {value!r}")
    return known


def outlined(spec: TaskSpec) -> type[NamedTask]:
    """The task's class with what the options of ``spec`` change, for plans made without its data.

    Raises:
        DataError: an option that the task doesn't have.
    """
    return _checked(spec).under(spec)


@lru_cache(maxsize=2)
def load_task(spec: TaskSpec) -> Task:
    """Make the task that ``spec`` describes; once in a process, since data may be large.

    Raises:
        DataError: an option that the task doesn't have, or data that can't be read or used.
    """
    known = _checked(spec)
    if spec.data is not None and not known.reads:
        raise DataError(f"task {spec.name} comes with its data: leave out --data {spec.data}")
    try:
        task = known.load(spec)
    except OSError as error:
        if spec.data is None:
            raise
        where = error.filename or spec.data
        raise DataError(f"can't read {where}: {error.strerror or error}; check --data") from error
    return task if spec.rows is None else Limited(task, spec.rows)

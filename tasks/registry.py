"""Tasks by name, imported only when they are used."""

import ast
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import DataError

if TYPE_CHECKING:
    from tasks.base import NamedTask, Task, TaskSpec

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


def task_class(name: str) -> "type[NamedTask]":
    """The class that ``TASKS`` lists under ``name``.

    Raises:
        KeyError: no task has this name.
    """
    from tasks.base import NamedTask  # noqa: PLC0415 - naming tasks needs no torch

    module, _, attribute = TASKS[name].partition(":")
    loaded: type[NamedTask] = getattr(import_module(module), attribute)
    assert issubclass(loaded, NamedTask)
    return loaded


def stated(name: str, attribute: str) -> str:
    """A text that the class of a task states, read from its source: to import it needs torch.

    Args:
        name: of the task.
        attribute: of the class or of one that it builds on in the same file.
    """
    module, _, kind = TASKS[name].partition(":")
    spec = None if module in sys.modules else find_spec(module)
    if spec is None or spec.origin is None:
        return str(getattr(task_class(name), attribute))
    tree = ast.parse(Path(spec.origin).read_bytes())
    classes = {part.name: part for part in tree.body if isinstance(part, ast.ClassDef)}
    while kind in classes:
        for part in classes[kind].body:
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == attribute:
                return str(ast.literal_eval(part.value))
        kind = next(map(ast.unparse, classes[kind].bases), "")
    return str(getattr(task_class(name), attribute))


def _checked(spec: "TaskSpec") -> "type[NamedTask]":
    known = task_class(spec.name)
    for name, value in spec.options:
        if name not in known.options:
            offered = ", ".join(known.options) or "none"
            raise DataError(f"task {spec.name} has no option {name!r} (there are: {offered})")
        if value not in known.options[name]:
            choices = ", ".join(known.options[name])
            raise DataError(f"{name}: expected one of {choices}; received {value!r}")
    return known


def outlined(spec: "TaskSpec") -> "NamedTask":
    """The task of ``spec`` without its data, for plans.

    Raises:
        DataError: an option that the task doesn't have.
    """
    return _checked(spec).outline(spec)


_KEPT: "dict[TaskSpec, Task]" = {}
_AT_MOST = 2
"""Tasks that a process keeps: where a scheme is carried, two are in use."""


def load_task(spec: "TaskSpec") -> "Task":
    """Make the task that ``spec`` describes.

    Data may be large, so a process keeps the tasks that it used last: those from files by the
    fingerprint of what was read. Without one in ``spec`` files are read anew, since others may
    lie there by now.

    Raises:
        DataError: an option that the task doesn't have, data that can't be used, or others
            than those that ``spec`` means.
    """
    # What comes without files is the same each time.
    key = replace(spec, fingerprint=None) if spec.data is None else spec
    task = _KEPT.pop(key, None) if key.data is None or key.fingerprint is not None else None
    if task is None:
        task = _loaded(spec)
    found = str(task.facts()["fingerprint"])
    if spec.fingerprint not in (None, found):
        raise DataError(
            f"the data of task {spec.name} in {spec.data or 'this installation'} have changed, or "
            f"are others here than where the command was given: expected fingerprint "
            f"{spec.fingerprint}, received {found}; put them back, or give the command again"
        )
    if key.data is not None:
        key = replace(key, fingerprint=found)
        task = _KEPT.pop(key, task)
    _KEPT[key] = task
    while len(_KEPT) > _AT_MOST:
        del _KEPT[next(iter(_KEPT))]
    return task


def forget_tasks() -> None:
    """Keep no task any longer."""
    _KEPT.clear()


def _loaded(spec: "TaskSpec") -> "Task":
    from tasks.limited import Limited  # noqa: PLC0415 - naming tasks needs no torch

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

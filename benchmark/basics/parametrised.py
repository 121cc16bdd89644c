"""Things that a text names: ``NAME``, or ``NAME:PARAMETER=VALUE,…`` where they have parameters.

Such a text is how verdict rules stand in settings, stores and ticket files.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from benchmark.basics.bounds import problem
from benchmark.basics.errors import UsageError, unknown_name

T = TypeVar("T")


def read_named(kind: str, text: str, known: Mapping[str, type[T]]) -> T:
    """Make what ``text`` names.

    Args:
        kind: what ``known`` holds, for errors.
        text: a name of ``known``, behind a colon its parameters; those left out keep their default.
        known: dataclasses by name; their fields, which pydantic checks, are the parameters.

    Raises:
        UsageError: an unknown name or parameter, or a value that can't be.
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - help texts need none

    name, _, pairs = text.partition(":")
    if name not in known:
        raise unknown_name(kind, name, known)
    values = dict(pair.partition("=")[::2] for pair in pairs.split(",") if pair)
    parameters = [field.name for field in fields(known[name])]  # type: ignore[arg-type]
    if unknown := [parameter for parameter in values if parameter not in parameters]:
        there = f"there are: {', '.join(parameters)}" if parameters else "it has none"
        raise UsageError(f"{kind} {name}: unknown parameter {unknown[0]!r} ({there})")
    try:
        return TypeAdapter(known[name]).validate_python(values)
    except ValidationError as error:
        raise UsageError(f"{kind} {name}: {problem(error.errors())}") from error


def written(name: str, parameters: object) -> str:
    """The text that `read_named` makes the same dataclass of."""
    values = [(field.name, getattr(parameters, field.name)) for field in fields(parameters)]  # type: ignore[arg-type]
    pairs = ",".join(f"{key}={value}" for key, value in values)
    return f"{name}:{pairs}" if pairs else name

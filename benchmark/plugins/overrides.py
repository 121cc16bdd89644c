"""Hyper-parameters set by users: read, checked against what a strategy declares, coerced."""

from collections.abc import Mapping
from typing import get_args

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from benchmark.basics.bounds import plain, problem, shown
from benchmark.basics.errors import UsageError, unknown_name
from benchmark.records.settings import Value
from strategies.hyper_parameters import HyperParameter

_WIDEST = 2**63

Overrides = Mapping[str, Mapping[str, Value]]
"""Values by strategy and hyper-parameter."""


def read_overrides(texts: tuple[str, ...]) -> dict[str, dict[str, Value]]:
    """Values from ``STRATEGY.NAME=VALUE`` texts; they stay texts until a strategy types them.

    Raises:
        UsageError: a text of another form, or a name that is set twice.
    """
    found: dict[str, dict[str, Value]] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        strategy, dot, name = path.strip().rpartition(".")
        if not (equals and dot and strategy and name):
            raise UsageError(f"--set: expected STRATEGY.NAME=VALUE, received {text!r}")
        values = found.setdefault(strategy, {})
        if name in values:
            raise UsageError(f"{strategy}.{name} is set twice: {values[name]} and {value.strip()}")
        values[name] = value.strip()
    return found


def checked_values(
    strategy: str, declared: Mapping[str, HyperParameter], given: Mapping[str, Value]
) -> dict[str, Value]:
    """The values that differ from the defaults, in the types that the strategy declares.

    A text is read as its type would be written (``3``, ``0.5``, ``true``, ``none``).

    Args:
        strategy: its name, for messages.
        declared: its hyper-parameters.
        given: values by hyper-parameter.

    Raises:
        UsageError: an unknown hyper-parameter, or a value of another type.
    """
    values: dict[str, Value] = {}
    for name, value in given.items():
        if name not in declared:
            raise unknown_name(f"hyper-parameter of {strategy}", name, declared)
        values[name] = coerced(f"{strategy}.{name}", declared[name], value)
    return {name: value for name, value in values.items() if value != declared[name].default}


def coerced(label: str, parameter: HyperParameter, value: Value) -> Value:
    """``value`` in the type that ``parameter`` declares.

    Raises:
        UsageError: it can't be.
    """
    try:
        adapter: TypeAdapter[Value] = TypeAdapter(
            parameter.kind, config=ConfigDict(allow_inf_nan=False)
        )
        value = plain(value)
        if isinstance(value, str):
            if value.lower() == "none" and type(None) in get_args(parameter.kind):
                return None
            found = adapter.validate_strings(value)
        else:
            found = adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise UsageError(problem([{**error.errors()[0], "loc": (label,)}])) from error
    except PydanticSchemaGenerationError as error:
        raise UsageError(f"{label} can't be set: its type is {parameter.kind!r}") from error
    if isinstance(found, int) and not -_WIDEST <= found < _WIDEST:
        raise UsageError(f"{label}: expected a whole number of 64 bits, received {shown(value)}")
    return found

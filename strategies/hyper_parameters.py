"""What can be set about a strategy, read from its constructor and its docstring."""

import inspect
import re
from dataclasses import dataclass
from typing import Any, get_type_hints

from strategies.base import Strategy, StrategyError

_GIVEN = ("self", "space", "rng")


@dataclass(frozen=True)
class HyperParameter:
    """One keyword-only argument of a strategy's constructor.

    Attributes:
        name: of the argument.
        kind: its annotation; ``typing.Any`` where there is none.
        default: its value unless somebody sets it.
        description: what the Args of the class or of one that it builds on say of it; empty
            where they are silent.
    """

    name: str
    kind: Any
    default: Any
    description: str


def hyper_parameters(strategy: type[Strategy]) -> dict[str, HyperParameter]:
    """Hyper-parameters of a strategy by name, in the order of its constructor.

    Raises:
        StrategyError: an argument beside ``space`` and ``rng`` that is not keyword-only,
            has no default, or is a catch-all; or an annotation that can't be resolved.
    """
    kinds = _annotations(strategy)
    described: dict[str, str] = {}
    for part in reversed(strategy.__mro__):
        described |= documented_arguments(part)
    found: dict[str, HyperParameter] = {}
    for name, parameter in inspect.signature(strategy.__init__).parameters.items():
        if name in _GIVEN:
            continue
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
            raise StrategyError(
                f"expected {strategy.__name__}.__init__ to take hyper-parameters as keyword-only "
                f"arguments with defaults, received {parameter}"
            )
        found[name] = HyperParameter(
            name, kinds.get(name, Any), parameter.default, described.get(name, "")
        )
    return found


def documented_arguments(documented: type) -> dict[str, str]:
    """The Args of a class docstring (Google style): one line of text for each name."""
    lines = inspect.cleandoc(documented.__doc__ or "").splitlines()
    if "Args:" not in lines:
        return {}
    described: dict[str, str] = {}
    name = ""
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith(" "):
            break
        start = re.match(r"    (\w+)(?: \([^)]*\))?: *(.*)", line)
        if start:
            name, described[start[1]] = start[1], start[2]
        elif name:
            described[name] = f"{described[name]} {line.strip()}".strip()
    return described


def _annotations(strategy: type[Strategy]) -> dict[str, Any]:
    try:
        return get_type_hints(strategy.__init__, include_extras=True)
    except Exception as error:
        raise StrategyError(
            f"can't resolve the annotations of {strategy.__name__}.__init__: {error}"
        ) from error

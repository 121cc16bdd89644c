from collections.abc import Callable, Mapping

from strategies.base import StrategyError

Number = int | float
"""Tests check signatures at run time, where an int is no float."""


def require_positive(**hyper_parameters: int) -> None:
    """Refuse counts below one, which would make a search stop or loop without a word.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    _require(hyper_parameters, "of at least 1", lambda value: value >= 1)


def require_above_zero(**hyper_parameters: float) -> None:
    """Refuse scales, steps and temperatures that would turn or stop all learning.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    _require(hyper_parameters, "above 0", lambda value: value > 0)


def require_not_negative(**hyper_parameters: float) -> None:
    """Refuse negative weights and waits.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    _require(hyper_parameters, "of at least 0", lambda value: value >= 0)


def require_fraction(**hyper_parameters: float) -> None:
    """Refuse probabilities and decays outside [0, 1].

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    _require(hyper_parameters, "from 0 to 1", lambda value: 0 <= value <= 1)


def _require(
    values: Mapping[str, Number], expected: str, allowed: Callable[[Number], bool]
) -> None:
    for name, value in values.items():
        if not allowed(value):
            raise StrategyError(f"expected {name} {expected}, received {value}")

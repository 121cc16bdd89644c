"""What a hyper-parameter may be tuned to, read from its type and its default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args, get_origin

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from benchmark.chosen import ChosenStrategy
from benchmark.errors import UsageError
from benchmark.overrides import Value
from strategies.base import SearchSpace
from strategies.hyper_parameters import HyperParameter, hyper_parameters


@dataclass(frozen=True)
class Ranges:
    """What is tuned.

    Attributes:
        distributions: by name of the hyper-parameter.
        defaults: a value of each.
    """

    distributions: dict[str, BaseDistribution]
    defaults: dict[str, Value]


def tuning_ranges(
    strategy: ChosenStrategy, space: SearchSpace, fixed: Mapping[str, Value]
) -> Ranges:
    """Ranges of all hyper-parameters of ``strategy`` that can be tuned and aren't ``fixed``.

    Switches and choices take every value. Whole numbers go from half to double the default,
    others from a tenth to ten times, logarithmically; where the strategy refuses an end as
    it stands alone, 1 is tried in its place, and then the default itself.

    Raises:
        UsageError: nothing is left to tune.
    """
    distributions: dict[str, BaseDistribution] = {}
    defaults: dict[str, Value] = {}
    for name, parameter in hyper_parameters(strategy.load()).items():
        found = None if name in fixed else _distribution(strategy, space, parameter)
        if found is not None:
            distributions[name] = found
            defaults[name] = parameter.default
    if not distributions:
        raise UsageError(f"{strategy.name} has no hyper-parameters that could be tuned")
    return Ranges(distributions, defaults)


def _distribution(
    strategy: ChosenStrategy, space: SearchSpace, parameter: HyperParameter
) -> BaseDistribution | None:
    kind, default = parameter.kind, parameter.default
    if kind is bool:
        return CategoricalDistribution([False, True])
    if get_origin(kind) is Literal:
        return CategoricalDistribution(list(get_args(kind)))
    if kind is int and default >= 1:
        low, high = _ends(strategy, space, parameter, (max(default // 2, 1), 2 * default))
        return IntDistribution(int(low), int(high), log=True) if low < high else None
    if kind is float and default > 0:
        low, high = _ends(strategy, space, parameter, (default / 10, default * 10))
        return FloatDistribution(low, high, log=True) if low < high else None
    return None


def _ends(
    strategy: ChosenStrategy,
    space: SearchSpace,
    parameter: HyperParameter,
    wanted: tuple[float, float],
) -> tuple[float, float]:
    def nearest(want: float) -> float:
        *tried, default = _candidates(want, parameter.default)
        accepted = (end for end in tried if _accepts(strategy, space, parameter.name, end))
        return next(accepted, default)

    low, high = map(nearest, wanted)
    return low, high


def _candidates(want: float, default: float) -> Iterator[float]:
    yield want
    if min(want, default) < 1 < max(want, default):
        yield type(default)(1)
    yield default


def _accepts(strategy: ChosenStrategy, space: SearchSpace, name: str, value: Value) -> bool:
    changed = replace(strategy, values=(*strategy.values, (name, value)))
    try:
        changed.make(space, rng=np.random.default_rng(0))
    except (ValueError, TypeError):
        return False
    return True

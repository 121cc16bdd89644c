"""What a hyper-parameter may be tuned to, read from its type and its default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar, get_args, get_origin

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from benchmark.basics.errors import UsageError
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.confined import try_out
from benchmark.plugins.timeout import ASK_TIMEOUT
from benchmark.records.settings import Value
from strategies.base import SearchSpace
from strategies.hyper_parameters import HyperParameter, hyper_parameters

Number = TypeVar("Number", int, float)


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
    strategy: ChosenStrategy,
    space: SearchSpace,
    fixed: Mapping[str, Value],
    *,
    limit: float = ASK_TIMEOUT,
) -> Ranges:
    """Ranges of all hyper-parameters of ``strategy`` that can be tuned and aren't ``fixed``.

    Switches and choices take every value. Whole numbers go from half to double the default,
    others from a tenth to ten times, logarithmically; where the strategy refuses an end as
    it stands alone, 1 is tried in its place, and then the default itself.

    Args:
        strategy: is made with such values, in a process of its own if it is somebody else's.
        space: what it will search.
        fixed: values by name that stay as they are.
        limit: seconds that making somebody else's strategy may take, over all values.

    Raises:
        UsageError: nothing is left to tune; or it takes longer, exits, crashes, or raises
            something else than a refusal.
    """
    find = partial(_found, strategy, space, dict(fixed))
    if not strategy.is_plug_in:
        return find()
    return try_out(find, strategy.reference, limit, doing="made")


def _found(strategy: ChosenStrategy, space: SearchSpace, fixed: dict[str, Value]) -> Ranges:
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
    accepts = partial(_accepts, strategy, space, parameter.name)
    if kind is int and default >= 1:
        low, high = (_nearest(end, default, accepts) for end in (max(default // 2, 1), 2 * default))
        return IntDistribution(low, high, log=True) if low < high else None
    if kind is float and default > 0:
        low, high = (_nearest(end, default, accepts) for end in (default / 10, default * 10))
        return FloatDistribution(low, high, log=True) if low < high else None
    return None


def _nearest(wanted: Number, default: Number, accepts: Callable[[Number], bool]) -> Number:
    """``wanted`` if it is accepted, else 1 if that lies between, else the default."""
    between = min(wanted, default) < 1 < max(wanted, default)
    candidates = [wanted, type(wanted)(1)] if between else [wanted]
    return next(filter(accepts, candidates), default)


def _accepts(strategy: ChosenStrategy, space: SearchSpace, name: str, value: Value) -> bool:
    changed = replace(strategy, values=(*strategy.values, (name, value)))
    try:
        changed.make(space, rng=np.random.default_rng(0))
    except (ValueError, TypeError):
        return False
    return True

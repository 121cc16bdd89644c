"""The strategies of a run: where their code comes from and what is set about them."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, final

import numpy as np

from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.identity import code_version, package_version
from benchmark.plugins.confined import LOADING, try_out
from benchmark.plugins.loading import is_loaded, load_class, module_name
from benchmark.plugins.overrides import Overrides, checked_values
from benchmark.plugins.references import (
    is_file_reference,
    known_names,
    require_known,
    split_reference,
)
from benchmark.records.settings import Value
from strategies.base import SearchSpace, Strategy, StrategyError
from strategies.hyper_parameters import hyper_parameters
from strategies.registry import (
    COMPARATORS,
    STRATEGIES,
    installed_strategies,
    load_strategy,
)

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@final
@dataclass(frozen=True)
class ChosenStrategy:
    """A strategy with its settings; picklable, and the same code in every process.

    Attributes:
        reference: its name, or the absolute path of its file and its class.
        name: what reports call it.
        code: content hash of its code.
        values: hyper-parameters that differ from their defaults.
    """

    reference: str
    name: str
    code: str
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def is_plug_in(self) -> bool:
        """Whether it comes from a file or a package of somebody else's."""
        return self.name not in STRATEGIES

    @property
    def package(self) -> str:
        """The first part of the name of the modules that are its own."""
        if is_file_reference(self.reference):
            return module_name(self.code)
        shipped = STRATEGIES.get(self.reference)
        found = shipped or installed_strategies()[self.reference].value
        return found.partition(":")[0].partition(".")[0]

    def load(self) -> type[Strategy]:
        """Its class.

        Raises:
            UsageError: its file has changed since it was chosen, or can't be loaded any more.
        """
        loaded, code = _load(self.reference)
        if code != self.code:
            raise UsageError(
                f"{self.reference} has changed since the run began: expected {self.code}, "
                f"received {code}"
            )
        return loaded

    def make(self, space: SearchSpace, *, rng: np.random.Generator) -> Strategy:
        """A new strategy with these hyper-parameters."""
        return self.load()(space, rng=rng, **dict(self.values))

    def identity(self) -> dict[str, Any]:
        """Everything that its proposals depend on beside seed and answers, as JSON values."""
        return {"name": self.name, "code": self.code, "values": dict(self.values)}


def choose(
    reference: str, given: Mapping[str, Value] | None = None, *, limit: float = LOADING
) -> ChosenStrategy:
    """The strategy ``reference`` (a name, or ``FILE.py:CLASS``) with hyper-parameters set.

    Code of somebody else's is loaded in a process of its own first.

    Args:
        reference: which strategy.
        given: values of hyper-parameters.
        limit: seconds that loading it may take.

    Raises:
        UsageError: it can't be found or loaded, is called like one that ships with the
            project, or can't take the values.
    """
    if is_file_reference(reference):
        path, class_name = split_reference(reference)
        reference = f"{path}:{class_name}"
    if _is_unseen(reference):
        try_out(partial(_can_load, reference), reference, limit)
    loaded, code = _load(reference)
    name = _name(reference, loaded)
    try:
        values = checked_values(name, hyper_parameters(loaded), given) if given else {}
    except StrategyError as error:
        raise UsageError(str(error)) from error
    return ChosenStrategy(reference, name, code, tuple(values.items()))


def choose_all(
    references: Sequence[str],
    overrides: Overrides,
    space: SearchSpace,
    *,
    limit: float = LOADING,
) -> tuple[ChosenStrategy, ...]:
    """The strategies of a run, in order.

    Args:
        references: names or files.
        overrides: hyper-parameters by the strategies' names.
        space: what they will search; strategies with overrides, and those that need an extra,
            are made once, on trial.
        limit: seconds that loading or making one of them may take.

    Raises:
        UsageError: see `choose`; or one comes twice, two have one name, a hyper-parameter is
            set of a strategy that isn't there, a strategy refuses a value, or its extra is
            missing.
    """
    names: dict[str, str] = {}
    for reference in references:
        name = choose(reference, limit=limit).name
        if names.get(name) == reference:
            raise UsageError(f"strategy {reference!r} is listed more than once")
        if name in names:
            raise UsageError(
                f"strategies {names[name]!r} and {reference!r} have one name, {name!r}; "
                "give one of them another"
            )
        names[name] = reference
    for name in overrides:
        if name not in names:
            raise unknown_name("strategy of this run", name, names)
    chosen = tuple(choose(reference, overrides.get(name)) for name, reference in names.items())
    for strategy in chosen:
        if strategy.values or strategy.name in COMPARATORS:
            _try(strategy, space, limit)
    return chosen


def _is_unseen(reference: str) -> bool:
    """Whether to load it means to run code of somebody else's that hasn't run here before."""
    if is_file_reference(reference):
        return not is_loaded(split_reference(reference)[0])
    require_known([reference])
    if reference in STRATEGIES:
        return False
    return installed_strategies()[reference].module not in sys.modules


def _can_load(reference: str) -> None:
    _load(reference)  # a class doesn't come back from another process


def _load(reference: str) -> tuple[type[Strategy], str]:
    if is_file_reference(reference):
        return load_class(*split_reference(reference))
    require_known([reference])
    try:
        loaded = load_strategy(reference)
    except StrategyError as error:
        raise UsageError(str(error)) from error
    if reference in STRATEGIES:
        return loaded, code_version(STRATEGIES[reference])
    return loaded, _package_version(loaded.__module__)


def _package_version(module: str) -> str:
    """Hash of the outermost package around ``module`` that has source of its own."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        package = ".".join(parts[:length])
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:  # not a namespace
            return package_version(package)
    raise UsageError(f"can't find the source of {module}")


def _name(reference: str, loaded: type[Strategy]) -> str:
    name = getattr(loaded, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"expected {loaded.__name__}.name in lower case, words joined by hyphens, "
            f"received {name!r}"
        )
    if is_file_reference(reference) and name in known_names():
        raise UsageError(
            f"{reference} is called {name!r}, as a strategy that is already there; "
            "give its class another name"
        )
    return name


def _try(strategy: ChosenStrategy, space: SearchSpace, limit: float) -> None:
    if strategy.is_plug_in:
        try_out(partial(_make, strategy, space), strategy.reference, limit, doing="made")
    else:
        _make(strategy, space)


def _make(strategy: ChosenStrategy, space: SearchSpace) -> None:
    try:
        strategy.make(space, rng=np.random.default_rng(0))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{strategy.name}: {error}") from error

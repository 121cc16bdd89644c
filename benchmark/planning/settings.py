"""One validated, frozen description of a benchmark, from flags, TOML or Python."""

import os
import re
import shlex
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from benchmark.basics import bounds
from benchmark.basics.bounds import COUNT
from benchmark.basics.errors import BenchmarkWarning, UsageError, unknown_name
from benchmark.basics.files import read_text
from benchmark.basics.sizes import parse_size
from benchmark.planning.recipes import RECIPES, merged, started_from
from benchmark.plugins.references import is_file_reference, require_known
from benchmark.records.rules import Rule
from benchmark.records.settings import (
    RECIPE_CHANGES,
    SECTIONS,
    SETTINGS,
    SMOKE,
    STARTS,
    DeclaredSettings,
    RecipeChanges,
    Value,
)


class Settings(DeclaredSettings, BaseModel):
    """Everything that determines the results of an experiment, by name.

    `benchmark.records.settings.DeclaredSettings` says what there is. Where and how fast it runs
    (folder, cache, workers) is not part of it, and neither is where the data lie: their
    fingerprint is. ``recipe`` names settings to start from (`benchmark.planning.recipes`);
    whatever else is given wins.

    ``smoke`` puts sizes of its own in the place of those given, and warns of each.

    Raises:
        UsageError: a value that can't be, an unknown name, or an unknown setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **values: Any) -> None:
        if values.get("smoke"):
            type(self)(**(values | {"smoke": False}))  # what is replaced must be possible too
            _warn_of_replaced(values)
        if (name := values.get("recipe")) is not None:
            if not isinstance(name, str) or name not in RECIPES:
                raise unknown_name("recipe", str(name), RECIPES)
            values = started_from(RECIPES[name].settings, values)
        if values.get("smoke"):
            values = merged(values, SMOKE)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _readable(error) from error

    @field_validator("strategies")
    @classmethod
    def _known_strategies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise UsageError("strategies: expected at least one name, received none")
        require_known(names)
        return names

    @field_validator("oracle", mode="before")
    @classmethod
    def _as_text(cls, place: Any) -> Any:
        return os.fspath(place) if isinstance(place, os.PathLike) else place

    @field_validator("set", mode="before")
    @classmethod
    def _plain_values(cls, overrides: Any) -> Any:
        if not isinstance(overrides, dict):
            return overrides
        for strategy, values in overrides.items():
            if not isinstance(values, dict):
                raise UsageError(f"expected set.{strategy}.NAME = VALUE, received {values!r}")
            for name, value in values.items():
                if not isinstance(bounds.plain(value), Value):
                    raise UsageError(
                        f"{strategy}.{name}: expected a number, a text or true or false, "
                        f"received {value!r}"
                    )
        return {
            strategy: {name: bounds.plain(value) for name, value in values.items()}
            for strategy, values in overrides.items()
        }

    @field_validator("device")
    @classmethod
    def _known_device(cls, name: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", name):
            raise UsageError(f"unknown device {name!r} (there are: cpu, cuda, cuda:N)")
        return name

    @field_validator("oracle_memory")
    @classmethod
    def _readable_size(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse_size(text)
            except UsageError as error:
                raise UsageError(f"{SETTINGS['oracle_memory'].option}: {error}") from error
        return text

    @model_validator(mode="after")
    def _listed_runs(self) -> "Settings":
        runs = len(self.strategies) * self.seeds * self.supernet_seeds
        COUNT.checked("strategies × seeds × supernet_seeds", runs)
        return self

    @model_serializer(mode="wrap")
    def _stored(self, dump: Callable[["Settings"], dict[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if SETTINGS[name].stored}

    @property
    def rule(self) -> Rule:
        """What makes a trained scheme a ticket."""
        return Rule.read(self.verdict)

    def command(self) -> str:
        """The command line that gives these settings."""
        words = ["python", "-m", "benchmark", "run"]
        start = Settings(recipe=self.recipe, smoke=self.smoke)
        for name, setting in SETTINGS.items():
            value = getattr(self, name)
            if name in (*STARTS, "strategies") or value != getattr(start, name):
                words += setting.words(value)
        return shlex.join(words)

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> "Settings":
        """Read settings from a TOML file; ``overrides`` win, those in tables one by one.

        Raises:
            UsageError: the file can't be read, what it says can't be, or it names a file of
                code: only the command line does.
        """
        try:
            values = tomllib.loads(read_text(path))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"can't read settings from {path}: {error}") from error
        if "strategies" not in overrides:
            _refuse_code(values.get("strategies"), path)
        given = overrides.pop("set", {})
        values = merged(values, overrides)
        hyper_parameters = dict(cls(**(values | {"smoke": False})).set)
        for strategy, chosen in given.items():
            hyper_parameters[strategy] = hyper_parameters.get(strategy, {}) | chosen
        return cls(**(values | {"set": hyper_parameters}))


def _warn_of_replaced(values: dict[str, Any]) -> None:
    own = _flat(SMOKE)
    replaced = [
        f"{name} {own[name]} instead of {value}"
        for name, value in _flat(values).items()
        if name in own and value is not None and str(value) != str(own[name])
    ]
    if replaced:
        warnings.warn(f"smoke takes {', '.join(replaced)}", BenchmarkWarning, stacklevel=3)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Values by name, those of recipes as ``section.name``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        given = value.given() if isinstance(value, RecipeChanges) else value
        inner = given if name in SECTIONS and isinstance(given, dict) else None
        flat |= {name: value} if inner is None else {f"{name}.{k}": v for k, v in inner.items()}
    return flat


def _refuse_code(strategies: Any, path: Path) -> None:
    for name in strategies if isinstance(strategies, list) else ():
        if isinstance(name, str) and is_file_reference(name):
            raise UsageError(
                f"{path} names the strategy file {name!r}, and running a file is for the command "
                "line to ask: give --strategies there"
            )


def _readable(error: ValidationError) -> UsageError:
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, UsageError):
        return cause
    section, *rest = (str(part) for part in problem["loc"])
    name = ".".join([section, *rest[:1]]) if section in SECTIONS else section
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = [f"{section}.{key}" for key in RECIPE_CHANGES] if rest else list(SETTINGS)
        return unknown_name("setting", name, known)
    return UsageError(bounds.problem([{**problem, "loc": (name,)}]))

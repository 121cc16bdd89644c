"""One validated, frozen description of a benchmark, from flags, TOML or Python."""

import os
import re
import shlex
import tomllib
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from benchmark.basics import bounds
from benchmark.basics.bounds import COUNT, INSIDE, SEED
from benchmark.basics.errors import BenchmarkWarning, UsageError, unknown_name
from benchmark.basics.files import read_text
from benchmark.basics.sizes import parse_size
from benchmark.networks.registry import ATTENTIONS
from benchmark.planning.recipes import RECIPES, merged, started_from
from benchmark.plugins.overrides import Value
from benchmark.plugins.references import is_file_reference, require_known
from benchmark.plugins.timeout import ASK_TIMEOUT
from benchmark.records.objective import WORDS, Objective
from benchmark.records.run import Rule
from tasks.registry import TASKS


class RecipeChanges(BaseModel):
    """What to change in a task's training recipe; None leaves the task's value.

    See `tasks.recipes.Recipe` for what each means.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Annotated[int, COUNT] | None = None
    batch_size: Annotated[int, COUNT] | None = None
    optimizer: Literal["sgd", "nesterov", "adamw", "adam"] | None = None
    learning_rate: Annotated[float, bounds.POSITIVE] | None = None
    weight_decay: Annotated[float, bounds.DECAY] | None = None
    schedule: (
        Literal["one-cycle", "cosine", "multi-step", "exponential", "poly", "constant"] | None
    ) = None
    milestones: tuple[Annotated[int, bounds.FURTHER], ...] | None = None
    gamma: Annotated[float, bounds.FRACTION] | None = None
    momentum: Annotated[float, bounds.BELOW_ONE] | None = None
    head_rate: Annotated[float, bounds.POSITIVE] | None = None
    precision: Literal["float32", "bf16", "fp16"] | None = None
    accumulate: Annotated[int, COUNT] | None = None
    memory_format: Literal["auto", "channels-last", "contiguous"] | None = None
    compile: bool | None = None
    threads: Annotated[int, bounds.THREADS] | None = None

    @field_validator("milestones")
    @classmethod
    def _ascending(cls, milestones: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if milestones and list(milestones) != sorted(milestones):
            raise UsageError(
                "milestones: expected epochs in ascending order, received "
                + ",".join(map(str, milestones))
            )
        return milestones

    def given(self) -> dict[str, Any]:
        """The changes by name."""
        return self.model_dump(exclude_none=True)


_SMOKE: dict[str, Any] = {
    "budget": 2,
    "seeds": 1,
    "supernet_seeds": 1,
    "standalone_seeds": 1,
    "candidates": 1,
    "supernet_epochs": 1,
    "standalone_epochs": 1,
    "supernet": {"batch_size": 4},
    "standalone": {"batch_size": 4},
}


def _as_text(place: Any) -> Any:
    """A path as it is written; anything else as it is."""
    return os.fspath(place) if isinstance(place, os.PathLike) else place


class Settings(BaseModel):
    """Everything that determines the results of an experiment.

    Where and how fast it runs (folder, cache, workers) is not part of it, and neither is
    where the data lie: their fingerprint is. ``recipe`` names settings to start from
    (`benchmark.planning.recipes`); whatever else is given wins.

    ``smoke`` puts sizes of its own in the place of those given, and warns of each.

    Raises:
        UsageError: a value that can't be, an unknown name, or an unknown setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str | None = Field(None, description="named settings to start from")
    task: str = Field("digits", description="task to search on")
    task_options: dict[str, str] = Field({}, description="choices that the task offers")
    data: Path | None = Field(None, exclude=True, description="where the task's files are")
    skip_broken: bool = Field(
        default=False, description="leave out images that can't be decoded instead of stopping"
    )
    strategies: tuple[str, ...] = Field(
        ("ean", "ga", "enas"), min_length=1, description="strategies to compare"
    )
    set: dict[str, dict[str, Value]] = Field(
        {}, description="hyper-parameters by strategy, instead of their defaults"
    )
    budget: Annotated[int, bounds.BUDGET] = Field(
        300, description="evaluations that each run may spend"
    )
    seeds: Annotated[int, COUNT] = Field(5, description="runs of each strategy on each supernet")
    supernet_seeds: Annotated[int, COUNT] = Field(
        1, description="supernets, trained with different seeds"
    )
    standalone_seeds: Annotated[int, COUNT] = Field(
        3, description="trainings from scratch of each scheme"
    )
    candidates: Annotated[int, COUNT] = Field(3, description="schemes of each run that are trained")
    backbone: str | None = Field(None, description="backbone instead of the task's")
    attention: str = Field("se", description="attention module")
    sharing: Literal["full", "share"] = Field(
        "full", description="one module for each block (full) or for each stage (share)"
    )
    retain: Annotated[float, bounds.FRACTION] = Field(
        0.8, description="probability of a connection in supernet training"
    )
    batch_norm: Literal["recalibrated", "running"] = Field(
        "recalibrated", description="batch-norm statistics at scoring time"
    )
    objective_weight: Annotated[float, bounds.WEIGHT] = Field(
        0.02,
        description=f"λ: reward = {WORDS}",
    )
    supernet_epochs: Annotated[int, COUNT] | None = Field(
        None, description="epochs of supernet training instead of the task's"
    )
    standalone_epochs: Annotated[int, COUNT] | None = Field(
        None, description="epochs of stand-alone training instead of the task's"
    )
    supernet: RecipeChanges = Field(
        RecipeChanges(), description="changes to the task's recipe of supernet training"
    )
    supernet_processes: Annotated[int, bounds.WORKERS] = Field(
        1, description="processes that train a supernet together"
    )
    standalone: RecipeChanges = Field(
        RecipeChanges(), description="changes to the task's recipe of stand-alone training"
    )
    best_epoch: bool = Field(
        default=False,
        description="score every epoch on the test split and report the best beside the last",
    )
    confidence: Annotated[float, INSIDE] = Field(0.95, description="confidence of verdicts")
    verdict: Rule = Field(
        "interval", description="judge by intervals, or by means alone as the paper does"
    )
    seed: Annotated[int, SEED] = Field(0, description="root of every seed but the data's")
    data_seed: Annotated[int, bounds.DATA_SEED] = Field(0, description="fixes the task's splits")
    oracle: Annotated[str | None, BeforeValidator(_as_text)] = Field(
        None, description="table of answers (Parquet) to search instead of a supernet"
    )
    device: str = Field("cpu", description="cpu, cuda or cuda:N")
    oracle_dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="type of features while schemes are scored"
    )
    oracle_kernels: Literal["auto", "avx512", "avx2", "torch"] = Field(
        "auto",
        description="what computes block passes on CPUs: auto (the fastest kernels that there "
        "are), avx512, avx2 or torch",
    )
    oracle_memory: str | None = Field(
        None, description="memory that scoring may hold in each process, such as 2GiB"
    )
    ask_timeout: Annotated[float, bounds.SECONDS] = Field(
        ASK_TIMEOUT,
        description="seconds that a strategy may take over one request",
    )
    smoke: bool = Field(
        default=False, description="a few images and steps, to try the whole path out"
    )

    def __init__(self, **values: Any) -> None:
        if values.get("smoke"):
            type(self)(**(values | {"smoke": False}))  # what is replaced must be possible too
            _warn_of_replaced(values)
        if (name := values.get("recipe")) is not None:
            if not isinstance(name, str) or name not in RECIPES:
                raise unknown_name("recipe", str(name), RECIPES)
            values = started_from(RECIPES[name].settings, values)
        if values.get("smoke"):
            values = merged(values, _SMOKE)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _readable(error) from error

    @field_validator("task")
    @classmethod
    def _known_task(cls, name: str) -> str:
        if name not in TASKS:
            raise unknown_name("task", name, TASKS)
        return name

    @field_validator("attention")
    @classmethod
    def _known_attention(cls, name: str) -> str:
        if name not in ATTENTIONS:
            raise unknown_name("attention module", name, ATTENTIONS)
        return name

    @field_validator("strategies")
    @classmethod
    def _known_strategies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        require_known(names)
        return names

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
            parse_size(text)
        return text

    @model_validator(mode="after")
    def _listed_runs(self) -> "Settings":
        runs = len(self.strategies) * self.seeds * self.supernet_seeds
        COUNT.checked("strategies × seeds × supernet_seeds", runs)
        return self

    @property
    def objective(self) -> Objective:
        """What searches maximise."""
        return Objective(self.objective_weight)

    def command(self) -> str:
        """The command line that gives these settings."""
        words = ["python", "-m", "benchmark", "run"]
        start = Settings(recipe=self.recipe, smoke=self.smoke)
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in ("recipe", "smoke", "strategies") or value != getattr(start, name):
                words += _flags(name, value)
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


_SECTIONS = ("supernet", "standalone")
_NAMES = list(Settings.model_fields)


def _warn_of_replaced(values: dict[str, Any]) -> None:
    own = _flat(_SMOKE)
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
        inner = given if name in _SECTIONS and isinstance(given, dict) else None
        flat |= {name: value} if inner is None else {f"{name}.{k}": v for k, v in inner.items()}
    return flat


def _refuse_code(strategies: Any, path: Path) -> None:
    for name in strategies if isinstance(strategies, list) else ():
        if isinstance(name, str) and is_file_reference(name):
            raise UsageError(
                f"{path} names the strategy file {name!r}, and running a file is for the command "
                "line to ask: give --strategies there"
            )


def _flags(name: str, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return [flag]
    if isinstance(value, RecipeChanges):
        changes = value.given().items()
        return [word for key, to in changes for word in ("--training", f"{name}.{key}={_text(to)}")]
    if name == "set":
        pairs = [
            (f"{strategy}.{key}", to) for strategy in value for key, to in value[strategy].items()
        ]
        return [word for key, to in pairs for word in ("--set", f"{key}={_text(to)}")]
    if isinstance(value, dict):
        return [word for key, to in value.items() for word in ("--task-option", f"{key}={to}")]
    return [flag, _text(value)]


def _text(value: Any) -> str:
    """A value as flags read it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _readable(error: ValidationError) -> UsageError:
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, UsageError):
        return cause
    section, *rest = (str(part) for part in problem["loc"])
    name = ".".join([section, *rest[:1]]) if section in _SECTIONS else section
    if problem["type"] == "extra_forbidden":
        known = [f"{section}.{key}" for key in RecipeChanges.model_fields] if rest else _NAMES
        return unknown_name("setting", name, known)
    return UsageError(bounds.problem([{**problem, "loc": (name,)}]))

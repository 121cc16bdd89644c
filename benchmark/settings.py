"""One validated, frozen description of a benchmark, from flags, TOML or Python."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmark.errors import UsageError, unknown_name
from benchmark.overrides import Value
from benchmark.references import require_known
from tasks.registry import TASKS


class Settings(BaseModel):
    """Everything that determines the results of an experiment.

    Where and how fast it runs (folder, cache, workers) is not part of it.

    Raises:
        UsageError: a value that can't be, an unknown name, or an unknown setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field("digits", description="task to search on")
    strategies: tuple[str, ...] = Field(
        ("ean", "ga", "enas"), min_length=1, description="strategies to compare"
    )
    set: dict[str, dict[str, Value]] = Field(
        {}, description="hyper-parameters by strategy, instead of their defaults"
    )
    budget: int = Field(300, ge=1, description="evaluations that each run may spend")
    seeds: int = Field(5, ge=1, description="runs of each strategy on each supernet")
    supernet_seeds: int = Field(1, ge=1, description="supernets, trained with different seeds")
    standalone_seeds: int = Field(3, ge=1, description="trainings from scratch of each scheme")
    candidates: int = Field(3, ge=1, description="schemes of each run that are trained")
    backbone: str | None = Field(None, description="backbone instead of the task's")
    attention: Literal["se", "sge", "dia"] = Field("se", description="attention module")
    sharing: Literal["full", "share"] = Field(
        "full", description="one module for each block (full) or for each stage (share)"
    )
    retain: float = Field(
        0.8, gt=0, le=1, description="probability of a connection in supernet training"
    )
    batch_norm: Literal["recalibrated", "running"] = Field(
        "recalibrated", description="batch-norm statistics at scoring time"
    )
    objective_weight: float = Field(
        0.02,
        ge=0,
        allow_inf_nan=False,
        description="λ: reward = accuracy + λ · fraction of unconnected blocks",
    )
    supernet_epochs: int | None = Field(
        None, ge=1, description="epochs of supernet training instead of the task's"
    )
    standalone_epochs: int | None = Field(
        None, ge=1, description="epochs of stand-alone training instead of the task's"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="confidence of verdicts")
    seed: int = Field(0, ge=0, description="root of every seed but the data's")
    data_seed: int = Field(0, ge=0, lt=4 * 10**8, description="fixes the task's splits")
    oracle: str | None = Field(
        None, description="table of answers (Parquet) to search instead of a supernet"
    )
    device: str = Field("cpu", description="cpu, cuda or cuda:N")

    def __init__(self, **values: Any) -> None:
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

    @field_validator("strategies")
    @classmethod
    def _known_strategies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        require_known(names)
        return names

    @field_validator("set", mode="before")
    @classmethod
    def _plain_values(cls, overrides: Any) -> Any:
        for strategy, values in overrides.items() if isinstance(overrides, dict) else ():
            if not isinstance(values, dict):
                raise UsageError(f"expected set.{strategy}.NAME = VALUE, received {values!r}")
            for name, value in values.items():
                if not isinstance(value, Value):
                    raise UsageError(
                        f"{strategy}.{name}: expected a number, a text or true or false, "
                        f"received {value!r}"
                    )
        return overrides

    @field_validator("device")
    @classmethod
    def _known_device(cls, name: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", name):
            raise UsageError(f"unknown device {name!r} (there are: cpu, cuda, cuda:N)")
        return name

    def command(self) -> str:
        """The command line that gives these settings."""
        words = ["python", "-m", "benchmark", "run"]
        for name, value in self.model_dump(exclude={"set"}).items():
            if name == "strategies" or value != type(self).model_fields[name].default:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
                words += [f"--{name.replace('_', '-')}", text]
        for strategy, values in self.set.items():
            for name, value in values.items():
                words += ["--set", f"{strategy}.{name}={_text(value)}"]
        return shlex.join(words)

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> "Settings":
        """Read settings from a TOML file; ``overrides`` win, those of ``set`` one by one.

        Raises:
            UsageError: the file can't be read, or what it says can't be.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"can't read settings from {path}: {error}") from error
        given = overrides.pop("set", {})
        values |= overrides
        merged = dict(cls(**values).set)
        for strategy, chosen in given.items():
            merged[strategy] = merged.get(strategy, {}) | chosen
        return cls(**(values | {"set": merged}))


def _text(value: Value) -> str:
    """A value as `--set` reads it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _readable(error: ValidationError) -> UsageError:
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"][:1])
    if problem["type"] == "extra_forbidden":
        return unknown_name("setting", name, Settings.model_fields)
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, UsageError):
        return cause
    message = problem["msg"].replace("Input should be", "expected")
    return UsageError(f"{name}: {message}, received {problem['input']!r}")

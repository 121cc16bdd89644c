"""What searches maximise: one class an objective, which searches, pages and exports all ask."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float64

from benchmark.basics.errors import unknown_name
from benchmark.basics.identity import code_version
from benchmark.basics.names import referred
from benchmark.records.objectives import OBJECTIVES


class Objective(ABC):
    """The reward of a scheme. To add one, write a class and list it in `OBJECTIVES`.

    Attributes:
        formula: the reward in words and symbols, as readers see it.
        needs: facts of the networks that must be known before the search, such as what each
            block's module takes: by name the provider, ``module:function``. It is called once a
            run with its `benchmark.planning.plan.Plan` and returns a JSON value, which the run
            keeps.
    """

    formula: str
    needs: ClassVar[Mapping[str, str]] = {}

    @staticmethod
    def of(settings: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> "Objective":
        """The objective of a run.

        Args:
            settings: of the run, by name.
            facts: what its providers returned, by name; while any is missing, rewards are NaN.

        Raises:
            UsageError: there is no such objective.
        """
        kind = objective_class(str(settings.get("objective", "connections")))
        known = {} if facts is None else facts
        if kind.needs.keys() <= known.keys():
            return kind.made(settings, known)
        return _Unprovided(kind.formula)

    @classmethod
    def made(cls, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> "Objective":
        """The objective with its parameters from ``settings`` and all ``facts`` that it needs."""
        del settings, facts
        return cls()

    @abstractmethod
    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        """Reward of each scheme; NaN where its answer failed.

        Args:
            schemes: one a row.
            accuracy: of each on the validation split, in [0, 1]; NaN where it has none.
        """

    @property
    def words(self) -> str:
        """The reward as in `formula`, with numbers in the place of its symbols."""
        return self.formula

    @property
    def traits(self) -> dict[str, float]:
        """The numbers, by name, that set this objective apart from others of its class."""
        return {}

    @property
    def leaning(self) -> str:
        """What rewards prefer, as a clause."""
        return f"rewards are {self.words}"

    @property
    @final
    def brief(self) -> str:
        """What tells it from others, in a few words: ``λ 0.02``."""
        said = ", ".join(f"{name} {value:g}" for name, value in self.traits.items())
        return said or self.words


def objective_class(name: str) -> type[Objective]:
    """The class that `OBJECTIVES` lists under ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in OBJECTIVES:
        raise unknown_name("objective", name, OBJECTIVES)
    loaded: type[Objective] = referred(OBJECTIVES[name])
    return loaded


def objective_code(name: str) -> str:
    """Version of the code of the objective ``name`` and of what provides the facts it needs.

    Raises:
        UsageError: there is no such objective.
    """
    needs = objective_class(name).needs
    return code_version(OBJECTIVES[name], *needs.values())


@final
@dataclass(frozen=True)
class Connections(Objective):
    """Accuracy and few connections: accuracy + ``weight`` · fraction of unconnected blocks.

    Attributes:
        weight: λ, the price of connections in accuracy; not below zero.
    """

    formula = "accuracy + λ · fraction of unconnected blocks"

    weight: float

    @classmethod
    def made(cls, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> "Objective":
        del facts
        return cls(float(settings["objective_weight"]))

    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        unconnected: Float64[np.ndarray, " schemes"] = 1 - schemes.mean(axis=1)
        return accuracy + self.weight * unconnected

    @property
    def words(self) -> str:
        return self.formula.replace("λ", f"{self.weight:g}")

    @property
    def traits(self) -> dict[str, float]:
        return {"λ": self.weight}

    @property
    def leaning(self) -> str:
        return "rewards prefer few connections" if self.weight > 0 else "rewards are accuracies"


@final
@dataclass(frozen=True)
class _Unprovided(Objective):
    """An objective of a run that has not come to measuring what its rewards need."""

    formula: str

    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        del schemes
        return np.full(len(accuracy), np.nan)

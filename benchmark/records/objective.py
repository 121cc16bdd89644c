"""What searches maximise, said once: searches, pages, curves, comparisons and `watch` ask here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

WORDS = "accuracy + λ · fraction of unconnected blocks"
"""The reward, as readers see it."""


@dataclass(frozen=True)
class Objective:
    """The reward of a scheme: accuracy + ``weight`` · fraction of unconnected blocks.

    Attributes:
        weight: λ, the price of connections in accuracy; not below zero.
    """

    weight: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Objective":
        """The objective of a run with these settings by name."""
        return cls(float(settings["objective_weight"]))

    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        """Reward of each scheme; NaN where its answer failed.

        Args:
            schemes: one a row.
            accuracy: of each on the validation split, in [0, 1]; NaN where it has none.
        """
        unconnected: Float64[np.ndarray, " schemes"] = 1 - schemes.mean(axis=1)
        return accuracy + self.weight * unconnected

    @property
    def words(self) -> str:
        """`WORDS` with this weight."""
        return WORDS.replace("λ", f"{self.weight:g}")

    @property
    def traits(self) -> dict[str, float]:
        """By name, all that sets this objective apart from others."""
        return {"λ": self.weight}

    @property
    def brief(self) -> str:
        """``λ 0.02``."""
        return ", ".join(f"{name} {value:g}" for name, value in self.traits.items())

    @property
    def leaning(self) -> str:
        """What rewards prefer beside accuracy, in words."""
        return "rewards prefer few connections" if self.weight > 0 else "rewards are accuracies"

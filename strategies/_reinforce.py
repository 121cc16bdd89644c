"""Pieces of policy-gradient searches: baseline and replay buffer."""

from collections import deque
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float64

Replay = Literal["clipped surrogate", "reversed clip"]
"""Objectives of replays; `strategies._losses` has them."""


@final
class MovingAverage:
    """Exponential moving average that starts at the first observation.

    Args:
        decay: weight of the past, in [0, 1).
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._value: float | None = None

    def update(self, observation: float) -> float:
        """Take an observation in and return the new average."""
        past = observation if self._value is None else self._value
        self._value = self._decay * past + (1 - self._decay) * observation
        return self._value


@final
@dataclass(frozen=True)
class Experience:
    """What is remembered of one step.

    Attributes:
        schemes: that were proposed.
        rewards: their answers, scaled, without the curiosity bonus.
        log_probability: of each decision under the policy that drew it.
    """

    schemes: Bool[np.ndarray, "n blocks"]
    rewards: Float64[np.ndarray, " n"]
    log_probability: Float64[np.ndarray, "n blocks"]


@final
class ReplayBuffer:
    """The most recent steps, first in first out.

    Args:
        capacity: steps that are kept.
        rng: source of the draws.
    """

    def __init__(self, capacity: int, *, rng: np.random.Generator) -> None:
        self._steps: deque[Experience] = deque(maxlen=capacity)
        self._rng = rng

    def add(self, experience: Experience) -> None:
        """Remember a step; the oldest is forgotten when the buffer is full."""
        self._steps.append(experience)

    def draw(self) -> Experience:
        """One step, each with equal chance."""
        return self._steps[self._rng.integers(len(self._steps))]

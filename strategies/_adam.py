from typing import final

import numpy as np
from jaxtyping import Float64

_SECOND = 0.999
_EPSILON = 1e-8


@final
class Adam:
    """Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), in place.

    In NumPy, for networks so small that starting torch's operations takes longer than
    what they do.

    Args:
        weights: what is learnt, changed by every step.
        learning_rate: α; β₂ and ε are the paper's.
        momentum: β₁, the weight of earlier gradients in their moving average.
    """

    def __init__(
        self,
        weights: Float64[np.ndarray, " weights"],
        *,
        learning_rate: float,
        momentum: float = 0.9,
    ) -> None:
        self._weights = weights
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._mean = np.zeros_like(weights)
        self._square = np.zeros_like(weights)
        self._scratch = np.empty_like(weights)
        self._steps = 0

    def descend(self, gradient: Float64[np.ndarray, " weights"]) -> None:
        """One step down the gradient."""
        self._steps += 1
        scratch = self._scratch
        _average(self._mean, gradient, self._momentum, scratch)
        _average(self._square, np.square(gradient, out=scratch), _SECOND, scratch)
        np.sqrt(self._square, out=scratch)
        scratch /= np.sqrt(1 - _SECOND**self._steps)
        scratch += _EPSILON
        np.divide(self._mean, scratch, out=scratch)
        scratch *= self._learning_rate / (1 - self._momentum**self._steps)
        self._weights -= scratch


def _average(
    average: Float64[np.ndarray, " weights"],
    observation: Float64[np.ndarray, " weights"],
    decay: float,
    scratch: Float64[np.ndarray, " weights"],
) -> None:
    """Move an exponential moving average; ``scratch`` may be the observation."""
    average *= decay
    average += np.multiply(observation, 1 - decay, out=scratch)

from typing import final

import numpy as np
from jaxtyping import Bool, Float64

from strategies.base import Schemes

Spins = Float64[np.ndarray, "n blocks"]
"""Schemes with 1 for connected and -1 for unconnected."""


def spins(schemes: Bool[np.ndarray, "n blocks"]) -> Spins:
    """Schemes as numbers that products can be taken of."""
    return np.where(schemes, 1.0, -1.0)


def second_order(schemes: Bool[np.ndarray, "n blocks"]) -> Float64[np.ndarray, "n features"]:
    """A constant, every spin, and the product of every pair, first block's pairs first."""
    x = spins(schemes)
    first, second = np.triu_indices(x.shape[1], 1)
    return np.concatenate([np.ones((len(x), 1)), x, x[:, first] * x[:, second]], axis=1)


@final
class Quadratic:
    """The function of schemes that has these coefficients on `second_order`.

    Args:
        coefficients: 1 + blocks + blocks · (blocks - 1) / 2 of them.
        blocks: bits of a scheme.
    """

    def __init__(self, coefficients: Float64[np.ndarray, " features"], *, blocks: int) -> None:
        self._constant = float(coefficients[0])
        self._linear = coefficients[1 : blocks + 1]
        self._pairs = np.zeros((blocks, blocks))
        self._pairs[np.triu_indices(blocks, 1)] = coefficients[blocks + 1 :]
        self._pairs += self._pairs.T

    def value(self, schemes: Schemes) -> Float64[np.ndarray, " n"]:
        """What the function is at each scheme."""
        x = spins(schemes)
        slopes = self._linear + 0.5 * (x @ self._pairs)
        value: Float64[np.ndarray, " n"] = self._constant + (slopes * x).sum(axis=1)
        return value

    def gains(self, schemes: Schemes) -> Float64[np.ndarray, "n blocks"]:
        """What flipping each block would add to the value."""
        x = spins(schemes)
        gains: Float64[np.ndarray, "n blocks"] = -2 * x * (self._linear + x @ self._pairs)
        return gains

    def climb(self, schemes: Schemes) -> Schemes:
        """Local optima: from each scheme the steepest flip again and again.

        Each flip adds more than rounding does, so the climb ends.
        """
        schemes = schemes.copy()
        rows = np.arange(len(schemes))
        while True:
            gains = self.gains(schemes)
            steepest = gains.argmax(axis=1)
            rising = gains[rows, steepest] > 1e-9  # noqa: PLR2004 - rounding of unit-scale values
            if not rising.any():
                return schemes
            schemes[rows[rising], steepest[rising]] ^= True

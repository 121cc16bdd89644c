"""Answered requests of a lane, as its journal keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float64

from benchmark.records.schemes import scheme_bits

Answer = tuple[float, float]
"""Accuracy and loss of one scheme; NaN where the oracle failed."""


@dataclass(frozen=True)
class Call:
    """An answered request for scores.

    Attributes:
        bits: the schemes.
        answers: of each scheme.
        fidelity: fraction of the validation split that they were made on.
    """

    bits: list[str]
    answers: list[Answer]
    fidelity: Fraction = Fraction(1)

    @property
    def charge(self) -> Fraction:
        """Evaluations that the call is charged with, fractions for cheaper answers included."""
        return len(self.bits) * self.fidelity


@dataclass(frozen=True)
class Query:
    """An answered question for a gate gradient.

    Attributes:
        request: digest of the question.
        charge: evaluations that it costs.
        loss: the answer's.
        gradient: the answer's, float64 as bytes.
    """

    request: str
    charge: Fraction
    loss: float
    gradient: bytes


def bits_of(schemes: Bool[np.ndarray, "n blocks"]) -> list[str]:
    """Store keys of a matrix of schemes."""
    return [scheme_bits(scheme) for scheme in schemes]


def answer_arrays(
    answers: Sequence[Answer],
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Accuracies and losses as arrays."""
    pairs = np.array(answers, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()

"""The oracle contract: what a scheme scores on the validation split of a frozen supernet."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float64

from benchmark.basics.errors import SchemeError, UsageError
from strategies.base import GateGradient, GateQuestion, Need

Schemes = Bool[np.ndarray, "schemes blocks"]

BatchNormMode = Literal["recalibrated", "running"]
"""Statistics at scoring time: measured for each scheme on training draws, or the supernet's."""
BATCH_NORM_MODES: tuple[BatchNormMode, ...] = get_args(BatchNormMode)


@dataclass(frozen=True)
class Scores:
    """Answers of an oracle, one a scheme, in the order of the schemes.

    Attributes:
        accuracy: on the validation split, in [0, 1]; NaN where scoring failed.
        loss: mean validation loss in nats.
    """

    accuracy: Float64[np.ndarray, " schemes"]
    loss: Float64[np.ndarray, " schemes"]


LEAST = Fraction(1, 1000)
"""Smallest fraction of the validation split that may be asked for; less is as good as free."""

SCORES: frozenset[Need] = frozenset({"scores"})
"""What every oracle offers, and a table nothing else."""


class Oracle(ABC):
    """Scores schemes, deterministically and batch-invariantly.

    A scheme's answer is bit-identical whichever batch it is asked in, so answers
    can be cached, shared and sharded freely.
    """

    @property
    @abstractmethod
    def identity(self) -> str:
        """Content hash of everything that an answer depends on."""

    @property
    @abstractmethod
    def blocks(self) -> int:
        """How many bits a scheme has: one for each block."""

    @abstractmethod
    def score(self, schemes: Schemes) -> Scores:
        """Score each row of ``schemes``; duplicates and zero rows are fine.

        Raises:
            SchemeError: rows of another length than `blocks`, or no booleans.
        """

    @property
    def offers(self) -> frozenset[Need]:
        """What strategies may ask of it."""
        return SCORES

    def at(self, fidelity: Fraction) -> "Oracle":
        """This oracle on a fraction of its validation split, with an identity of its own.

        The subset of a smaller fraction lies in that of a larger one; at 1 it is this one.

        Raises:
            UsageError: it has full answers only, or the fraction is not between `LEAST` and 1.
        """
        if fidelity == 1:
            return self
        raise UsageError(f"expected an oracle that offers fidelity, received {self._described()}")

    def gate_gradient(self, question: GateQuestion) -> GateGradient:  # noqa: ARG002 - to be overridden
        """See `strategies.base.WhiteBox.gate_gradient`.

        Raises:
            UsageError: it offers no gradients, or there is no such share or gate.
        """
        raise UsageError(f"expected an oracle that offers gradients, received {self._described()}")

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        """See `strategies.base.WhiteBox.attention_weights`.

        Raises:
            UsageError: it offers no weights.
        """
        raise UsageError(f"expected an oracle that offers weights, received {self._described()}")

    def _described(self) -> str:
        return f"{type(self).__name__} with {', '.join(sorted(self.offers))} only"


def checked_question(question: GateQuestion, blocks: int) -> GateQuestion:
    """Return ``question`` if it has a gate in [0, 1] for each of ``blocks`` and a legal share.

    Raises:
        UsageError: it has not.
    """
    checked_fraction("share", question.share)
    gates = question.gates
    if gates.shape != (blocks,) or not np.all((gates >= 0) & (gates <= 1)):
        raise UsageError(f"expected {blocks} gates in [0, 1], received {gates.tolist()}")
    return question


def checked_fraction(name: str, fraction: Any) -> Fraction:
    """Return ``fraction`` if it is one between `LEAST` and 1, and exact: charges must add up.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(fraction, Rational):
        raise UsageError(f"expected a {name} such as Fraction(1, 4), received {fraction!r}")
    if not LEAST <= fraction <= 1:
        raise UsageError(f"expected a {name} from {LEAST} to 1, received {fraction}")
    return Fraction(fraction)


def checked(schemes: np.ndarray, blocks: int) -> Schemes:
    """Return ``schemes`` if it is a boolean matrix of ``blocks`` columns.

    Raises:
        SchemeError: it is not.
    """
    if schemes.ndim != 2 or schemes.shape[1] != blocks or schemes.dtype != np.bool_:  # noqa: PLR2004 - a matrix
        raise SchemeError(
            f"expected a boolean matrix of (n, {blocks}) schemes, "
            f"received {schemes.dtype} of {schemes.shape}"
        )
    return schemes


class Wrapper(Oracle, ABC):
    """An oracle that answers with the help of the one inside it."""

    def __init__(self, inner: Oracle) -> None:
        self.inner = inner

    @property
    def identity(self) -> str:
        return self.inner.identity

    @property
    def blocks(self) -> int:
        return self.inner.blocks

    @property
    def offers(self) -> frozenset[Need]:
        return self.inner.offers

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        return self.inner.gate_gradient(question)

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        return self.inner.attention_weights()

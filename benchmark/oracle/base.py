"""The oracle contract: what a scheme scores on the validation split of a frozen supernet."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from benchmark.errors import SchemeError
from tasks.base import Metric, Split

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


@dataclass(frozen=True)
class OracleData:
    """All that an oracle may see of a task; test data can't be reached from here.

    Attributes:
        validation: the frozen validation split.
        calibration: training draws that batch norms are recalibrated on.
        metric: makes scores of outputs.
    """

    validation: Split
    calibration: Float[Tensor, "n c h w"]
    metric: Metric


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
        """Bits of a scheme."""

    @abstractmethod
    def score(self, schemes: Schemes) -> Scores:
        """Score each row of ``schemes``; duplicates and zero rows are fine.

        Raises:
            SchemeError: rows of another length than `blocks`, or no booleans.
        """


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

"""The strategy contract. A leaf: this package imports nothing else of ours.

A strategy's life is a loop that somebody else drives::

    strategy = Random(space, rng=np.random.default_rng(0))
    while len(schemes := strategy.ask(remaining)) > 0:
        strategy.tell(schemes, answers_of(schemes))

Given the same generator and the same answers a strategy proposes the same
schemes, in any process: a killed run is resumed by replaying its answers.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64

Schemes = Bool[np.ndarray, "n blocks"]
"""One scheme a row, one block a column, first block first; True = connected."""


Need = Literal["scores", "fidelity", "gradients", "weights"]
"""What a strategy may ask of the oracle: full answers, partial ones, gate gradients, weights."""

FULL = Fraction(1)
"""Fidelity of an answer on the whole validation split."""


class StrategyError(ValueError):
    """A strategy was set up or used against its contract."""


@dataclass(frozen=True)
class SearchSpace:
    """What is searched, and how much may be spent on it.

    Attributes:
        blocks_per_stage: blocks of each stage of the backbone.
        budget: evaluations this run may spend in all; strategies may plan with it.
    """

    blocks_per_stage: tuple[int, ...]
    budget: int

    @property
    def blocks(self) -> int:
        """Bits of a scheme: blocks of all stages together."""
        return sum(self.blocks_per_stage)


@dataclass(frozen=True)
class Request:
    """Schemes and how much of the validation split they are to be scored on.

    Attributes:
        schemes: one a row.
        fidelity: fraction of the split, from 1/1000 to 1; a row is charged so much of an
            evaluation. The subset of a smaller fraction lies in that of a larger one.
    """

    schemes: Schemes
    fidelity: Fraction = FULL


@dataclass(frozen=True)
class Answers:
    """The oracle's answers to a matrix of schemes, row by row; NaN where it failed.

    Attributes:
        reward: accuracy + λ · fraction of unconnected blocks; what is to be maximised.
        accuracy: on the validation split, in [0, 1].
        loss: mean validation loss in nats.
        fidelity: fraction of the split that they were made on. Only full answers count
            for what a search has found.
    """

    reward: Float64[np.ndarray, " n"]
    accuracy: Float64[np.ndarray, " n"]
    loss: Float64[np.ndarray, " n"]
    fidelity: Fraction = FULL


@dataclass(frozen=True)
class GateQuestion:
    """Asks for the gradient of the validation loss by soft gates.

    Block l passes on gₗ · SAM(f) + (1 − gₗ) · f instead of one or the other, so gates of
    0 and 1 are schemes.

    Attributes:
        gates: one a block, in [0, 1].
        share: fraction of the validation split that the loss is taken on, from 1/1000 to 1.
        part: which of the consecutive shares, counted cyclically.
        virtual_rate: above 0, the gradient after one virtual step of SGD of this learning
            rate on training draws, as DARTS's second order has it.
    """

    gates: Float64[np.ndarray, " blocks"]
    share: Fraction = FULL
    part: int = 0
    virtual_rate: float = 0.0

    @property
    def charge(self) -> Fraction:
        """Evaluations that it costs: 3 · b / len(validation) a pass over b images and back.

        The first order takes one pass, the second four.
        """
        return (12 if self.virtual_rate > 0 else 3) * self.share


@dataclass(frozen=True)
class GateGradient:
    """How the validation loss answers to soft gates.

    Attributes:
        loss: mean loss in nats; NaN where it failed.
        gradient: its derivative by each gate, first block first.
    """

    loss: float
    gradient: Float64[np.ndarray, " blocks"]


@runtime_checkable
class WhiteBox(Protocol):
    """What of the oracle a strategy may see that declares the need.

    Every gradient is charged and recorded like an answer; weights are free.
    """

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        """Loss of the frozen supernet with soft gates, and its gradient (need: gradients)."""
        ...

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        """Copies of each block's SAM parameters by name, first block first (need: weights).

        Blocks that share a SAM have the same.
        """
        ...


class Strategy(ABC):
    """Proposes schemes and learns from their answers.

    Keyword-only parameters of ``__init__`` other than ``rng`` are the strategy's
    hyper-parameters; each has an annotation of simple types (bool, int, float, str,
    None, Literal), a default, and a description in the class docstring's Args.
    ``--set name.parameter=value`` overrides it; `strategies.hyper_parameters` reads it.
    Arguments of every method belong to the caller and are never changed.

    Args:
        space: what is searched.
        rng: the only source of randomness.
    """

    name: ClassVar[str]
    """What users call it: lower case, words joined by hyphens."""
    summary: ClassVar[str]
    """One line for lists and reports."""
    source: ClassVar[str]
    """The paper it follows, by name, or what else it rests on."""
    needs: ClassVar[tuple[Need, ...]] = ("scores",)
    """What it asks of the oracle."""

    _white_box: WhiteBox | None = None

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng

    def look_into(self, oracle: WhiteBox) -> None:
        """Take the white box, once before the first ask, where `needs` names gradients or weights.

        What its gradients cost during an ``ask(n)`` is part of that ``n``.
        """
        self._white_box = oracle

    @property
    def oracle(self) -> WhiteBox:
        """The white box.

        Raises:
            StrategyError: nobody gave it one.
        """
        if self._white_box is None:
            raise StrategyError(
                f"{type(self).__name__} was given no white box: expected needs that name gradients "
                f"or weights and a call of look_into before ask, received needs {self.needs}"
            )
        return self._white_box

    @abstractmethod
    def ask(self, n: int) -> Schemes | Request:
        """Propose between 1 and ``n`` schemes; zero rows say that the search is finished.

        The strategy chooses its natural batch (a generation, the samples of a
        step); ``n`` is what the budget has left, in whole evaluations. A `Request` with a
        fidelity asks for partial answers, which cost less: rows · fidelity must not exceed
        ``n``. The search is over when less than one evaluation is left.
        """

    @abstractmethod
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """Learn the answers to the schemes of the last ``ask``, in the same order."""

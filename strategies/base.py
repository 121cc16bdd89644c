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
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float64

Schemes = Bool[np.ndarray, "n blocks"]
"""One scheme a row, one block a column, first block first; True = connected."""


Need = Literal["scores", "gradients", "weights"]
"""What a strategy may ask of the oracle."""


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
        """Bits of a scheme."""
        return sum(self.blocks_per_stage)


@dataclass(frozen=True)
class Answers:
    """The oracle's answers to a matrix of schemes, row by row; NaN where it failed.

    Attributes:
        reward: accuracy + λ · fraction of unconnected blocks; what is to be maximised.
        accuracy: on the validation split, in [0, 1].
        loss: mean validation loss in nats.
    """

    reward: Float64[np.ndarray, " n"]
    accuracy: Float64[np.ndarray, " n"]
    loss: Float64[np.ndarray, " n"]


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

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng

    @abstractmethod
    def ask(self, n: int) -> Schemes:
        """Propose between 1 and ``n`` schemes; zero rows say that the search is finished.

        The strategy chooses its natural batch (a generation, the samples of a
        step); ``n`` is what the budget has left.
        """

    @abstractmethod
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """Learn the answers to the schemes of the last ``ask``, in the same order."""

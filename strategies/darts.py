from fractions import Fraction
from typing import Literal, final

import numpy as np
from jaxtyping import Float64

from strategies._adam import Adam
from strategies._checks import (
    require_above_zero,
    require_not_negative,
    require_positive,
)
from strategies.base import (
    Answers,
    GateQuestion,
    Schemes,
    SearchSpace,
    Strategy,
    StrategyError,
)

LEAST = 0.001
"""Smallest share that an oracle gives."""
_DEVIATION = 1e-3
_MOMENTUM = 0.5
"""Adam's β₁, as DARTS has it for logits."""

Vector = Float64[np.ndarray, " blocks"]


@final
class DARTS(Strategy):
    """Gradient descent on soft gates of the frozen supernet, then the schemes they point to.

    Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019), as "The
    Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network" compares
    with it. From DARTS's released code: two logits a block that start at 1e-3 · N(0, 1),
    the gate is the softmax's connected part, Adam with β = (0.5, 0.999) and weight decay
    1e-3, one part of the validation split a step, each part in turn. Adapted: there the
    supernet is trained between steps; here its weights are frozen, as for every strategy.
    The first order follows the gradient at those weights. The second order follows the
    gradient after one virtual step of SGD on training draws, and includes what the gates
    do to that step; no step is kept. The released rate of 3e-4 belongs to twenty thousand
    steps, of which a budget in evaluations buys hundreds: the default is larger.

    Stated by the paper: one validation batch a step. Inferred from its Table I: for each
    retain probability the top ⌊p · blocks⌋ blocks. Asked are all of them: the scheme of the
    gates above one half first, then the best k blocks for every other k, nearest first.
    The search ends there. A gradient that is not a number moves nothing.

    A step costs 3 · ``share`` evaluations in first order, four times that in second; steps
    take no more of the budget than leaves an evaluation for each k.

    Args:
        space: what is searched.
        rng: of the first logits.
        order: ``first`` or ``second``.
        steps: at most.
        share: of the validation split that a step's gradient is taken on.
        learning_rate: of Adam.
        weight_decay: of Adam, on the logits.
        virtual_rate: learning rate of the virtual step in second order.
    """

    name = "darts"
    summary = "gradient descent on soft gates of the frozen supernet"
    source = "DARTS: Differentiable Architecture Search"
    needs = ("scores", "gradients")

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        order: Literal["first", "second"] = "first",
        steps: int = 300,
        share: float = 0.05,
        learning_rate: float = 0.02,
        weight_decay: float = 1e-3,
        virtual_rate: float = 0.01,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(steps=steps)
        require_not_negative(weight_decay=weight_decay)
        if not LEAST <= share <= 1:
            raise StrategyError(f"expected share from {LEAST} to 1, received {share}")
        require_above_zero(learning_rate=learning_rate, virtual_rate=virtual_rate)
        self._steps = steps
        self._share = Fraction(share).limit_denominator(10**6)
        self._virtual_rate = virtual_rate if order == "second" else 0.0
        self._logits = _DEVIATION * rng.standard_normal(2 * space.blocks)
        self._adam = Adam(self._logits, learning_rate=learning_rate, momentum=_MOMENTUM)
        self._decay = weight_decay
        self._schemes: Schemes | None = None

    @property
    def gates(self) -> Vector:
        """The connected part of each block's softmax."""
        unconnected, connected = np.split(self._logits, 2)
        gates: Vector = 1 / (1 + np.exp(unconnected - connected))
        return gates

    def ask(self, n: int) -> Schemes:
        spent = Fraction(0)
        if self._schemes is None:
            spent = self._descend(n)
            self._schemes = self._discretised()
        count = int(n - spent)
        asked, self._schemes = self._schemes[:count].copy(), self._schemes[count:]
        return asked

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """What is asked has been decided by gradients."""

    def _descend(self, n: int) -> Fraction:
        """Take the steps that the budget allows; returns what they cost."""
        charge = GateQuestion(self.gates, self._share, 0, self._virtual_rate).charge
        reserved = min(self.space.blocks + 1, -(-n // 2))
        steps = min(self._steps, int((n - reserved) / charge))
        for step in range(steps):
            gates = self.gates
            question = GateQuestion(gates, self._share, step, self._virtual_rate)
            slope = self.oracle.gate_gradient(question).gradient * gates * (1 - gates)
            if np.isfinite(slope).all():
                gradient = np.concatenate([-slope, slope])
                self._adam.descend(gradient + self._decay * self._logits)
        return steps * charge

    def _discretised(self) -> Schemes:
        """The gates' own scheme, then the best k blocks for every other k, nearest first."""
        gates = self.gates
        order = np.argsort(-gates, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        own = int(np.count_nonzero(gates > 0.5))  # noqa: PLR2004 - even odds
        counts = sorted(range(len(gates) + 1), key=lambda k: (abs(k - own), k))
        schemes: Schemes = rank < np.array(counts)[:, None]
        return schemes

"""An oracle in closed form that counts what it is asked."""

from fractions import Fraction

import numpy as np

from benchmark.oracle.base import SCORES, Oracle, Schemes, Scores, checked
from strategies.base import GateGradient, GateQuestion, Need


class Formula(Oracle):
    """Accuracy is the mean of ``weights`` over connected blocks; loss is 1 − accuracy."""

    def __init__(self, weights: list[float]) -> None:
        self.weights = np.array(weights)
        self.asked: list[int] = []

    @property
    def identity(self) -> str:
        return f"formula {self.weights.tolist()}"

    @property
    def blocks(self) -> int:
        return len(self.weights)

    def score(self, schemes: Schemes) -> Scores:
        self.asked.append(len(checked(schemes, self.blocks)))
        accuracy = schemes @ self.weights / self.blocks
        return Scores(accuracy=accuracy, loss=1 - accuracy)


class PartialFormula(Formula):
    """A formula that can be asked in part: answers at fidelity f are (1 − f) too low.

    It also has the gradient of its loss by soft gates, exact because it is linear.
    """

    def __init__(self, weights: list[float]) -> None:
        super().__init__(weights)
        self.parts: dict[Fraction, Formula] = {}
        self.questions: list[GateQuestion] = []

    @property
    def offers(self) -> frozenset[Need]:
        return SCORES | {"fidelity", "gradients"}

    def at(self, fidelity: Fraction) -> Oracle:
        if fidelity == 1:
            return self
        return self.parts.setdefault(fidelity, _Part(self.weights.tolist(), fidelity))

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        self.questions.append(question)
        loss = 1 - float(question.gates @ self.weights) / self.blocks
        return GateGradient(loss, -self.weights / self.blocks)


class _Part(Formula):
    def __init__(self, weights: list[float], fidelity: Fraction) -> None:
        super().__init__(weights)
        self.fidelity = fidelity

    @property
    def identity(self) -> str:
        return f"{super().identity} at {self.fidelity}"

    def score(self, schemes: Schemes) -> Scores:
        full = super().score(schemes)
        return Scores(accuracy=full.accuracy - (1 - float(self.fidelity)), loss=full.loss)

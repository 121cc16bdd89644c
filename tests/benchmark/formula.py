"""An oracle in closed form that counts what it is asked."""

import numpy as np

from benchmark.oracle.base import Oracle, Schemes, Scores, checked


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

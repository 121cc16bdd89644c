from typing import final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from strategies._networks import DTYPE, Descent, bits, perceptron
from strategies.base import Schemes

_HIDDEN = 32
_OUTPUTS_PER_BLOCK = 4


@final
class Curiosity:
    """Random network distillation: how unlike the schemes seen so far a scheme looks.

    Burda et al., "Exploration by Random Network Distillation" (ICLR 2019), with the
    networks of EAN's released code: a fixed random target with two hidden layers of 32
    units and a trained predictor with one, both with four outputs a block.

    Args:
        blocks: bits of a scheme.
        learning_rate: of the predictor's Adam.
        rng: source of both networks' initial weights.
    """

    def __init__(self, *, blocks: int, learning_rate: float, rng: np.random.Generator) -> None:
        outputs = _OUTPUTS_PER_BLOCK * blocks
        self._target = perceptron(blocks, _HIDDEN, _HIDDEN, outputs, rng=rng)
        self._predictor = perceptron(blocks, _HIDDEN, outputs, rng=rng)
        self._descent = Descent(self._predictor.parameters(), learning_rate=learning_rate)

    def bonus(self, schemes: Schemes) -> Float64[np.ndarray, " n"]:
        """Squared distance between the two networks' outputs for each scheme."""
        with torch.no_grad():
            return self._distance(schemes).numpy()

    def observe(self, schemes: Schemes) -> Float64[np.ndarray, " n"]:
        """The bonus of each scheme as it was before the predictor learns these schemes."""
        distance = self._distance(schemes)
        self._descent.step(distance.sum())
        return distance.detach().numpy()

    def _distance(self, schemes: Schemes) -> Float64[Tensor, " n"]:
        rows = bits(schemes).to(DTYPE)
        with torch.no_grad():
            target: Tensor = self._target(rows)
        predicted: Tensor = self._predictor(rows)
        return (target - predicted).square().sum(dim=1)

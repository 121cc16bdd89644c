from typing import final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from strategies._losses import REPLAYS, reinforce_loss
from strategies._networks import DTYPE, Descent, bits, perceptron
from strategies._reinforce import Experience, Replay
from strategies.base import Schemes

_INPUTS = 20
_HIDDEN = 50


@final
class Controller:
    """EAN's policy: a fully connected network from a constant input to one decision a block.

    One hidden layer of 50 units, as in the released code. Outputs 2i and 2i+1 are the
    logits of leaving block i unconnected and of connecting it; blocks are independent
    given the weights.

    Args:
        blocks: bits of a scheme.
        constant: every entry of the input vector of length 20.
        temperature: divides the logits; the higher, the closer to coin flips.
        learning_rate: of Adam.
        rng: source of the initial weights.
    """

    def __init__(
        self,
        *,
        blocks: int,
        constant: float,
        temperature: float,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> None:
        self._network = perceptron(_INPUTS, _HIDDEN, 2 * blocks, rng=rng)
        self._input = torch.full((_INPUTS,), constant, dtype=DTYPE)
        self._temperature = temperature
        self._descent = Descent(self._network.parameters(), learning_rate=learning_rate)

    def log_policy(self) -> Float64[Tensor, "blocks 2"]:
        """Log-probabilities of (unconnected, connected) for each block."""
        logits: Tensor = self._network(self._input).view(-1, 2)
        return (logits / self._temperature).log_softmax(dim=1)

    def log_probability(self, schemes: Schemes) -> Float64[Tensor, "n blocks"]:
        """Log-probability of each decision of the schemes; carries the gradient."""
        unconnected, connected = self.log_policy().unbind(dim=1)
        return torch.where(bits(schemes), connected, unconnected)

    def sample(self, n: int, rng: np.random.Generator) -> Schemes:
        """Draw schemes from the policy."""
        with torch.no_grad():
            connected = self.log_policy()[:, 1].exp().numpy()
        return rng.random((n, len(connected))) < connected

    def reinforce(
        self, schemes: Schemes, advantage: Float64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n blocks"]:
        """Follow the policy gradient for one step.

        Returns:
            Log-probability of each decision before the step.
        """
        log_probability = self.log_probability(schemes)
        self._descent.step(reinforce_loss(log_probability, advantage))
        return log_probability.detach().numpy()

    def climb(
        self,
        replay: Replay,
        past: Experience,
        advantage: Float64[np.ndarray, " n"],
        *,
        clip: float,
        weight: float,
    ) -> None:
        """Replay a remembered step: one step up its objective.

        Args:
            replay: which objective.
            past: the step, with its log-probabilities at that time.
            advantage: of each of its schemes.
            clip: ε of the objective.
            weight: factor of the objective.
        """
        objective = REPLAYS[replay](
            self.log_probability(past.schemes),
            torch.from_numpy(past.log_probability),
            advantage,
            clip=clip,
        )
        self._descent.step(-weight * objective)

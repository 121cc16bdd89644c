from typing import final

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor, nn

from strategies._networks import DTYPE, bits, descend, fill_uniform
from strategies.base import Schemes

_INITIAL_BOUND = 0.1
_START = 2
"""Row of the embedding that the first step reads; rows 0 and 1 are the decisions."""


@final
class RecurrentController:
    """ENAS's policy: an LSTM that decides block after block.

    Step i reads an embedding of decision i-1 (the first a learnt start) and turns its
    hidden state into two logits with a decoder that all steps share. All weights start
    at U(±0.1).

    Args:
        hidden: units of the LSTM and length of the embeddings.
        temperature: divides the logits.
        learning_rate: of Adam.
        rng: source of the initial weights.
    """

    def __init__(
        self, *, hidden: int, temperature: float, learning_rate: float, rng: np.random.Generator
    ) -> None:
        with torch.device("meta"):
            embedding = nn.Embedding(3, hidden, dtype=DTYPE)
            lstm = nn.LSTM(hidden, hidden, batch_first=True, dtype=DTYPE)
            decoder = nn.Linear(hidden, 2, dtype=DTYPE)
        modules = nn.ModuleList([embedding, lstm, decoder]).to_empty(device="cpu")
        fill_uniform(modules.parameters(), _INITIAL_BOUND, rng)
        self._embedding, self._lstm, self._decoder = embedding, lstm, decoder
        self._temperature = temperature
        self._optimiser = torch.optim.Adam(modules.parameters(), lr=learning_rate)

    def log_policy(self, schemes: Schemes) -> Float64[Tensor, "n blocks 2"]:
        """Log-probabilities of (unconnected, connected), each given the scheme's earlier bits."""
        inputs = bits(schemes).long().roll(1, dims=1)
        inputs[:, 0] = _START
        log_policy, _ = self._advance(inputs, None)
        return log_policy

    def sample(self, n: int, *, blocks: int, rng: np.random.Generator) -> Schemes:
        """Draw schemes from the policy."""
        schemes = np.empty((n, blocks), dtype=bool)
        inputs, state = torch.full((n, 1), _START), None
        with torch.no_grad():
            for block, draws in enumerate(rng.random((blocks, n))):
                log_policy, state = self._advance(inputs, state)
                schemes[:, block] = draws < log_policy[:, 0, 1].exp().numpy()
                inputs = bits(schemes[:, block, None]).long()
        return schemes

    def descend(self, loss: Float64[Tensor, ""]) -> None:
        """One step of Adam down the gradient of the loss."""
        descend(self._optimiser, loss)

    def _advance(
        self, inputs: Int64[Tensor, "n steps"], state: tuple[Tensor, Tensor] | None
    ) -> tuple[Float64[Tensor, "n steps 2"], tuple[Tensor, Tensor]]:
        hidden, state = self._lstm(self._embedding(inputs), state)
        return (self._decoder(hidden) / self._temperature).log_softmax(dim=2), state

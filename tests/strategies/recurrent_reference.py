"""ENAS's policy on torch's LSTM and autograd: slow, obvious, and what the fast one is held to."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor, nn

from strategies._networks import DTYPE, bits, fill_uniform
from strategies.base import Schemes

_INITIAL_BOUND = 0.1
_START = 2
"""Row of the embedding that the first step reads; rows 0 and 1 are the decisions."""


@final
class TorchController:
    """`strategies._recurrent.RecurrentController` with weights of the same names."""

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
        self._parameters = list(modules.parameters())
        self._optimiser = torch.optim.Adam(modules.parameters(), lr=learning_rate)

    def log_policy(self, schemes: Schemes) -> Float64[Tensor, "n blocks 2"]:
        """Log-probabilities of (unconnected, connected), each given the scheme's earlier bits."""
        inputs = bits(schemes).long().roll(1, dims=1)
        inputs[:, 0] = _START
        log_policy, _ = self._advance(inputs, None)
        return log_policy

    def gradient(
        self, schemes: Schemes, slopes: Float64[np.ndarray, "n blocks"]
    ) -> Float64[np.ndarray, " weights"]:
        """Derivative of Σ slopes · (log-odds of connecting) by all weights, by autograd."""
        unconnected, connected = self.log_policy(schemes).unbind(dim=2)
        loss = ((connected - unconnected) * torch.from_numpy(slopes)).sum()
        parts = torch.autograd.grad(loss, self._parameters)
        return torch.cat([part.reshape(-1) for part in parts]).numpy()

    def descend(self, schemes: Schemes, slopes: Float64[np.ndarray, "n blocks"]) -> None:
        """One step of torch's Adam down the `gradient`."""
        unconnected, connected = self.log_policy(schemes).unbind(dim=2)
        loss = ((connected - unconnected) * torch.from_numpy(slopes)).sum()
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        self._optimiser.step()

    def _advance(
        self, inputs: Int64[Tensor, "n steps"], state: tuple[Tensor, Tensor] | None
    ) -> tuple[Float64[Tensor, "n steps 2"], tuple[Tensor, Tensor]]:
        hidden, state = self._lstm(self._embedding(inputs), state)
        return (self._decoder(hidden) / self._temperature).log_softmax(dim=2), state

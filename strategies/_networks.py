"""Torch layers whose weights come from a NumPy generator.

Modules are built without initialisation, so torch's global generator is never
drawn from, and in double precision: over hundreds of updates single precision
would let another thread count or build of torch flip a sampled bit.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor, nn

from strategies._adam import Adam

DTYPE = torch.float64


def fill_uniform(parameters: Iterable[Tensor], bound: float, rng: np.random.Generator) -> None:
    """Draw every entry from U(-``bound``, ``bound``), tensor by tensor."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, parameter.shape)))


def linear(inputs: int, outputs: int, rng: np.random.Generator) -> nn.Linear:
    """Linear layer with torch's default distribution, U(±1/√inputs) for weights and biases."""
    layer = nn.Linear(inputs, outputs, device="meta", dtype=DTYPE).to_empty(device="cpu")
    fill_uniform(layer.parameters(), inputs**-0.5, rng)
    return layer


def perceptron(*widths: int, rng: np.random.Generator) -> nn.Sequential:
    """Linear layers of these widths with ReLU between them and none at the end."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [linear(inputs, outputs, rng), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def bits(schemes: Bool[np.ndarray, "n blocks"]) -> Bool[Tensor, "n blocks"]:
    """Copy of the schemes as a tensor; the caller's array may be read-only."""
    return torch.tensor(schemes)


def column(values: Float64[np.ndarray, " n"]) -> Float64[Tensor, "n 1"]:
    """Copy of one number a scheme, to be broadcast over its blocks."""
    return torch.tensor(values)[:, None]


@final
class Descent:
    """Gradient descent by Adam on networks so small that starting torch's Adam is what takes time.

    Args:
        parameters: become views of one vector, and their gradients of another.
        learning_rate: of Adam.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, learning_rate: float) -> None:
        parameters = list(parameters)
        sizes = [parameter.numel() for parameter in parameters]
        weights = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
        self._gradient = torch.zeros_like(weights)
        parts = (torch.split(vector, sizes) for vector in (weights, self._gradient))
        for parameter, values, slopes in zip(parameters, *parts, strict=True):
            parameter.data = values.view(parameter.shape)
            parameter.grad = slopes.view(parameter.shape)  # which autograd adds to, in place
        self._adam = Adam(weights.numpy(), learning_rate=learning_rate)

    def step(self, loss: Float64[Tensor, ""]) -> None:
        """One step down the gradient of the loss."""
        self._gradient.zero_()
        torch.autograd.backward(loss)
        self._adam.descend(self._gradient.numpy())

"""Torch layers whose weights come from a NumPy generator.

Modules are built without initialisation, so torch's global generator is never
drawn from, and in double precision: over hundreds of updates single precision
would let another thread count or build of torch flip a sampled bit.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor, nn

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


def descend(optimiser: torch.optim.Optimizer, loss: Float64[Tensor, ""]) -> None:
    """One step of the optimiser down the gradient of the loss."""
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()

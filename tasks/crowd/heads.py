"""What turns a backbone's features into a density map."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasks.parts import Head

_DEVIATION = 0.01
"""Standard deviation of initial weights, as in both published codes."""


class _Layers(nn.Module):
    """Convolutions in a row, ReLU between them and perhaps at the end."""

    def __init__(self, layers: list[nn.Conv2d], *, rectified: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.rectified = rectified

    def forward(
        self, features: tuple[Tensor, ...], size: tuple[int, int]
    ) -> Float[Tensor, "n 1 rows columns"]:
        del size  # cells are as fine as the features
        result: Tensor = features[-1]
        for layer in self.layers[:-1]:
            result = layer(result).relu_()
        result = self.layers[-1](result)
        return result.relu_() if self.rectified else result


@dataclass(frozen=True)
class TwoLayers(Head):
    """C-3-Framework's head on ResNet50: two 1×1 convolutions, ReLU after both.

    Attributes:
        hidden: channels between them.
    """

    hidden: int = 128

    def build(self, channels: tuple[int, ...]) -> nn.Module:
        first, last = nn.Conv2d(channels[-1], self.hidden, 1), nn.Conv2d(self.hidden, 1, 1)
        return _Layers([first, last], rectified=True)

    def initialise(self, module: nn.Module, generator: torch.Generator) -> None:
        last = _small(module, generator)
        # Inputs of the last layer aren't negative. With weights of both signs, half of all
        # draws would be zero everywhere behind the ReLU, without a gradient to mend it.
        with torch.no_grad():
            last.weight.abs_()


@dataclass(frozen=True)
class Dilated(Head):
    """CSRNet's back end: dilated 3×3 convolutions and a 1×1, ReLU between them.

    Attributes:
        widths: channels of the 3×3 convolutions.
        dilation: of each.
    """

    widths: tuple[int, ...] = (512, 512, 512, 256, 128, 64)
    dilation: int = 2

    def build(self, channels: tuple[int, ...]) -> nn.Module:
        wide = [
            nn.Conv2d(inputs, outputs, 3, padding=self.dilation, dilation=self.dilation)
            for inputs, outputs in pairwise((channels[-1], *self.widths))
        ]
        return _Layers([*wide, nn.Conv2d(self.widths[-1], 1, 1)], rectified=False)

    def initialise(self, module: nn.Module, generator: torch.Generator) -> None:
        _small(module, generator)


def _small(module: nn.Module, generator: torch.Generator) -> nn.Conv2d:
    """Draw small weights, biases zero; returns the last layer."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=_DEVIATION, generator=generator)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    return layers[-1]

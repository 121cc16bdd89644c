"""Mixed precision, memory formats and compilation: how a recipe's arithmetic is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.networks.attention import Attention
from benchmark.networks.backbone import Block
from tasks.metrics import Outputs
from tasks.recipes import Recipe

_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_LARGEST_SAFE_SIDE = 32
_SHAPES = 8
"""That torch compiles a function for unasked."""


class Arithmetic:
    """A recipe's precision and layout on one device.

    Args:
        recipe: names them.
        device: where the network is.
        side: height of the images.
    """

    def __init__(self, recipe: Recipe, device: torch.device, side: int) -> None:
        self._device = device
        self._type = _TYPES[recipe.precision]
        self.layout = _memory_format(recipe, device, side)
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")

    def outputs(self, network: nn.Module, *inputs: object) -> Outputs:
        """What ``network`` makes of ``inputs``, in float32 for the loss."""
        mixed = self._type != torch.float32
        with torch.autocast(self._device.type, self._type, enabled=mixed):
            outputs: Outputs = network(*inputs)
        if isinstance(outputs, Tensor):
            return outputs.float()
        return tuple(part.float() for part in outputs)


def _memory_format(recipe: Recipe, device: torch.device, side: int) -> torch.memory_format:
    """Channels last is faster (a tenth on CPUs), but not where it isn't safe.

    On CPUs the backward pass of torch 2.15's strided 1×1 convolution overruns its
    memory for larger maps (seen with 8 → 16 channels at 64×64).
    """
    if recipe.memory_format == "auto":
        fits = device.type == "cuda" or side <= _LARGEST_SAFE_SIDE
        return torch.channels_last if fits else torch.contiguous_format
    wanted = recipe.memory_format == "channels-last"
    return torch.channels_last if wanted else torch.contiguous_format


@contextmanager
def compiled(network: nn.Module, *, wanted: bool) -> Iterator[None]:
    """Run the blocks and SAMs of ``network`` compiled, if ``wanted``, while inside.

    They are compiled one by one, with graphs shared by those of equal shapes: compiled
    as a whole, a supernet would be compiled again for each scheme.
    """
    blocks = [module for module in network.modules() if isinstance(module, Block) and wanted]
    modules = [module for module in network.modules() if isinstance(module, Attention) and wanted]
    # Of instances: they hide the methods until they are deleted.
    methods = [*((block, "body") for block in blocks), *((module, "forward") for module in modules)]
    for owner, name in methods:
        setattr(owner, name, _compiled(getattr(owner, name), shapes=len(methods)))
    try:
        yield
    finally:
        for owner, name in methods:
            delattr(owner, name)


def _compiled(function: Callable[..., Any], *, shapes: int) -> Callable[..., Any]:
    """``function`` compiled for so many ``shapes``, or as many as torch takes unasked.

    Older ones can't be asked; what has other shapes then runs as if it weren't compiled.
    """
    if "recompile_limit" not in signature(torch.compile).parameters:
        return torch.compile(function)
    limit: dict[str, Any] = {"recompile_limit": max(_SHAPES, 2 * shapes)}
    return torch.compile(function, **limit)

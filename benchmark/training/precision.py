"""Mixed precision, memory formats and compilation: how a recipe's arithmetic is done."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchmark.networks.attention import Attention
from benchmark.networks.backbone import Block
from tasks.metrics import Outputs
from tasks.recipes import Recipe

_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_LARGEST_SAFE_SIDE = 32


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
    shapes = len(blocks) + len(modules)
    with torch._dynamo.config.patch(recompile_limit=max(8, 2 * shapes)) if wanted else _nothing():  # noqa: SLF001 - its only name
        for block in blocks:
            # Of an instance: it hides the method until it is deleted.
            block.body = torch.compile(block.body)  # type: ignore[method-assign]
        for module in modules:
            module.compile()
        try:
            yield
        finally:
            for block in blocks:
                del block.body
            for module in modules:
                module._compiled_call_impl = None  # noqa: SLF001 - torch offers no undo


@contextmanager
def _nothing() -> Iterator[None]:
    yield

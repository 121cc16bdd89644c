"""A backbone with SAMs plugged in where a scheme says so."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.networks.attention import SE, Attention, State
from benchmark.networks.resnet import Backbone, Block, ResNet

Sharing = Literal["full", "share"]
SHARINGS: tuple[Sharing, ...] = get_args(Sharing)
MakeAttention = Callable[[int], Attention]
"""Makes the SAM for a number of channels."""

ATTENTIONS: dict[str, Callable[[int], MakeAttention]] = {
    "se": lambda reduction: lambda channels: SE(channels, reduction=reduction),
}


class AttentionNetwork(nn.Module):
    """Backbone + SAMs + scheme: ``forward(images, scheme)``.

    With ``sharing="full"`` each block owns a SAM; with ``"share"`` the blocks of
    a stage share one. A block whose bit is 0 passes its residual on unchanged.

    Args:
        spec: the backbone.
        make_attention: makes the SAM of a block or stage from its channels.
        sharing: ``full`` or ``share``.
    """

    def __init__(self, spec: Backbone, make_attention: MakeAttention, sharing: Sharing) -> None:
        super().__init__()
        self.spec = spec
        self.sharing: Sharing = sharing
        self.backbone = ResNet(spec)
        owners = range(spec.blocks) if sharing == "full" else range(len(spec.widths))
        self.attention = nn.ModuleDict(
            {
                str(owner): make_attention(
                    spec.widths[spec.stage_of[owner] if sharing == "full" else owner]
                )
                for owner in owners
            }
        )

    def attention_of(self, block: int) -> Attention:
        """The SAM that ``block`` uses when it is connected."""
        owner = block if self.sharing == "full" else self.spec.stage_of[block]
        module = self.attention[str(owner)]
        assert isinstance(module, Attention)
        return module

    def starts_stage(self, block: int) -> bool:
        """Whether ``block`` is the first of its stage, where recurrent state restarts."""
        return block == 0 or self.spec.stage_of[block] != self.spec.stage_of[block - 1]

    def forward(
        self, images: Float[Tensor, "n c h w"], scheme: Sequence[bool] | Bool[np.ndarray, " blocks"]
    ) -> Float[Tensor, "n classes"]:
        features = self.backbone.stem(images)
        state: State = None
        for index, block in enumerate(self.backbone.blocks):
            assert isinstance(block, Block)
            if self.starts_stage(index):
                state = None
            residual = block.body(features)
            if scheme[index]:
                residual, state = self.attention_of(index)(residual, state)
            features = (block.skip(features) + residual).relu_()
        return self.backbone.head(features)

    def used_owners(self, scheme: Sequence[bool] | Bool[np.ndarray, " blocks"]) -> set[str]:
        """Keys of ``attention`` that ``scheme`` uses."""
        return {
            str(block if self.sharing == "full" else self.spec.stage_of[block])
            for block in range(self.spec.blocks)
            if scheme[block]
        }


class SchemeNetwork(nn.Module):
    """The stand-alone network of one scheme: unused SAMs are dropped.

    It takes over the modules of ``network`` (no copy), so its output equals
    ``network(images, scheme)`` bit for bit.
    """

    def __init__(
        self, network: AttentionNetwork, scheme: Sequence[bool] | Bool[np.ndarray, " blocks"]
    ) -> None:
        super().__init__()
        self.network = network
        self.scheme = tuple(bool(bit) for bit in scheme)
        used = network.used_owners(self.scheme)
        network.attention = nn.ModuleDict(
            {key: module for key, module in network.attention.items() if key in used}
        )

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        outputs: Tensor = self.network(images, self.scheme)
        return outputs


def build_network(
    spec: Backbone,
    *,
    attention: str,
    reduction: int,
    sharing: Sharing,
    generator: torch.Generator,
) -> AttentionNetwork:
    """Build and initialise a network from ``generator`` alone (CPU, float32).

    Convolutions are drawn from N(0, 2 / (k² · outputs)), batch norms start at
    scale 1 and shift 0, linear layers follow torch's default, as in the paper's code.
    """
    with torch.device("meta"):
        network = AttentionNetwork(spec, ATTENTIONS[attention](reduction), sharing)
    network.to_empty(device="cpu")
    for module in network.modules():
        _initialise(module, generator)
    return network


def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5, generator=generator)
    elif isinstance(module, nn.BatchNorm2d):
        module.reset_parameters()
    elif isinstance(module, nn.Linear):
        bound = module.in_features**-0.5
        nn.init.uniform_(module.weight, -bound, bound, generator=generator)
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)

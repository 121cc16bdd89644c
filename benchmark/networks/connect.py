"""A backbone with SAMs plugged in where a scheme says so."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.networks.attention import Attention, State, attention_class
from benchmark.networks.backbone import Backbone, BackboneNetwork, Block, MakeHead
from benchmark.networks.initial import draw, made

Sharing = Literal["full", "share"]
SHARINGS: tuple[Sharing, ...] = get_args(Sharing)
MakeAttention = Callable[[int], Attention]
"""Makes the SAM for a number of channels."""

FinishHead = Callable[[nn.Module, torch.Generator], None]
"""Draws a head's values other than the usual ones, in place."""
_HEAD = "backbone.own_head"


class AttentionNetwork(nn.Module):
    """Backbone + SAMs + scheme: ``forward(images, scheme)``.

    With ``sharing="full"`` each block owns a SAM; with ``"share"`` the blocks of
    a stage share one. A block whose bit is 0 passes its residual on unchanged.

    Args:
        spec: the backbone.
        make_attention: makes the SAM of a block or stage from its channels.
        sharing: ``full`` or ``share``.
        make_head: makes a task's own head; None: the backbone's.

    Raises:
        UsageError: a recurrent SAM with ``full``.
    """

    def __init__(
        self,
        spec: Backbone,
        make_attention: MakeAttention,
        sharing: Sharing,
        make_head: MakeHead | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.sharing: Sharing = sharing
        self.backbone = BackboneNetwork(spec, make_head)
        owners = range(spec.blocks) if sharing == "full" else range(len(spec.widths))
        self.attention = nn.ModuleDict(
            {str(owner): make_attention(self.channels_of(str(owner))) for owner in owners}
        )
        for module in self.attention.values():
            assert isinstance(module, Attention)
            if module.recurrent and sharing == "full":
                raise UsageError(
                    f"{type(module).__name__} is one module for all blocks of a stage: "
                    "expected sharing 'share', received 'full'"
                )

    def channels_of(self, owner: str) -> int:
        """Channels of the features that the SAM under this key of ``attention`` gets."""
        stage = int(owner) if self.sharing == "share" else self.spec.stage_of[int(owner)]
        return self.spec.channels[stage]

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
    ) -> Any:
        """Outputs for ``images``; what a task's own head gives, if it has one."""
        self._check(scheme)
        features = self.backbone.stem(images)
        earlier: list[Tensor] = []
        for stage in range(len(self.spec.widths)):
            features = self.run_blocks(features, scheme, self.spec.blocks_of(stage))
            if stage in self.spec.earlier:
                earlier.append(features)
        return self.backbone.head(features, tuple(earlier), (images.shape[2], images.shape[3]))

    def run_blocks(
        self,
        features: Float[Tensor, "n c h w"],
        scheme: Sequence[bool] | Bool[np.ndarray, " blocks"],
        blocks: range,
    ) -> Float[Tensor, "n k i j"]:
        """Features behind the last of consecutive ``blocks``, the first of which starts a stage."""
        state: State = None
        for index in blocks:
            block = self.backbone.blocks[index]
            assert isinstance(block, Block)
            if self.starts_stage(index):
                state = None
            residual = block.body(features)
            if scheme[index]:
                residual, state = self.attention_of(index)(residual, state)
            features = block.join(block.skip(features), residual)
        return features

    def used_owners(self, scheme: Sequence[bool] | Bool[np.ndarray, " blocks"]) -> set[str]:
        """Keys of ``attention`` that ``scheme`` uses.

        Raises:
            SchemeError: a scheme of another length than the network's blocks.
        """
        self._check(scheme)
        return {
            str(block if self.sharing == "full" else self.spec.stage_of[block])
            for block in range(self.spec.blocks)
            if scheme[block]
        }

    def _check(self, scheme: Sequence[bool] | Bool[np.ndarray, " bits"]) -> None:
        if len(scheme) != self.spec.blocks:
            raise SchemeError(
                f"expected a scheme of {self.spec.blocks} bits, received {len(scheme)}"
            )


class SchemeNetwork(nn.Module):
    """The stand-alone network of one scheme: unused SAMs are dropped.

    It takes over the modules of ``network`` (no copy), so its output equals
    ``network(images, scheme)`` bit for bit.

    Raises:
        SchemeError: a scheme of another length than the network's blocks.
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

    def forward(self, images: Float[Tensor, "n c h w"]) -> Any:
        return self.network(images, self.scheme)


def outline_network(
    spec: Backbone,
    *,
    attention: str,
    reduction: int,
    sharing: Sharing,
    make_head: MakeHead | None = None,
) -> AttentionNetwork:
    """The network without weights (on torch's meta device), to be counted or filled.

    Args:
        spec: the backbone.
        attention: name of the SAM.
        reduction: what channels are divided by; see `Attention`.
        sharing: ``full`` or ``share``.
        make_head: makes a task's own head; None: the backbone's.

    Raises:
        UsageError: an unknown SAM, or one that doesn't fit the backbone or the sharing.
    """
    make = attention_class(attention)
    with torch.device("meta"):
        network = AttentionNetwork(
            spec, lambda channels: make(channels, reduction), sharing, make_head
        )
    return network.to("meta")  # some ways of making tensors pass by the device asked for


def build_network(
    spec: Backbone,
    *,
    attention: str,
    reduction: int,
    sharing: Sharing,
    generator: torch.Generator | None,
    make_head: MakeHead | None = None,
    finish_head: FinishHead | None = None,
) -> AttentionNetwork:
    """Build and initialise a network from ``generator`` alone (CPU, float32).

    The backbone's convolutions are drawn from N(0, 2 / (k² · outputs)), its batch norms start at
    scale 1 and shift 0, as in the paper's code; linear layers and biases follow torch's default.
    SAMs and a task's own head start as `Attention` says.

    Args:
        spec: the backbone.
        attention: name of the SAM.
        reduction: what channels are divided by; see `Attention`.
        sharing: ``full`` or ``share``.
        generator: source of all randomness; None leaves the backbone's weights as memory happens
            to be, where nobody looks at them.
        make_head: makes a task's own head; None: the backbone's.
        finish_head: draws those values of it that aren't the usual ones, in place.

    Raises:
        UsageError: as in `outline_network`; or a parameter or buffer of a SAM or a head has no
            initial values.
    """
    network = outline_network(
        spec, attention=attention, reduction=reduction, sharing=sharing, make_head=make_head
    )
    for name, part in network.backbone.named_children():
        if name != "own_head":
            part.to_empty(device="cpu")
            if generator is not None:
                for layer in part.modules():
                    draw(layer, generator)
    makes: dict[str, Callable[[], nn.Module]] = {}
    if make_head is not None:
        makes[_HEAD] = partial(make_head, spec.head_channels)
    for owner in network.attention:
        channels = network.channels_of(owner)
        makes[f"attention.{owner}"] = partial(attention_class(attention), channels, reduction)

    @torch.no_grad()
    def finish(parts: Mapping[str, nn.Module], source: torch.Generator) -> None:
        if finish_head is not None:
            finish_head(parts[_HEAD], source)

    source = torch.Generator() if generator is None else generator
    for name, module in made(makes, source, finish).items():
        network.set_submodule(name, module)
    return network

"""Block passes by the compiled kernels."""

from collections.abc import Iterator, Sequence
from ctypes import c_void_p
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from benchmark.networks.attention import Attention, ChannelAttention, State
from benchmark.networks.backbone import (
    BackboneNetwork,
    Block,
    ConvNorm,
    PooledClassifier,
    blocks_of,
    units_of,
)
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import ResidualBlock
from benchmark.networks.se import SE
from benchmark.oracle.base import Schemes
from benchmark.oracle.batch_norms import Frozen
from benchmark.oracle.convolution import Affine
from benchmark.oracle.kernels.layout import (
    BlockLayout,
    Buffers,
    ChainLayout,
    GateLayout,
    Maps,
    SubtreeLayout,
    has_layout,
    packed,
)
from benchmark.oracle.kernels.library import Kernels, numbers
from benchmark.oracle.passes import (
    Children,
    Enter,
    Node,
    Operations,
    Passes,
    Pieces,
    RunSubtree,
    SubtreeOutputs,
)

_WHOLE_SUBTREE = 2**22
"""Bytes of weights and maps up to which blocks run at once, image by image: a core's cache."""


class Layouts:
    """Tables and packed weights of a network's blocks, made when a shape is first met.

    Args:
        network: whose blocks they are for.
        kernels: what they are for.
    """

    def __init__(self, network: AttentionNetwork, kernels: Kernels) -> None:
        self.kernels = kernels
        self.blocks = blocks_of(network.backbone)
        self._network = network
        self._buffers = Buffers()
        self._weights: dict[tuple[nn.Conv2d, bool], Tensor] = {}
        self._units: dict[Block, list[ConvNorm]] = {}
        self._gates: dict[Attention, GateLayout | None] = {}
        self._blocks: dict[tuple[Block, Attention, Maps, int], BlockLayout] = {}
        self._subtrees: dict[tuple[int, torch.Size], SubtreeLayout | None] = {}

    def units(self, block: Block) -> list[ConvNorm]:
        """The convolutions of ``block``, if the kernels know it and all of them; else none."""
        if block not in self._units:
            units = units_of(block)
            # Kernels join by relu(skip + residual); a block derived from it might do otherwise.
            known = type(block) is ResidualBlock and all(has_layout(unit.conv) for unit in units)
            self._units[block] = units if known else []
        return self._units[block]

    def block(self, block: Block, attention: Attention, entering: Maps, number: int) -> BlockLayout:
        """For ``number`` maps at once that enter ``block``, whose SAM is ``attention``."""
        key = (block, attention, entering, number)
        if key not in self._blocks:
            units, body = self.units(block), _body(block)
            self._blocks[key] = BlockLayout(
                self._chain(units[:body], entering, number),
                self._chain(units[body:], entering, number) if units[body:] else None,
                self._gate(attention),
            )
        return self._blocks[key]

    def subtree(self, level: int, features: Tensor) -> SubtreeLayout | None:
        """For ``features`` that enter the block at ``level``; None where it is too much at once."""
        key = (level, features.shape)
        if key not in self._subtrees:
            self._subtrees[key] = self._from(level, features)
        return self._subtrees[key]

    def _from(self, level: int, features: Tensor) -> SubtreeLayout | None:
        network = self._network
        blocks = self.blocks[level:]
        attentions = [network.attention_of(level + depth) for depth in range(len(blocks))]
        known = all(map(self.units, blocks)) and all(map(self._gate, attentions))
        if not blocks or not known or not network.backbone.pools:
            return None
        maps = [Maps.of(features)]
        size = 0
        for block in blocks:
            convolutions = [unit.conv for unit in self.units(block)]
            size += 4 * sum(conv.weight.numel() for conv in convolutions)
            leaving = maps[-1]
            for conv in convolutions[: _body(block)]:
                leaving = leaving.behind(conv)
            maps.append(leaving)
        number = max(m.together for m in maps)
        size += 4 * sum(2 * number * m.numbers for m in maps[1:])
        if size > _WHOLE_SUBTREE:
            return None
        layouts = [
            self.block(block, attention, m, min(len(features), number))
            for block, attention, m in zip(blocks, attentions, maps, strict=False)
        ]
        classifier = network.backbone.classifier
        assert isinstance(classifier, PooledClassifier)
        return SubtreeLayout(layouts, classifier, self.kernels.widths, self._buffers)

    def _chain(self, units: Sequence[ConvNorm], entering: Maps, number: int) -> ChainLayout:
        return ChainLayout(
            [unit.conv for unit in units],
            entering,
            number,
            weights_of=self._packed,
            widths=self.kernels.widths,
            buffers=self._buffers,
        )

    def _packed(self, conv: nn.Conv2d, winograd: bool) -> Tensor:  # noqa: FBT001 - a callback
        if (conv, winograd) not in self._weights:
            self._weights[conv, winograd] = packed(conv, self.kernels.widths, winograd=winograd)
        return self._weights[conv, winograd]

    def _gate(self, attention: Attention) -> GateLayout | None:
        if attention not in self._gates:
            # One derived from it might have another gate.
            gate = GateLayout(attention) if type(attention) is SE else None
            self._gates[attention] = gate
        return self._gates[attention]


class Compiled(Passes):
    """Kernels where they know a block's convolutions, torch's operations elsewhere.

    Args:
        layouts: of the network's blocks; kept from descent to descent.
        norms: scale and shift behind each convolution.
        enter: as for `Operations`; what the kernels know has no other norms.
    """

    def __init__(self, layouts: Layouts, norms: Frozen, enter: Enter = lambda _: None) -> None:
        self._layouts = layouts
        self._norms = norms
        self._operations = Operations(norms, enter)

    def enter(self, backbone: BackboneNetwork, images: Pieces) -> Pieces:
        return self._operations.enter(backbone, images)

    def node(
        self, block: Block, attention: Attention, features: Pieces, children: Children
    ) -> Node:
        if not self._layouts.units(block):
            return self._operations.node(block, attention, features, children)
        affines = self._affines(block)
        passes = []
        for piece in features:
            laid = piece.contiguous(memory_format=torch.channels_last)
            maps = Maps.of(laid)
            number = min(len(laid), maps.together)
            layout = self._layouts.block(block, attention, maps, number)
            layout.scale(affines)
            passes.append(self._run(layout, laid, children, attention))
        return _CompiledNode(self._layouts.kernels, attention, passes, pooled=children.pooled)

    def subtree(self, level: int, features: Pieces) -> RunSubtree | None:
        layouts = [self._layouts.subtree(level, piece) for piece in features]
        found = [layout for layout in layouts if layout is not None]
        if len(found) < len(features):
            return None
        return lambda schemes: self._walked(level, features, found, schemes)

    def _walked(
        self, level: int, features: Pieces, layouts: Sequence[SubtreeLayout], schemes: Schemes
    ) -> list[SubtreeOutputs]:
        blocks = self._layouts.blocks[level:]
        scales = None
        kept: list[Affine] = []  # until they were used
        if self._norms.varies:
            kept = [a for depth in nodes_of(schemes) for a in self._affines(blocks[depth])]
            addresses = [part.data_ptr() for affine in kept for part in affine]
            scales = (c_void_p * len(addresses))(*addresses)
        else:
            for depth, block in enumerate(blocks):
                affines = self._affines(block)
                kept.extend(affines)
                for layout in layouts:
                    layout.blocks[depth].scale(affines)
        outputs = []
        for piece, layout in zip(features, layouts, strict=True):
            laid = piece.contiguous(memory_format=torch.channels_last)
            outputs.append(self._layouts.kernels.walk(layout.subtree, laid, schemes, scales))
        return outputs

    def _affines(self, block: Block) -> list[Affine]:
        whole = self._layouts.kernels.widths[-1]
        return [_filled(self._norms.affine(unit), whole) for unit in self._layouts.units(block)]

    def _run(
        self, layout: BlockLayout, features: Tensor, children: Children, attention: Attention
    ) -> "_Pass":
        kernels, images, leaving = self._layouts.kernels, len(features), layout.body.leaving
        skip = features
        if layout.projection is not None:
            skip = _maps(images, leaving)
            kernels.run(layout.projection.chain, None, features, None, residual=skip)
        result = _Pass(skip)
        left = _maps if not children.pooled else _points
        if children.passed:
            result.passed = left(images, leaving)
        if children.attended and layout.gate is not None:
            result.attended = left(images, leaving)
        elif children.attended:
            result.residual = _maps(images, leaving)
            if isinstance(attention, ChannelAttention):
                result.means = numbers(images, leaving.channels)
        kernels.run(
            layout.body.chain,
            None if layout.gate is None else layout.gate.gate,
            features,
            skip,
            residual=result.residual,
            means=result.means,
            passed=result.passed,
            attended=result.attended,
            pooled=children.pooled,
        )
        return result


def _body(block: Block) -> int:
    """How many of the convolutions of ``block`` are its body's; they come first."""
    assert isinstance(block, ResidualBlock)
    return len(block.units)


@dataclass
class _Pass:
    """What one piece's pass leaves: the children, or what makes the attended one."""

    skip: Tensor
    residual: Tensor | None = None
    means: Tensor | None = None
    passed: Tensor | None = None
    attended: Tensor | None = None


class _CompiledNode(Node):
    def __init__(
        self, kernels: Kernels, attention: Attention, passes: list[_Pass], *, pooled: bool
    ) -> None:
        self._kernels = kernels
        self._attention = attention
        self._passes = passes
        self._pooled = pooled

    def passed(self) -> Pieces:
        features = []
        for part in self._passes:
            assert part.passed is not None
            features.append(part.passed)
            part.passed = None
        return features

    def attended(self, states: Sequence[State]) -> tuple[Pieces, list[State]]:
        features, following = [], []
        for part, state in zip(self._passes, states, strict=True):
            if part.attended is not None:
                features.append(part.attended)
                following.append(state)
                continue
            joined, after = self._attend(part, state)
            features.append(joined)
            following.append(after)
        return features, following

    def _attend(self, part: _Pass, state: State) -> tuple[Tensor, State]:
        residual, gate = part.residual, None
        assert residual is not None
        if part.means is not None:
            assert isinstance(self._attention, ChannelAttention)
            gate, state = self._attention.gate(part.means, state)
            gate = gate.contiguous()
        else:
            _, state = self._attention.rescale_(residual, state)
        joined = residual
        if self._pooled:
            joined = residual.new_empty(*residual.shape[:2], 1, 1)
        self._kernels.join(part.skip, residual, gate, joined, pooled=self._pooled)
        return joined, state


def nodes_of(schemes: Schemes) -> Iterator[int]:
    """Level of each node of the tree of ``schemes``, in the order of a descent."""

    def visit(level: int, first: int, stop: int) -> Iterator[int]:
        yield level
        if level + 1 == schemes.shape[1]:
            return
        ones = first + int(np.count_nonzero(~schemes[first:stop, level]))
        if first < ones:
            yield from visit(level + 1, first, ones)
        if ones < stop:
            yield from visit(level + 1, ones, stop)

    return visit(0, 0, len(schemes))


def _maps(images: int, maps: Maps) -> Float[Tensor, "n c h w"]:
    """Maps to be written, channels last."""
    return numbers(images, maps.height, maps.width, maps.channels).permute(0, 3, 1, 2)


def _points(images: int, maps: Maps) -> Float[Tensor, "n c 1 1"]:
    """A number of each map and channel to be written."""
    return numbers(images, maps.channels, 1, 1)


def _filled(affine: Affine, whole: int) -> Affine:
    """Scale and shift with zeros behind them, up to whole vectors."""
    missing = -len(affine[0]) % whole
    if not missing:
        return affine
    scale, shift = affine
    return pad(scale, (0, missing)), pad(shift, (0, missing))

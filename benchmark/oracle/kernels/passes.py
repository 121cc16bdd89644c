"""Block passes by the compiled kernels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from benchmark.networks.attention import Attention, ChannelAttention, State
from benchmark.networks.resnet import Block, ResNet
from benchmark.oracle.batch_norms import Frozen
from benchmark.oracle.convolution import Affine
from benchmark.oracle.kernels.layout import Layout, Maps, has_layout, packed
from benchmark.oracle.kernels.library import Kernels
from benchmark.oracle.passes import Children, Node, Operations, Passes, Pieces, units_of


class Layouts:
    """Tables and packed weights of a network's blocks, made when a shape is first met.

    Args:
        kernels: what they are for.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels
        self._weights: dict[nn.Conv2d, Tensor] = {}
        self._made: dict[tuple[object, ...], Layout] = {}

    def of(self, convolutions: Sequence[nn.Conv2d], features: Tensor) -> Layout:
        """For ``features`` through ``convolutions``, one behind the other."""
        key = (*convolutions, features.shape)
        if key not in self._made:
            for conv in convolutions:
                if conv not in self._weights:
                    self._weights[conv] = packed(conv, self.kernels.widths)
            weights = [self._weights[conv] for conv in convolutions]
            images, *entering = features.shape
            self._made[key] = Layout(convolutions, weights, Maps(*entering), images)
        return self._made[key]


class Compiled(Passes):
    """Kernels where they know a block's convolutions, torch's operations elsewhere.

    Args:
        layouts: of the network's blocks; kept from descent to descent.
        norms: scale and shift behind each convolution.
    """

    def __init__(self, layouts: Layouts, norms: Frozen) -> None:
        self._layouts = layouts
        self._norms = norms
        self._operations = Operations(norms)

    def enter(self, backbone: ResNet, images: Pieces) -> Pieces:
        return self._operations.enter(backbone, images)

    def node(
        self, block: Block, attention: Attention, features: Pieces, children: Children
    ) -> Node:
        units = units_of(block)
        if not all(has_layout(unit.conv) for unit in units):
            return self._operations.node(block, attention, features, children)
        whole = self._layouts.kernels.widths[-1]
        affines = [_filled(self._norms.affine(unit), whole) for unit in units]
        convolutions = [unit.conv for unit in units]
        shapes = children, isinstance(attention, ChannelAttention)
        passes = [
            self._run(
                convolutions,
                affines,
                len(block.units),
                piece.contiguous(memory_format=torch.channels_last),
                *shapes,
            )
            for piece in features
        ]
        return _CompiledNode(self._layouts.kernels, attention, passes, pooled=children.pooled)

    def _run(
        self,
        convolutions: Sequence[nn.Conv2d],
        affines: Sequence[Affine],
        body: int,
        features: Tensor,
        children: Children,
        gated: bool,
    ) -> "_Pass":
        kernels = self._layouts.kernels
        layout = self._layouts.of(convolutions[:body], features)
        layout.scale(affines[:body])
        made, images = layout.leaving, len(features)
        skip = features
        if body < len(convolutions):
            projection = self._layouts.of(convolutions[body:], features)
            projection.scale(affines[body:])
            skip = _maps(images, made)
            kernels.run(projection.chain, features, None, residual=skip)
        residual = _maps(images, made) if children.attended else None
        means = features.new_empty(images, made.channels) if residual is not None and gated else None
        passed = pooled = None
        if children.passed and children.pooled:
            pooled = features.new_empty(images, made.channels)
        elif children.passed:
            passed = _maps(images, made)
        kernels.run(
            layout.chain,
            features,
            skip,
            residual=residual,
            means=means,
            passed=passed,
            pooled=pooled,
        )
        return _Pass(skip, residual, means, passed if pooled is None else _points(pooled), layout)


@dataclass
class _Pass:
    """What one piece's pass leaves; ``passed`` until it is handed over."""

    skip: Tensor
    residual: Tensor | None
    means: Tensor | None
    passed: Tensor | None
    layout: Layout


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
            assert part.residual is not None
            gate = None
            if part.means is not None:
                assert isinstance(self._attention, ChannelAttention)
                gate, after = self._attention.gate(part.means, state)
                gate = gate.contiguous()
            else:
                _, after = self._attention.rescale_(part.residual, state)
            features.append(self._joined(part, part.residual, gate))
            following.append(after)
        return features, following

    def _joined(self, part: _Pass, residual: Tensor, gate: Tensor | None) -> Tensor:
        if not self._pooled:
            self._kernels.join(part.skip, residual, gate, joined=residual)
            return residual
        pooled = residual.new_empty(residual.shape[:2])
        self._kernels.join(part.skip, residual, gate, pooled=pooled, scratch=part.layout.joined)
        return _points(pooled)


def _maps(images: int, maps: Maps) -> Float[Tensor, "n c h w"]:
    """Maps to be written, channels last."""
    return torch.empty(images, maps.height, maps.width, maps.channels).permute(0, 3, 1, 2)


def _points(means: Float[Tensor, "n c"]) -> Float[Tensor, "n c 1 1"]:
    return means[:, :, None, None]


def _filled(affine: Affine, whole: int) -> Affine:
    """Scale and shift with zeros behind them, up to whole vectors."""
    missing = -len(affine[0]) % whole
    if not missing:
        return affine
    scale, shift = affine
    return pad(scale, (0, missing)), pad(shift, (0, missing))

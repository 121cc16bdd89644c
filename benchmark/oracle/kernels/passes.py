"""Block passes by the compiled kernels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from benchmark.networks.attention import Attention, ChannelAttention, State
from benchmark.networks.resnet import Block, ConvNorm, ResNet
from benchmark.networks.se import SE
from benchmark.oracle.batch_norms import Frozen
from benchmark.oracle.convolution import Affine
from benchmark.oracle.kernels.layout import GateLayout, Layout, Maps, has_layout, packed
from benchmark.oracle.kernels.library import Kernels
from benchmark.oracle.passes import Children, Node, Operations, Passes, Pieces, units_of


@dataclass(frozen=True)
class BlockLayout:
    """What the kernels need of a block for features of one shape.

    Attributes:
        body: the residual branch.
        projection: the shortcut; None where it is the identity.
        gate: of the SAM, where the kernels know it.
    """

    body: Layout
    projection: Layout | None
    gate: GateLayout | None

    def scale(self, affines: Sequence[Affine]) -> None:
        """Have the convolutions followed by ``affines``, those of the body first."""
        body = len(self.body.units)
        self.body.scale(affines[:body])
        if self.projection is not None:
            self.projection.scale(affines[body:])


class Layouts:
    """Tables and packed weights of a network's blocks, made when a shape is first met.

    Args:
        kernels: what they are for.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels
        self._units: dict[Block, list[ConvNorm]] = {}
        self._weights: dict[tuple[nn.Conv2d, bool], Tensor] = {}
        self._gates: dict[Attention, GateLayout | None] = {}
        self._made: dict[tuple[Block, Attention, torch.Size], BlockLayout] = {}

    def units(self, block: Block) -> list[ConvNorm]:
        """The convolutions of ``block``, if the kernels know all of them; else none."""
        if block not in self._units:
            units = units_of(block)
            known = all(has_layout(unit.conv) for unit in units)
            self._units[block] = units if known else []
        return self._units[block]

    def of(self, block: Block, attention: Attention, features: Tensor) -> BlockLayout:
        """For ``features`` that enter ``block``, whose SAM is ``attention``."""
        key = (block, attention, features.shape)
        if key not in self._made:
            units, body = self.units(block), len(block.units)
            self._made[key] = BlockLayout(
                self._chain(units[:body], features),
                self._chain(units[body:], features) if units[body:] else None,
                self._gate(attention),
            )
        return self._made[key]

    def _chain(self, units: Sequence[ConvNorm], features: Tensor) -> Layout:
        images, *entering = features.shape
        convolutions = [unit.conv for unit in units]
        widths = self.kernels.widths
        return Layout(convolutions, self._packed, Maps(*entering), images, widths)

    def _packed(self, conv: nn.Conv2d, winograd: bool) -> Tensor:  # noqa: FBT001 - a callback
        if (conv, winograd) not in self._weights:
            self._weights[conv, winograd] = packed(conv, self.kernels.widths, winograd=winograd)
        return self._weights[conv, winograd]

    def _gate(self, attention: Attention) -> GateLayout | None:
        if attention not in self._gates:
            known = isinstance(attention, SE)
            self._gates[attention] = GateLayout(attention) if known else None
        return self._gates[attention]


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
        units = self._layouts.units(block)
        if not units:
            return self._operations.node(block, attention, features, children)
        whole = self._layouts.kernels.widths[-1]
        affines = [_filled(self._norms.affine(unit), whole) for unit in units]
        passes = []
        for piece in features:
            laid = piece.contiguous(memory_format=torch.channels_last)
            layout = self._layouts.of(block, attention, laid)
            layout.scale(affines)
            passes.append(self._run(layout, laid, children, attention))
        return _CompiledNode(self._layouts.kernels, attention, passes, pooled=children.pooled)

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
                result.means = torch.empty(images, leaving.channels)
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


def _maps(images: int, maps: Maps) -> Float[Tensor, "n c h w"]:
    """Maps to be written, channels last."""
    return torch.empty(images, maps.height, maps.width, maps.channels).permute(0, 3, 1, 2)


def _points(images: int, maps: Maps) -> Float[Tensor, "n c 1 1"]:
    """A number of each map and channel to be written."""
    return torch.empty(images, maps.channels, 1, 1)


def _filled(affine: Affine, whole: int) -> Affine:
    """Scale and shift with zeros behind them, up to whole vectors."""
    missing = -len(affine[0]) % whole
    if not missing:
        return affine
    scale, shift = affine
    return pad(scale, (0, missing)), pad(shift, (0, missing))

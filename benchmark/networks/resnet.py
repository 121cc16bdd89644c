"""Residual backbones (He et al., "Deep Residual Learning for Image Recognition").

A backbone is taken apart into the pieces that oracles share between schemes:
``stem``, for each block ``body`` and ``skip``, and ``head``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Backbone:
    """Shape of a post-activation ResNet of basic blocks with a 3×3 stem.

    Attributes:
        widths: output channels of each stage; the first is the stem's too.
        blocks_per_stage: blocks of each stage; each stage but the first halves
            the resolution in its first block.
        in_channels: channels of an image.
        classes: outputs of the linear head.
    """

    widths: tuple[int, ...]
    blocks_per_stage: tuple[int, ...]
    in_channels: int
    classes: int

    @property
    def blocks(self) -> int:
        """Number of blocks, i.e. bits of a scheme."""
        return sum(self.blocks_per_stage)

    @property
    def stage_of(self) -> tuple[int, ...]:
        """Stage of each block, first block first."""
        return tuple(s for s, count in enumerate(self.blocks_per_stage) for _ in range(count))


@dataclass(frozen=True)
class Shape:
    """A backbone up to the task's channels and classes, and its SAMs' reduction.

    Attributes:
        widths: output channels of each stage.
        blocks_per_stage: blocks of each stage.
        reduction: of a SAM's hidden layer.
    """

    widths: tuple[int, ...]
    blocks_per_stage: tuple[int, ...]
    reduction: int

    def backbone(self, in_channels: int, classes: int) -> Backbone:
        """The backbone for images of ``in_channels`` and ``classes`` classes."""
        return Backbone(self.widths, self.blocks_per_stage, in_channels, classes)


SHAPES = {"resnet26-thin": Shape((8, 16, 32), (4, 4, 4), reduction=4)}
"""Backbones by name."""


class ConvNorm(nn.Module):
    """A convolution without bias and the batch norm behind it: the unit that folds."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        normalised: Tensor = self.norm(self.conv(features))
        return normalised


Apply = Callable[[ConvNorm, Tensor], Tensor]
"""Runs one unit on features; oracles pass their own to choose the batch-norm statistics."""


def run_unit(unit: ConvNorm, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
    """Run ``unit`` as a module: the default `Apply`."""
    outputs: Tensor = unit(features)
    return outputs


class Block(nn.Module):
    """A residual block: ``relu(skip(x) + attention(body(x)))``.

    Args:
        units: the body's convolutions with their batch norms, ReLU between them.
        shortcut: projection where the shape changes (option B), else the identity.
    """

    def __init__(self, units: Sequence[ConvNorm], shortcut: ConvNorm | None) -> None:
        super().__init__()
        self.units = nn.ModuleList(units)
        self.shortcut = shortcut

    def body(
        self, features: Float[Tensor, "n c h w"], apply: Apply = run_unit
    ) -> Float[Tensor, "n k i j"]:
        """The residual branch up to its last batch norm, where a SAM is plugged in."""
        *inner, last = self.units
        for unit in inner:
            assert isinstance(unit, ConvNorm)
            features = apply(unit, features).relu_()
        assert isinstance(last, ConvNorm)
        return apply(last, features)

    def skip(
        self, features: Float[Tensor, "n c h w"], apply: Apply = run_unit
    ) -> Float[Tensor, "n k i j"]:
        """The shortcut branch."""
        return features if self.shortcut is None else apply(self.shortcut, features)


def _basic_block(inputs: int, outputs: int, stride: int) -> Block:
    units = [
        ConvNorm(inputs, outputs, kernel=3, stride=stride),
        ConvNorm(outputs, outputs, kernel=3),
    ]
    same = stride == 1 and inputs == outputs
    return Block(units, None if same else ConvNorm(inputs, outputs, kernel=1, stride=stride))


class ResNet(nn.Module):
    """The backbone described by ``spec``; see `Backbone`."""

    def __init__(self, spec: Backbone) -> None:
        super().__init__()
        self.spec = spec
        self.first = ConvNorm(spec.in_channels, spec.widths[0], kernel=3)
        blocks: list[Block] = []
        inputs = spec.widths[0]
        for stage, (width, count) in enumerate(
            zip(spec.widths, spec.blocks_per_stage, strict=True)
        ):
            for position in range(count):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(_basic_block(inputs, width, stride))
                inputs = width
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(inputs, spec.classes)

    def stem(
        self, images: Float[Tensor, "n c h w"], apply: Apply = run_unit
    ) -> Float[Tensor, "n k h w"]:
        """Features that enter the first block."""
        return apply(self.first, images).relu_()

    def head(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Global average pooling and the linear classifier."""
        outputs: Tensor = self.classifier(features.mean((2, 3)))
        return outputs

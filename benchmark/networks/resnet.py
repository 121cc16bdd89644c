"""Residual backbones (He et al., "Deep Residual Learning for Image Recognition").

A backbone is taken apart into the pieces that oracles share between schemes:
``stem``, for each block ``body`` and ``skip``, and ``head``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from benchmark.basics.errors import UsageError

BlockKind = Literal["basic", "bottleneck"]
Stem = Literal["cifar", "imagenet"]
_EXPANSION: dict[BlockKind, int] = {"basic": 1, "bottleneck": 4}


@dataclass(frozen=True)
class Backbone:
    """Shape of a post-activation ResNet.

    Attributes:
        widths: of each stage's 3×3 convolutions; the first is the stem's too.
        blocks_per_stage: blocks of each stage; each stage but the first halves
            the resolution in its first block.
        in_channels: channels of an image.
        classes: outputs of the linear head.
        block: ``basic`` (two 3×3) or ``bottleneck`` (1×1, 3×3, 1×1 to four times the width).
        stem: ``cifar`` (3×3) or ``imagenet`` (7×7 and max pooling, each of stride 2).
        bias: whether convolutions have a bias, though batch norms follow.
        strides: of each stage's first block; empty for 1, then 2 for every other stage.
        dilations: of each stage's 3×3 convolutions; empty for 1.
        earlier: stages, counted from 0, whose features the head gets beside the last one's.
    """

    widths: tuple[int, ...]
    blocks_per_stage: tuple[int, ...]
    in_channels: int
    classes: int
    block: BlockKind = "basic"
    stem: Stem = "cifar"
    bias: bool = False
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()

    def using(
        self,
        stages: int | None,
        *,
        strides: tuple[int, ...] = (),
        dilations: tuple[int, ...] = (),
        earlier: tuple[int, ...] = (),
        output_stride: int | None = None,
    ) -> "Backbone":
        """Its leading ``stages`` (None: all), with other strides and dilations.

        Raises:
            UsageError: the backbone has fewer stages, or as many numbers are not given; or its
                last features are of another ``output_stride`` than one that is asked for.
        """
        used = len(self.widths) if stages is None else stages
        counts = {len(values) for values in (strides, dilations) if values}
        ascending = list(earlier) == [stage for stage in range(used - 1) if stage in earlier]
        if not 1 <= used <= len(self.widths) or counts - {used} or not ascending:
            raise UsageError(
                f"expected 1 to {len(self.widths)} stages with a stride and a dilation each, "
                f"received {used} stages, strides {strides}, dilations {dilations}, "
                f"features of stages {earlier} beside the last one's"
            )
        made = replace(
            self,
            widths=self.widths[:used],
            blocks_per_stage=self.blocks_per_stage[:used],
            strides=strides,
            dilations=dilations,
            earlier=earlier,
        )
        if output_stride not in (None, made.output_stride):
            raise UsageError(
                f"expected a backbone whose features are 1/{output_stride} of the images, received "
                f"one of 1/{made.output_stride}: its stem is that of {self.stem} images"
            )
        return made

    @property
    def output_stride(self) -> int:
        """What height and width of images are divided by in the last stage's features."""
        stem = 4 if self.stem == "imagenet" else 1
        return stem * prod(self.stride(stage) for stage in range(len(self.widths)))

    def stride(self, stage: int) -> int:
        """Of the first block of ``stage``."""
        return self.strides[stage] if self.strides else min(stage, 1) + 1

    def dilation(self, stage: int) -> int:
        """Of the 3×3 convolutions of ``stage``."""
        return self.dilations[stage] if self.dilations else 1

    @property
    def head_channels(self) -> tuple[int, ...]:
        """Channels of the features that the head gets."""
        return tuple(self.channels[stage] for stage in (*self.earlier, len(self.widths) - 1))

    def blocks_of(self, stage: int) -> range:
        """Numbers of the blocks of ``stage``."""
        first = sum(self.blocks_per_stage[:stage])
        return range(first, first + self.blocks_per_stage[stage])

    @property
    def channels(self) -> tuple[int, ...]:
        """Output channels of each stage's blocks."""
        return tuple(width * _EXPANSION[self.block] for width in self.widths)

    @property
    def blocks(self) -> int:
        """Number of blocks, i.e. bits of a scheme."""
        return sum(self.blocks_per_stage)

    @property
    def stage_of(self) -> tuple[int, ...]:
        """Stage of each block, first block first."""
        return tuple(s for s, count in enumerate(self.blocks_per_stage) for _ in range(count))


class ConvNorm(nn.Module):
    """A convolution and the batch norm behind it: the unit that folds."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=bias,
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


def _block(spec: Backbone, inputs: int, stage: int, stride: int) -> Block:
    width, outputs = spec.widths[stage], spec.channels[stage]
    unit = partial(ConvNorm, bias=spec.bias)
    wide = partial(unit, kernel=3, dilation=spec.dilation(stage))
    if spec.block == "basic":
        units = [wide(inputs, width, stride=stride), wide(width, width)]
    else:
        units = [
            unit(inputs, width, kernel=1),
            wide(width, width, stride=stride),
            unit(width, outputs, kernel=1),
        ]
    same = stride == 1 and inputs == outputs
    return Block(units, None if same else unit(inputs, outputs, kernel=1, stride=stride))


MakeHead = Callable[[tuple[int, ...]], nn.Module]
"""Makes what stands on the blocks from the channels of the features that it gets."""


class ResNet(nn.Module):
    """The backbone described by ``spec``; see `Backbone`.

    Args:
        spec: its shape.
        make_head: makes a module called as ``module(features, size)`` with the features of the
            earlier stages and the last one's, and the images' height and width; default: global
            average pooling and a linear classifier.
    """

    def __init__(self, spec: Backbone, make_head: MakeHead | None = None) -> None:
        super().__init__()
        self.spec = spec
        kernel, stride = (7, 2) if spec.stem == "imagenet" else (3, 1)
        inputs = spec.widths[0]
        self.first = ConvNorm(
            spec.in_channels, inputs, kernel=kernel, stride=stride, bias=spec.bias
        )
        blocks: list[Block] = []
        for stage, count in enumerate(spec.blocks_per_stage):
            for position in range(count):
                stride = spec.stride(stage) if position == 0 else 1
                blocks.append(_block(spec, inputs, stage, stride))
                inputs = spec.channels[stage]
        self.blocks = nn.ModuleList(blocks)
        self.own_head = None if make_head is None else make_head(spec.head_channels)
        if make_head is None:
            self.classifier = nn.Linear(inputs, spec.classes)

    def stem(
        self, images: Float[Tensor, "n c h w"], apply: Apply = run_unit
    ) -> Float[Tensor, "n k i j"]:
        """Features that enter the first block."""
        features = apply(self.first, images).relu_()
        if self.spec.stem == "imagenet":
            features = max_pool2d(features, 3, stride=2, padding=1)
        return features

    def head(
        self,
        features: Float[Tensor, "n c h w"],
        earlier: tuple[Float[Tensor, "n _ _ _"], ...] = (),
        size: tuple[int, int] = (1, 1),
    ) -> Any:
        """Outputs: of global average pooling and the linear classifier, or of the task's head.

        Args:
            features: of the last stage.
            earlier: of the stages that ``spec.earlier`` names.
            size: height and width of the images, for a task's own head.
        """
        if self.own_head is not None:
            return self.own_head((*earlier, features), size)
        return self.classifier(features.mean((2, 3)))

"""Residual networks (He et al., "Deep Residual Learning for Image Recognition").

In the forms of "The Lottery Ticket Hypothesis for Self-attention in CNN". CIFAR form: bottlenecks
of widths 16, 32, 64 behind a 3×3 stem, depth 9n + 2, convolutions without bias. ImageNet form:
torchvision's, but every convolution has a bias.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from benchmark.networks.backbone import Backbone, Block, ConvNorm, Shape

BlockKind = Literal["basic", "bottleneck"]
Stem = Literal["cifar", "imagenet"]
_EXPANSION: dict[BlockKind, int] = {"basic": 1, "bottleneck": 4}
_IMAGENET: dict[int, tuple[BlockKind, tuple[int, ...]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}


class ResNetStem(ConvNorm):
    """A convolution with its batch norm, ReLU, and for large images max pooling of stride 2."""

    def __init__(self, inputs: int, outputs: int, stem: Stem, *, bias: bool) -> None:
        large = stem == "imagenet"
        kernel, stride = (7, 2) if large else (3, 1)
        super().__init__(inputs, outputs, kernel=kernel, stride=stride, bias=bias)
        self._pools = large

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        features = self.convolve(features).relu_()
        return max_pool2d(features, 3, stride=2, padding=1) if self._pools else features


class ResidualBlock(Block):
    """A post-activation residual block: ``relu(skip(x) + attention(body(x)))``.

    Args:
        units: the body's convolutions with their batch norms, ReLU between them.
        shortcut: projection where the shape changes (option B), else the identity.
    """

    def __init__(self, units: Sequence[ConvNorm], shortcut: ConvNorm | None) -> None:
        super().__init__()
        self.units = nn.ModuleList(units)
        self.shortcut = shortcut

    def body(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        *inner, last = self.units
        for unit in inner:
            features = unit(features).relu_()
        residual: Tensor = last(features)
        return residual

    def skip(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        return features if self.shortcut is None else self.shortcut(features)

    def activate_(self, features: Float[Tensor, "n k i j"]) -> Float[Tensor, "n k i j"]:
        return features.relu_()


@dataclass(frozen=True)
class ResNet(Backbone):
    """A post-activation ResNet.

    Each stage but the first halves the resolution in its first block; the first stage's width is
    the stem's too.

    Attributes:
        block: ``basic`` (two 3×3) or ``bottleneck`` (1×1, 3×3, 1×1 to four times the width).
        stem: ``cifar`` (3×3) or ``imagenet`` (7×7 and max pooling, each of stride 2).
        bias: whether convolutions have a bias, though batch norms follow.
    """

    family: ClassVar[str] = "resnet"
    names: ClassVar[str] = (
        f"resnet26-thin; resnetN for N = {', '.join(map(str, _IMAGENET))} as for ImageNet, else "
        "N = 9n + 2 as for CIFAR: 29, 38, 47, …, 164, …; resnetN-basic for N = 6n + 2: 20, 26, "
        "32, …"
    )

    block: BlockKind = "basic"
    stem: Stem = "cifar"
    bias: bool = False

    @classmethod
    def named(cls, name: str) -> Shape | None:
        """The ResNet called ``name``; None where there is none.

        ``resnet26-thin``; ``resnetN`` in the ImageNet form for N = 18, 34, 50, 101, 152 and in
        the CIFAR form for any other N = 9n + 2 (the paper's are 38 and 164); ``resnetN-basic``
        in the CIFAR form with basic blocks, N = 6n + 2 (as the ResNet56 of He et al.).
        """
        if name == "resnet26-thin":
            return THIN
        match = re.fullmatch(r"resnet([1-9][0-9]{0,3})(-basic)?", name)
        if match is None:
            return None
        depth = int(match[1])
        if match[2] is None and depth in _IMAGENET:
            return _imagenet(depth)
        block: BlockKind = "bottleneck" if match[2] is None else "basic"
        # Two or three convolutions a block, three stages, stem and classifier.
        blocks, rest = divmod(depth - 2, 9 if block == "bottleneck" else 6)
        return _cifar(block, blocks) if blocks >= 1 and rest == 0 else None

    def make_stem(self) -> nn.Module:
        return ResNetStem(self.in_channels, self.widths[0], self.stem, bias=self.bias)

    def make_blocks(self) -> list[Block]:
        blocks: list[Block] = []
        inputs = self.widths[0]
        for stage, count in enumerate(self.blocks_per_stage):
            for position in range(count):
                stride = self.stride(stage) if position == 0 else 1
                blocks.append(self._block(inputs, stage, stride))
                inputs = self.channels[stage]
        return blocks

    def _block(self, inputs: int, stage: int, stride: int) -> Block:
        width, outputs = self.widths[stage], self.channels[stage]
        unit = partial(ConvNorm, bias=self.bias)
        wide = partial(unit, kernel=3, dilation=self.dilation(stage))
        if self.block == "basic":
            units = [wide(inputs, width, stride=stride), wide(width, width)]
        else:
            units = [
                unit(inputs, width, kernel=1),
                wide(width, width, stride=stride),
                unit(width, outputs, kernel=1),
            ]
        same = stride == 1 and inputs == outputs
        return ResidualBlock(
            units, None if same else unit(inputs, outputs, kernel=1, stride=stride)
        )

    @property
    def block_kind(self) -> str:
        return self.block

    @property
    def channels(self) -> tuple[int, ...]:
        return tuple(width * _EXPANSION[self.block] for width in self.widths)

    @property
    def stem_stride(self) -> int:
        return 4 if self.stem == "imagenet" else 1


THIN = Shape(
    ResNet((8, 16, 32), (4, 4, 4), in_channels=4, classes=10),
    image_size=(8, 8),
    form="small",
)
"""Basic blocks for small images: seconds to train."""


def _imagenet(depth: int) -> Shape:
    block, blocks_per_stage = _IMAGENET[depth]
    native = ResNet(
        (64, 128, 256, 512),
        blocks_per_stage,
        in_channels=3,
        classes=1000,
        block=block,
        stem="imagenet",
        bias=True,
    )
    return Shape(native, image_size=(224, 224), form="imagenet")


def _cifar(block: BlockKind, blocks: int) -> Shape:
    native = ResNet((16, 32, 64), (blocks,) * 3, in_channels=3, classes=100, block=block)
    return Shape(native, image_size=(32, 32), form="cifar")

"""Small backbones of every kind, and one such as users may write, registered for tests.

What holds for all backbones is tested over `BACKBONES`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, get_args

from torch import Tensor, nn

from benchmark.networks import registry
from benchmark.networks.backbone import Backbone, Block, ConvNorm, Shape
from benchmark.networks.resnet import BlockKind, Stem
from tests.benchmark.small import SMALL
from tests.extensions.test_backbone import MobileNetV2


class PreActivation(Block):
    """He et al., "Identity Mappings in Deep Residual Networks": norms stand in front.

    Its norms are in no unit but the shortcut's, which comes first.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        same = stride == 1 and inputs == outputs
        self.shortcut = None if same else ConvNorm(inputs, outputs, kernel=1, stride=stride)
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 3, stride, 1),
            nn.GroupNorm(2, outputs),
            nn.SiLU(),
            ConvNorm(outputs, outputs, kernel=3),
        )

    def body(self, features: Tensor) -> Tensor:
        residual: Tensor = self.branch(features)
        return residual

    def skip(self, features: Tensor) -> Tensor:
        return features if self.shortcut is None else self.shortcut(features)


@dataclass(frozen=True)
class PreResNet(Backbone):
    """A stem whose norm is in no unit, and a head that isn't linear."""

    family: ClassVar[str] = "test-preresnet"
    names: ClassVar[str] = "test-preresnet"
    block_kind: ClassVar[str] = "pre-activation"
    stem_stride: ClassVar[int] = 1

    @classmethod
    def named(cls, name: str) -> Shape | None:
        native = cls((4, 8), (2, 3), in_channels=3, classes=5)
        return Shape(native, image_size=(6, 6), form="small") if name == cls.names else None

    def make_stem(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(self.in_channels, self.widths[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(self.widths[0]),
        )

    def make_blocks(self) -> Sequence[Block]:
        blocks: list[Block] = []
        inputs = self.widths[0]
        for stage, outputs in enumerate(self.widths):
            for position in range(self.blocks_per_stage[stage]):
                stride = 1 if position else self.stride(stage)
                blocks.append(PreActivation(inputs, outputs, stride))
                inputs = outputs
        return blocks

    def make_head(self) -> nn.Module:
        return nn.Sequential(
            nn.BatchNorm2d(self.channels[-1]),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(self.channels[-1], self.classes),
        )


OTHERS: tuple[type[Backbone], ...] = (MobileNetV2, PreResNet)
"""Families that don't ship."""


@contextmanager
def registered() -> Iterator[None]:
    """Lists `OTHERS` among the families while inside; in this process only."""
    places = {other.family: f"{other.__module__}:{other.__qualname__}" for other in OTHERS}
    registry.BACKBONES.update(places)
    try:
        yield
    finally:
        for family in places:
            del registry.BACKBONES[family]


RESNETS: dict[str, Backbone] = {
    f"{block} {stem}": replace(
        SMALL,
        widths=SMALL.widths if (block, stem) == ("basic", "cifar") else (2, 4),
        block=block,
        stem=stem,
        bias=stem == "imagenet",
    )
    for block in get_args(BlockKind)
    for stem in get_args(Stem)
}
BACKBONES: dict[str, Backbone] = {
    **RESNETS,
    "mobilenetv2": MobileNetV2(
        (4, 8), (2, 3), in_channels=3, classes=5, entering=4, last=12, stem_stride=1
    ),
    "pre-activation": PreResNet((4, 8), (2, 3), in_channels=3, classes=5),
}
"""Of five blocks in two stages, for images of three channels and five classes."""
SIZES = {name: 6 if backbone.stem_stride == 1 else 16 for name, backbone in BACKBONES.items()}
"""Of images; the deepest maps are 3×3, or 2×2 (which take their own way on a CPU)."""

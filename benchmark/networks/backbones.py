"""Backbones by name, in the forms of "The Lottery Ticket Hypothesis for Self-attention in CNN".

CIFAR form: bottlenecks of widths 16, 32, 64 behind a 3×3 stem, depth 9n + 2, convolutions
without bias. ImageNet form: torchvision's, but every convolution has a bias.
"""

import re
from dataclasses import dataclass, replace

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import Form, attention_class
from benchmark.networks.resnet import Backbone, BlockKind


@dataclass(frozen=True)
class Shape:
    """A backbone up to the task's channels and classes.

    Attributes:
        native: the backbone for the images and classes that it was published with.
        image_size: height and width of those images.
        form: by which SAMs say what they divide its channels by.
    """

    native: Backbone
    image_size: tuple[int, int]
    form: Form

    def backbone(self, in_channels: int, classes: int) -> Backbone:
        """The backbone for images of ``in_channels`` and ``classes`` classes."""
        return replace(self.native, in_channels=in_channels, classes=classes)

    def reduction(self, attention: str) -> int:
        """What ``attention`` divides the channels by.

        Raises:
            UsageError: no SAM has this name.
        """
        return attention_class(attention).divisors[self.form]


THIN = Shape(
    Backbone((8, 16, 32), (4, 4, 4), in_channels=4, classes=10),
    image_size=(8, 8),
    form="small",
)
"""Basic blocks for small images: seconds to train."""

_IMAGENET: dict[int, tuple[BlockKind, tuple[int, ...]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}


def _imagenet(depth: int) -> Shape:
    block, blocks_per_stage = _IMAGENET[depth]
    native = Backbone(
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
    native = Backbone((16, 32, 64), (blocks,) * 3, in_channels=3, classes=100, block=block)
    return Shape(native, image_size=(32, 32), form="cifar")


def shape_named(name: str) -> Shape:
    """The shape called ``name``.

    ``resnet26-thin``; ``resnetN`` in the ImageNet form for N = 18, 34, 50, 101, 152 and in
    the CIFAR form for any other N = 9n + 2 (the paper's are 38 and 164); ``resnetN-basic``
    in the CIFAR form with basic blocks, N = 6n + 2 (as the ResNet56 of He et al.).

    Raises:
        UsageError: no backbone has this name.
    """
    if name == "resnet26-thin":
        return THIN
    if match := re.fullmatch(r"resnet([1-9][0-9]{0,3})(-basic)?", name):
        depth = int(match[1])
        if match[2] is None and depth in _IMAGENET:
            return _imagenet(depth)
        block: BlockKind = "bottleneck" if match[2] is None else "basic"
        # Two or three convolutions a block, three stages, stem and classifier.
        blocks, rest = divmod(depth - 2, 9 if block == "bottleneck" else 6)
        if blocks >= 1 and rest == 0:
            return _cifar(block, blocks)
    raise UsageError(
        f"unknown backbone {name!r} (there are: resnet26-thin; resnetN for N = "
        f"{', '.join(str(depth) for depth in _IMAGENET)} as for ImageNet, else N = 9n + 2 as for "
        "CIFAR: 29, 38, 47, …, 164, …; resnetN-basic for N = 6n + 2: 20, 26, 32, …)"
    )

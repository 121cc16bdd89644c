"""What backbones have in common: a stem, blocks in stages and a head, made from one description.

Who scores, trains, counts or describes a network asks its backbone's description and its blocks;
nobody else knows what these are made of. A family of backbones is one class in one module, listed
in `benchmark.networks.registry`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, final

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.names import referred
from benchmark.networks.attention import Form, attention_class
from benchmark.networks.registry import BACKBONES


class ConvNorm(nn.Module):
    """A convolution and the batch norm behind it: the unit that folds into one convolution.

    Where schemes are scored, something else takes the place of `convolve` in the units of stems
    and blocks, each of which is called once a pass. Batch norms outside of units are right too,
    only slower.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
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
            groups=groups,
            bias=bias,
        )
        self.norm = nn.BatchNorm2d(outputs)

    def convolve(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        """The convolution and the batch norm, without what classes derived from this add."""
        normalised: Tensor = self.norm(self.conv(features))
        return normalised

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        return self.convolve(features)


class Block(nn.Module, ABC):
    """A block: ``join(skip(x), attention(body(x)))``, the SAM left out where a scheme says so.

    ``x`` is read by several branches and by blocks' siblings: nothing may write to it. In
    evaluation mode a row's features depend on that row alone. Batches may have no rows. A
    projection that only some strides need is called ``shortcut``.
    """

    @abstractmethod
    def body(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        """The branch that a SAM rescales, in a new tensor."""

    def skip(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"] | None:
        """What is added to the branch: ``features`` themselves or a new tensor; None: nothing."""
        return features

    def activate_(self, features: Float[Tensor, "n k i j"]) -> Float[Tensor, "n k i j"]:
        """What follows the sum, in the memory of ``features``; without more: nothing."""
        return features

    @final
    def join(
        self, skip: Float[Tensor, "n k i j"] | None, residual: Float[Tensor, "n k i j"]
    ) -> Float[Tensor, "n k i j"]:
        """What leaves the block, in a new tensor."""
        return self.activate_(residual.clone() if skip is None else skip + residual)

    @final
    def join_(
        self, skip: Float[Tensor, "n k i j"] | None, residual: Float[Tensor, "n k i j"]
    ) -> Float[Tensor, "n k i j"]:
        """What leaves the block, in the memory of ``residual``."""
        return self.activate_(residual if skip is None else residual.add_(skip))


class PooledClassifier(nn.Linear):
    """Global average pooling and a linear classifier: what backbones end in."""

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        return super().forward(features.mean((2, 3)))


@dataclass(frozen=True)
class Backbone(ABC):
    """A backbone up to its weights; picklable, its fields JSON values and part of identities.

    Attributes:
        widths: of each stage.
        blocks_per_stage: blocks of each stage.
        in_channels: channels of an image.
        classes: outputs of the head.
        strides: of each stage's first block; empty for the backbone's own.
        dilations: of each stage's convolutions that see more than one position; empty for 1.
        earlier: stages, counted from 0, whose features the head gets beside the last one's.
    """

    family: ClassVar[str]
    """Name of all backbones that this class describes, as in the registry."""
    names: ClassVar[str]
    """In words, which names `named` knows."""

    widths: tuple[int, ...]
    blocks_per_stage: tuple[int, ...]
    in_channels: int
    classes: int
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()

    @classmethod
    @abstractmethod
    def named(cls, name: str) -> "Shape | None":
        """The backbone of this family called ``name``; None where there is none."""

    @abstractmethod
    def make_stem(self) -> nn.Module:
        """What makes the first block's features of images."""

    @abstractmethod
    def make_blocks(self) -> Sequence[Block]:
        """The blocks of all stages, first block first."""

    def make_head(self) -> nn.Module:
        """What makes outputs of the last features, where a task has no head of its own."""
        return PooledClassifier(self.channels[-1], self.classes)

    @property
    @abstractmethod
    def block_kind(self) -> str:
        """What its blocks are called, in words: ``bottleneck``."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Output channels of each stage's blocks."""
        return self.widths

    @property
    @abstractmethod
    def stem_stride(self) -> int:
        """What the stem divides height and width of images by."""

    def own_stride(self, stage: int) -> int:
        """Stride of the first block of ``stage`` where ``strides`` says nothing else."""
        return min(stage, 1) + 1

    def leading(self, stages: int) -> "Backbone":
        """The backbone of its first ``stages``, which has as many of all that stages have."""
        return replace(
            self, widths=self.widths[:stages], blocks_per_stage=self.blocks_per_stage[:stages]
        )

    @final
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
        made = replace(self.leading(used), strides=strides, dilations=dilations, earlier=earlier)
        if output_stride not in (None, made.output_stride):
            raise UsageError(
                f"expected a backbone whose features are 1/{output_stride} of the images, received "
                f"one of 1/{made.output_stride}: its stem divides by {self.stem_stride}"
            )
        return made

    @property
    def output_stride(self) -> int:
        """What height and width of images are divided by in the last stage's features."""
        return self.stem_stride * prod(self.stride(stage) for stage in range(len(self.widths)))

    def stride(self, stage: int) -> int:
        """Stride of the first block of ``stage``."""
        return self.strides[stage] if self.strides else self.own_stride(stage)

    def dilation(self, stage: int) -> int:
        """Dilation of those convolutions of ``stage`` that see more than one position."""
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
    def blocks(self) -> int:
        """Number of blocks, i.e. bits of a scheme."""
        return sum(self.blocks_per_stage)

    @property
    def stage_of(self) -> tuple[int, ...]:
        """Stage of each block, first block first."""
        return tuple(s for s, count in enumerate(self.blocks_per_stage) for _ in range(count))


MakeHead = Callable[[tuple[int, ...]], nn.Module]
"""Makes what stands on the blocks from the channels of the features that it gets."""


@final
class BackboneNetwork(nn.Module):
    """The modules of the backbone that ``spec`` describes.

    Args:
        spec: makes them.
        make_head: makes a module called as ``module(features, size)`` with the features of the
            earlier stages and the last one's, and the images' height and width; default: the
            backbone's own head.
    """

    def __init__(self, spec: Backbone, make_head: MakeHead | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.first = spec.make_stem()
        self.blocks = nn.ModuleList(spec.make_blocks())
        self.own_head = None if make_head is None else make_head(spec.head_channels)
        if make_head is None:
            self.classifier = spec.make_head()

    def stem(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        """Features that enter the first block."""
        features: Tensor = self.first(images)
        return features

    def head(
        self,
        features: Float[Tensor, "n c h w"],
        earlier: tuple[Float[Tensor, "n _ _ _"], ...] = (),
        size: tuple[int, int] = (1, 1),
    ) -> Any:
        """Outputs of the backbone's own head, or of the task's.

        Args:
            features: of the last stage.
            earlier: of the stages that ``spec.earlier`` names.
            size: height and width of the images, for a task's own head.
        """
        if self.own_head is not None:
            return self.own_head((*earlier, features), size)
        return self.classifier(features)

    @property
    def top(self) -> nn.Module:
        """The module that `head` uses."""
        return self.classifier if self.own_head is None else self.own_head

    @property
    def pools(self) -> bool:
        """Whether the head looks at nothing but the mean of each map and channel."""
        # A class derived from it might look at something else.
        return type(self.top) is PooledClassifier


def blocks_of(backbone: BackboneNetwork) -> list[Block]:
    """The blocks of ``backbone``, first block first."""
    blocks = [module for module in backbone.blocks if isinstance(module, Block)]
    assert len(blocks) == len(backbone.blocks)
    return blocks


def units_of(module: nn.Module) -> list[ConvNorm]:
    """The units inside of ``module``, in the order in which it registered them."""
    return [unit for unit in module.modules() if isinstance(unit, ConvNorm)]


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


def backbone_class(family: str) -> type[Backbone]:
    """The class that describes the backbones of ``family``.

    Raises:
        UsageError: no family has this name.
    """
    if family not in BACKBONES:
        raise unknown_name("family of backbones", family, BACKBONES)
    loaded: type[Backbone] = referred(BACKBONES[family])
    assert issubclass(loaded, Backbone)
    assert loaded.family == family
    return loaded


def shape_named(name: str) -> Shape:
    """The shape called ``name``, in whichever family.

    Raises:
        UsageError: no backbone has this name.
    """
    classes = [backbone_class(family) for family in BACKBONES]
    for known in classes:
        if (shape := known.named(name)) is not None:
            return shape
    there = "; ".join(known.names for known in classes)
    raise UsageError(f"unknown backbone {name!r} (there are: {there})")

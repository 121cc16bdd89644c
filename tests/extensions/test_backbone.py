"""Change request: another backbone. Two files: the backbone, and its entry in the registry."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu6

from benchmark.networks.backbone import Backbone, Block, ConvNorm, PooledClassifier, Shape
from benchmark.networks.registry import BACKBONES
from tests.extensions.conftest import Written


class InvertedResidual(Block):
    """Expansion, depthwise convolution, and a linear bottleneck that nothing follows.

    Added to what it came from where both have one shape; else the bottleneck is all there is.
    """

    def __init__(
        self, inputs: int, outputs: int, *, expansion: int, stride: int, dilation: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = ConvNorm(inputs, hidden, kernel=1) if expansion > 1 else None
        self.depthwise = ConvNorm(
            hidden, hidden, kernel=3, stride=stride, dilation=dilation, groups=hidden
        )
        self.project = ConvNorm(hidden, outputs, kernel=1)
        self.adds = stride == 1 and inputs == outputs

    def body(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        if self.expand is not None:
            features = relu6(self.expand(features), inplace=True)
        residual: Tensor = self.project(relu6(self.depthwise(features), inplace=True))
        return residual

    def skip(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"] | None:
        return features if self.adds else None


@dataclass(frozen=True)
class MobileNetV2(Backbone):
    """Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks".

    Attributes:
        entering: channels behind the stem.
        last: channels of the convolution in front of the classifier.
        stem_stride: of the stem; 2 in the paper.
    """

    family: ClassVar[str] = "mobilenetv2"
    names: ClassVar[str] = "mobilenetv2; mobilenetv2-small for small images"

    entering: int = 32
    last: int = 1280
    stem_stride: int = 2

    @classmethod
    def named(cls, name: str) -> Shape | None:
        if name == "mobilenetv2":
            widths, blocks = (16, 24, 32, 64, 96, 160, 320), (1, 2, 3, 4, 3, 3, 1)
            published = cls(widths, blocks, in_channels=3, classes=1000)
            return Shape(published, image_size=(224, 224), form="imagenet")
        if name == "mobilenetv2-small":
            small = cls((8, 12, 16), (1, 2, 2), 4, 10, entering=8, last=48, stem_stride=1)
            return Shape(small, image_size=(8, 8), form="small")
        return None

    @property
    def block_kind(self) -> str:
        return "inverted residual"

    def own_stride(self, stage: int) -> int:
        return (1, 2, 2, 2, 1, 2, 1)[stage]

    def make_stem(self) -> nn.Module:
        first = ConvNorm(self.in_channels, self.entering, kernel=3, stride=self.stem_stride)
        return nn.Sequential(first, nn.ReLU6())

    def make_blocks(self) -> Sequence[Block]:
        blocks: list[Block] = []
        inputs = self.entering
        for stage, (outputs, count) in enumerate(
            zip(self.widths, self.blocks_per_stage, strict=True)
        ):
            for position in range(count):
                blocks.append(
                    InvertedResidual(
                        inputs,
                        outputs,
                        expansion=6 if stage else 1,
                        stride=1 if position else self.stride(stage),
                        dilation=self.dilation(stage),
                    )
                )
                inputs = outputs
        return blocks

    def make_head(self) -> nn.Module:
        return nn.Sequential(
            ConvNorm(self.widths[-1], self.last, kernel=1),
            nn.ReLU6(),
            nn.Dropout(0.2),
            PooledClassifier(self.last, self.classes),
        )


@pytest.fixture
def mobilenet() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, MobileNetV2.family, f"{__name__}:{MobileNetV2.__name__}")
        yield "mobilenetv2-small"


def test_a_registered_backbone_is_in_run_page_csv_and_latex(
    mobilenet: str, written: Callable[..., Written]
) -> None:
    found = written(backbone=mobilenet)
    assert found.report.records.oracles[0].facts["backbone"] == mobilenet
    assert tuple(found.report.records.blocks_per_stage) == (1, 2, 2)
    assert mobilenet in found.page
    assert any(mobilenet in text for text in found.csv.values())
    assert any(mobilenet in text for text in found.latex.values())

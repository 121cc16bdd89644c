import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.networks.backbone import BackboneNetwork, ConvNorm, shape_named
from benchmark.networks.registry import ATTENTIONS
from benchmark.networks.resnet import THIN, ResidualBlock, ResNet
from tests.benchmark.attentions import registered


def kernels(block: ResidualBlock) -> list[tuple[int, int]]:
    units = [unit for unit in block.units if isinstance(unit, ConvNorm)]
    return [(unit.conv.kernel_size[0], unit.conv.stride[0]) for unit in units]


def test_bottlenecks_stride_in_their_middle_convolution() -> None:
    network = BackboneNetwork(ResNet((2, 4), (2, 1), in_channels=1, classes=2, block="bottleneck"))
    blocks = [block for block in network.blocks if isinstance(block, ResidualBlock)]
    assert [kernels(block) for block in blocks] == [
        [(1, 1), (3, 1), (1, 1)],
        [(1, 1), (3, 1), (1, 1)],
        [(1, 1), (3, 2), (1, 1)],
    ]
    # Projections (option B) wherever the shape changes: the first block widens from 2 to 8.
    assert [block.shortcut is not None for block in blocks] == [True, False, True]


def test_basic_blocks_stride_in_their_first_convolution() -> None:
    network = BackboneNetwork(ResNet((2, 4), (1, 1), in_channels=1, classes=2))
    blocks = [block for block in network.blocks if isinstance(block, ResidualBlock)]
    assert [kernels(block) for block in blocks] == [[(3, 1), (3, 1)], [(3, 2), (3, 1)]]
    assert [block.shortcut is not None for block in blocks] == [False, True]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("resnet38", [32, 32, 16, 8]), ("resnet50", [8, 8, 4, 2, 1]), ("resnet18", [8, 8, 4, 2, 1])],
)
def test_each_stage_but_the_first_halves_the_map(name: str, sizes: list[int]) -> None:
    with torch.device("meta"):
        network = BackboneNetwork(shape_named(name).native).eval()
        features = network.stem(torch.zeros(1, 3, 32, 32))
    seen = [features.shape[2]]
    for index, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        features = block.body(features) + block.skip(features)
        if network.spec.stage_of[index + 1 : index + 2] != (network.spec.stage_of[index],):
            seen.append(features.shape[2])
    assert seen == sizes
    assert features.shape[1] == network.spec.channels[-1]


def test_only_the_imagenet_form_has_biases_before_batch_norms() -> None:
    for name, bias in (("resnet38", False), ("resnet26-thin", False), ("resnet50", True)):
        with torch.device("meta"):
            network = BackboneNetwork(shape_named(name).native)
        units = [unit for unit in network.modules() if isinstance(unit, ConvNorm)]
        assert {unit.conv.bias is not None for unit in units} == {bias}


def test_the_digits_backbone_has_twelve_blocks_in_three_stages() -> None:
    backbone = THIN.backbone(4, 10)
    assert backbone.blocks == 12
    assert backbone.stage_of == (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)


def test_the_same_depth_may_have_two_forms() -> None:
    assert shape_named("resnet20").native.blocks_per_stage == (2, 2, 2)  # 9·2 + 2
    assert shape_named("resnet20-basic").native.blocks_per_stage == (3, 3, 3)  # 6·3 + 2
    assert shape_named("resnet101").native.blocks_per_stage == (3, 4, 23, 3)  # not 9·11 + 2


@pytest.mark.parametrize(
    "name",
    ["", "resnet", "resnet2", "resnet039", "resnet39", "resnet39-basic", "vgg16", "ResNet38"],
)
def test_other_names_are_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(UsageError, match=r"unknown backbone .*resnet26-thin; resnetN for N = 18"):
        shape_named(name)


def test_modules_say_what_they_divide_channels_by() -> None:
    shapes = [THIN, shape_named("resnet164"), shape_named("resnet50")]
    found = {name: [shape.reduction(name) for shape in shapes] for name in ATTENTIONS}
    # The paper's, by which Table II has its parameters; on small images what leaves two units.
    published = {"se": [4, 16, 16], "sge": [4, 4, 64], "dia": [4, 4, 20]}
    assert {name: found[name] for name in published} == published
    with registered():
        assert [shape.reduction("test-mixed") for shape in shapes] == [1, 1, 1]


def test_an_unknown_module_is_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"module 'sg'; did you mean 'sge'\?"):
        THIN.reduction("sg")

from copy import deepcopy

import numpy as np
import pytest
import torch

from benchmark.costs import count_parameters
from benchmark.networks.connect import SchemeNetwork, build_network
from benchmark.networks.resnet import SHAPES, Block
from benchmark.schemes import all_schemes
from tests.benchmark.small import SMALL, small_network


@pytest.mark.parametrize("sharing", ["full", "share"])
def test_without_connections_the_backbone_is_left(sharing: str) -> None:
    network = small_network("full" if sharing == "full" else "share")
    images = torch.randn(3, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    features = network.backbone.stem(images)
    for block in network.backbone.blocks:
        assert isinstance(block, Block)
        features = (block.body(features) + block.skip(features)).relu()
    expected = network.backbone.head(features)
    torch.testing.assert_close(network(images, [False] * 5), expected)


def test_a_connected_block_rescales_its_residual_before_the_addition() -> None:
    network = small_network()
    block = network.backbone.blocks[0]
    assert isinstance(block, Block)
    for rest in network.backbone.blocks[1:]:
        assert isinstance(rest, Block)
    images = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    features = network.backbone.stem(images)
    residual, _ = network.attention_of(0)(block.body(features), None)
    after = (residual + block.skip(features)).relu()
    for rest in network.backbone.blocks[1:]:
        assert isinstance(rest, Block)
        after = (rest.body(after) + rest.skip(after)).relu()
    expected = network.backbone.head(after)
    torch.testing.assert_close(network(images, [True, *[False] * 4]), expected)


@pytest.mark.parametrize("sharing", ["full", "share"])
def test_the_network_of_a_scheme_equals_the_supernet_under_that_scheme(sharing: str) -> None:
    supernet = small_network("full" if sharing == "full" else "share")
    images = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    for scheme in all_schemes(5):
        expected = supernet(images, scheme)
        alone = SchemeNetwork(deepcopy(supernet), scheme).eval()
        assert torch.equal(alone(images), expected)


def test_sharing_gives_one_module_to_each_stage() -> None:
    network = small_network("share")
    assert network.attention_of(0) is network.attention_of(1)
    assert network.attention_of(1) is not network.attention_of(2)
    assert len(network.attention) == len(SMALL.widths)


def test_unused_modules_are_dropped_from_the_network_of_a_scheme() -> None:
    base = count_parameters(SchemeNetwork(small_network(), [False] * 5))
    unit = {4: 2 * 4 * 2 + 2 + 4, 8: 2 * 8 * 4 + 4 + 8}
    scheme = [True, False, True, True, False]
    full = count_parameters(SchemeNetwork(small_network(), scheme))
    shared = count_parameters(SchemeNetwork(small_network("share"), scheme))
    assert full == base + unit[4] + 2 * unit[8]
    assert shared == base + unit[4] + unit[8]


def test_weights_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    networks = [small_network(seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    first, same, other = (network.backbone.classifier.weight for network in networks)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_convolutions_start_with_the_papers_variance() -> None:
    shape = SHAPES["resnet26-thin"]
    network = build_network(
        shape.backbone(4, 10),
        attention="se",
        reduction=shape.reduction,
        sharing="full",
        generator=torch.Generator().manual_seed(0),
    )
    block = network.backbone.blocks[-1]
    assert isinstance(block, Block)
    weight = block.units[-1].conv.weight  # type: ignore[union-attr]  # a ConvNorm
    assert isinstance(weight, torch.Tensor)
    expected = np.sqrt(2 / (3 * 3 * 32))
    assert float(weight.detach().std()) == pytest.approx(expected, rel=0.03)


def test_the_digits_backbone_has_twelve_blocks_in_three_stages() -> None:
    backbone = SHAPES["resnet26-thin"].backbone(4, 10)
    assert backbone.blocks == 12
    assert backbone.stage_of == (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)

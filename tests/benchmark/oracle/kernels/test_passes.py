"""Block passes by the kernels against torch's operations."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.networks.attention import State
from benchmark.networks.backbone import blocks_of
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import BlockKind, ResidualBlock, ResNet
from benchmark.networks.se import SE
from benchmark.oracle.batch_norms import Running
from benchmark.oracle.convolution import FrozenConvolutions
from benchmark.oracle.kernels import passes as kernel_passes
from benchmark.oracle.kernels.library import INSTRUCTIONS, Kernels, kernels_of
from benchmark.oracle.kernels.passes import Compiled, Layouts, nodes_of
from benchmark.oracle.passes import Children, Operations, Passes
from benchmark.oracle.prefix_tree import descend
from benchmark.records.schemes import all_schemes
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import small_network

KERNELS = [kernels for kernels in map(kernels_of, INSTRUCTIONS) if kernels is not None]
every_kernels = pytest.mark.parametrize("kernels", KERNELS, ids=lambda k: k.instructions)
some_kernels = st.sampled_from(KERNELS)
pytestmark = [
    pytest.mark.skipif(not KERNELS, reason="no kernels on this machine"),
    pytest.mark.usefixtures("_other_attentions"),
]

BLOCKS: list[BlockKind] = list(get_args(BlockKind))
Kind = tuple[str, Literal["full", "share"]]
BOTH = Children(passed=True, attended=True)


def backbone(width: int, block: BlockKind, wider: int) -> ResNet:
    """A first block without and, in the second stage, one with a projection and a stride."""
    return ResNet(
        widths=(width, width * wider),
        blocks_per_stage=(2, 2),
        in_channels=3,
        classes=5,
        block=block,
    )


def both_passes(network: AttentionNetwork, kernels: Kernels) -> tuple[Passes, Passes]:
    norms = Running(FrozenConvolutions(torch.float32))
    return Operations(norms), Compiled(Layouts(network, kernels), norms)


def children(
    passes: Passes, network: AttentionNetwork, level: int, features: Tensor, wanted: Children
) -> list[Tensor]:
    """What a node at ``level`` hands to its children."""
    block, attention = blocks_of(network.backbone)[level], network.attention_of(level)
    node = passes.node(block, attention, [features.clone()], wanted)
    found = []
    if wanted.passed:
        found += [piece.clone() for piece in node.passed()]
    if wanted.attended:
        state: State = None
        if attention.recurrent:
            generator = torch.Generator().manual_seed(1)
            shape = len(features), network.spec.channels[network.spec.stage_of[level]]
            state = (torch.rand(shape, generator=generator), torch.zeros(shape))
        pieces, states = node.attended([state])
        found += pieces
        if states[0] is not None:
            found += states[0]
    return found


def close(found: Tensor, expected: Tensor) -> None:
    scale = float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * scale)


SIZES = st.tuples(
    st.integers(2, 40),  # width of a block's 3×3 convolutions
    st.integers(1, 12),  # height of maps, which are one position wider
    st.integers(1, 11),  # rows
)


@settings(deadline=None, max_examples=60)
@given(
    some_kernels,
    st.sampled_from(BLOCKS),
    st.sampled_from(KINDS),
    SIZES,
    st.integers(0, 3),
)
@torch.inference_mode()
def test_both_children_of_any_block_are_those_of_torch(
    kernels: Kernels, block: BlockKind, kind: Kind, sizes: tuple[int, int, int], level: int
) -> None:
    width, side, rows = sizes
    if kind[0] == "sge":
        width, side = 2 * width, side + 2
    spec = backbone(width, block, 2)
    network = small_network(kind[1], attention=kind[0], backbone=spec)
    entering = [width, *spec.channels[:1], *spec.channels[:1], *spec.channels[1:]][level]
    features = torch.randn(rows, entering, side, side + 1).relu()
    operations, compiled = both_passes(network, kernels)
    expected = children(operations, network, level, features, BOTH)
    found = children(compiled, network, level, features, BOTH)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs)
    for wanted in (Children(passed=True, attended=False), Children(passed=False, attended=True)):
        alone = children(compiled, network, level, features, wanted)
        matching = found[:1] if wanted.passed else found[1:]
        assert all(map(torch.equal, alone, matching))  # to the bit
    pooled = children(compiled, network, level, features, replace(BOTH, pooled=True))
    for ours, whole in zip(pooled[:2], found[:2], strict=True):
        close(ours, whole.mean((2, 3), keepdim=True))


@every_kernels
@pytest.mark.parametrize("channels", [31, 32, 33])  # from 32 on by Winograd's products
@pytest.mark.parametrize("side", [3, 4, 5, 6, 8, 14])  # up to 4 several maps together; odd ones
@torch.inference_mode()
def test_each_way_of_a_3x3_convolution_says_the_same(
    kernels: Kernels, channels: int, side: int
) -> None:
    network = small_network(backbone=backbone(channels, "basic", 1))
    features = torch.randn(19, channels, side, side).relu()
    operations, compiled = both_passes(network, kernels)
    expected = children(operations, network, 1, features, BOTH)
    for ours, theirs in zip(children(compiled, network, 1, features, BOTH), expected, strict=True):
        close(ours, theirs)


@every_kernels
@pytest.mark.parametrize("side", [1, 2, 4, 6, 8])
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
@torch.inference_mode()
def test_rows_have_the_same_bits_in_any_company(kernels: Kernels, side: int, kind: Kind) -> None:
    side = max(side, 3) if kind[0] == "sge" else side
    network = small_network(kind[1], attention=kind[0], backbone=backbone(32, "basic", 1))
    features = torch.randn(37, 32, side, side).relu()
    _, compiled = both_passes(network, kernels)
    block, attention = blocks_of(network.backbone)[0], network.attention_of(0)
    together = compiled.node(block, attention, [features], BOTH)
    passed, attended = together.passed()[0], together.attended([None])[0][0]
    for some in (slice(0, 1), slice(5, 16), slice(3, 36)):
        alone = compiled.node(block, attention, [features[some]], BOTH)
        assert torch.equal(alone.passed()[0], passed[some])
        if type(attention) is SE:  # torch's part of the others' gates is not promised this
            assert torch.equal(alone.attended([None])[0][0], attended[some])


@every_kernels
@pytest.mark.parametrize("limit", [0, 2**13, 2**22])  # bytes: none, some and all blocks at once
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("side", [5, 16])
@torch.inference_mode()
def test_a_subtree_at_once_says_what_its_nodes_say(
    kernels: Kernels,
    limit: int,
    block: BlockKind,
    side: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel_passes, "_WHOLE_SUBTREE", limit)
    network = small_network(backbone=backbone(4, block, 2))
    images = [torch.randn(rows, 3, side, side) for rows in (19, 3)]
    schemes = all_schemes(4)[[0, 1, 5, 6, 7, 12, 15]]
    operations, compiled = both_passes(network, kernels)
    expected = dict(descend(network, schemes, images, operations))
    found = dict(descend(network, schemes, images, compiled))
    assert list(found) == list(range(7))
    for row, pieces in expected.items():
        for ours, theirs in zip(found[row], pieces, strict=True):
            close(ours, theirs)
    single = dict(descend(network, schemes[3:4], images, compiled))
    assert all(map(torch.equal, single[0], found[3]))  # to the bit


@every_kernels
@torch.inference_mode()
def test_a_piece_of_few_rows_goes_the_way_of_a_full_one(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = small_network(backbone=backbone(4, "basic", 2))
    images = [torch.randn(rows, 3, 4, 4) for rows in (40, 3)]
    _, compiled = both_passes(network, kernels)
    # Too much for the 16 maps of 2×2 that a full piece sends at once, not for three.
    last_block = 4 * (2 * 9 * 8 * 8 + 2 * 16 * 8 * 4)
    monkeypatch.setattr(kernel_passes, "_WHOLE_SUBTREE", last_block - 1)
    features = [torch.randn(len(piece), 8, 2, 2) for piece in images]
    assert compiled.subtree(3, features) is None
    assert compiled.subtree(3, features[1:]) is None
    _, anew = both_passes(network, kernels)
    monkeypatch.setattr(kernel_passes, "_WHOLE_SUBTREE", last_block)
    assert anew.subtree(3, features) is not None
    together = dict(descend(network, all_schemes(4), images, anew))
    alone = dict(descend(network, all_schemes(4), images[1:], anew))
    assert all(torch.equal(alone[row][0], pieces[1]) for row, pieces in together.items())


@every_kernels
@torch.inference_mode()
def test_what_is_no_number_is_not_hidden(kernels: Kernels) -> None:
    network = small_network(backbone=backbone(32, "basic", 1))
    features = torch.ones(2, 32, 6, 6)
    features[1, 3, 2, 2] = torch.nan
    _, compiled = both_passes(network, kernels)
    for found in children(compiled, network, 1, features, BOTH):
        assert not found[0].isnan().any()
        assert found[1, :, 2, 2].isnan().all()


@every_kernels
@torch.inference_mode()
def test_gates_at_the_ends_of_the_sigmoid(kernels: Kernels) -> None:
    network = small_network(backbone=backbone(8, "basic", 1))
    attention = network.attention_of(0)
    attention.excite.weight.zero_()  # type: ignore[union-attr, operator]  # an SE module
    attention.excite.bias.copy_(  # type: ignore[union-attr, operator]
        torch.tensor([-1e9, -100.0, -20.0, -1.0, 0.0, 1.0, 20.0, 1e9])
    )
    features = torch.rand(1, 8, 6, 6)
    operations, compiled = both_passes(network, kernels)
    expected = children(operations, network, 0, features, BOTH)[1]
    close(children(compiled, network, 0, features, BOTH)[1], expected)


def test_other_convolutions_are_left_to_torch() -> None:
    network = small_network(backbone=backbone(4, "basic", 1))
    block = blocks_of(network.backbone)[1]
    assert isinstance(block, ResidualBlock)
    unit = block.units[0]
    unit.conv = torch.nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    operations, compiled = both_passes(network, KERNELS[0])
    features = torch.randn(3, 4, 6, 6)
    with torch.inference_mode():
        expected = children(operations, network, 1, features, BOTH)
        found = children(compiled, network, 1, features, BOTH)
    assert all(map(torch.equal, found, expected))  # the very same operations


def test_nodes_are_counted_in_the_order_of_a_descent() -> None:
    schemes = np.array([[0, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)
    # The root, its child without the first SAM, that one's two, and the path to the last leaf.
    assert list(nodes_of(schemes)) == [0, 1, 2, 2, 1, 2]

import torch

from benchmark.networks.resnet import ConvNorm
from benchmark.schemes import all_schemes
from benchmark.speed.work import Work, cpu_ceilings
from tests.benchmark.small import small_network


def test_the_work_of_a_tree_by_hand() -> None:
    network, image = small_network(), torch.zeros(1, 3, 6, 6)
    assert isinstance(network.backbone.first, ConvNorm)
    inputs = network.backbone.first.conv.in_channels
    image = torch.zeros(1, inputs, 6, 6)
    wide, narrow = 36, 9  # positions of the maps of 4 and of 8 channels
    stem = 9 * inputs * 4 * wide
    first = 2 * 9 * 4 * 4 * wide
    projected = (9 * 4 * 8 + 9 * 8 * 8 + 4 * 8) * narrow
    last = 2 * 9 * 8 * 8 * narrow
    # Two blocks of the first stage, three of the second; 2ˡ nodes at level l.
    multiplied = stem + (1 + 2) * first + 4 * projected + (8 + 16) * last
    found = Work.of(network, all_schemes(5), image)
    assert found.flops == 2 * multiplied
    maps = {level: (4 * wide if level < 2 else 8 * narrow) for level in range(5)}
    moved = inputs * wide + 4 * wide
    moved += sum(2**level * 4 * maps[level] for level in (0, 1, 3, 4))
    moved += 4 * (2 * 4 * wide + 4 * maps[2])  # both branches read what the block gets
    moved += sum(2 ** (level + 1) * 3 * maps[level] for level in range(5))
    assert found.numbers == moved


def test_two_schemes_share_their_blocks_up_to_where_they_differ() -> None:
    network, alone = small_network(), all_schemes(5)[:1]
    image = torch.zeros(1, network.backbone.spec.in_channels, 6, 6)
    one, two, both = (
        Work.of(network, schemes, image).flops
        for schemes in (alone, all_schemes(5)[:2], all_schemes(5)[[0, 31]])
    )
    assert one == two  # siblings come from one pass of the last block
    assert one < both < 2 * one


def test_ceilings_of_this_machine_are_measured() -> None:
    ceilings = cpu_ceilings()
    assert 1e8 < ceilings.flops < 1e13
    assert 1e7 < ceilings.bytes < 1e13

"""The parameter counts of "The Lottery Ticket Hypothesis for Self-attention in CNN", Table II.

The paper prints them in millions with three digits; these are the integers behind them.
"""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.networks.backbone import shape_named
from benchmark.networks.connect import (
    SHARINGS,
    AttentionNetwork,
    SchemeNetwork,
    Sharing,
    outline_network,
)
from benchmark.records.schemes import parse_scheme
from benchmark.standalone.costs import count_parameters

TABLE_II = """
            network    attention  Full-SA     Full-Share
CIFAR100    resnet164  -           1,727,284   1,727,284
CIFAR100    resnet164  se          1,929,388   1,738,512
CIFAR100    resnet164  sge         1,727,716   1,727,308
CIFAR100    resnet164  dia         -           1,946,132
ImageNet    resnet50   -          25,583,592  25,583,592
ImageNet    resnet50   se         28,114,584  26,283,992
ImageNet    resnet50   sge        25,585,640  25,584,104
ImageNet    resnet50   dia        -           28,384,612
CIFAR100    resnet38   -             428,980     428,980
CIFAR100    resnet38   se            473,892     440,208
CIFAR100    resnet38   sge           429,076     429,004
CIFAR100    resnet38   dia        -              647,828
"""
"""The last four rows are not in the table: the same conventions on the backbone of Fig. 2."""
_ROWS = [line.split()[1:] for line in TABLE_II.strip().splitlines()[1:]]
CELLS = [
    (backbone, attention, sharing, int(printed.replace(",", "")))
    for backbone, attention, *columns in _ROWS
    for sharing, printed in zip(SHARINGS, columns, strict=True)
    if printed != "-"
]

SE_UNITS = {64: 580, 128: 2184, 256: 8464, 512: 33312, 1024: 132160, 2048: 526464}
"""Parameters of an SE module with reduction 16, by channels."""


@cache
def outline(backbone: str, attention: str, sharing: Sharing) -> AttentionNetwork:
    shape = shape_named(backbone)
    reduction = shape.reduction(attention)
    return outline_network(shape.native, attention=attention, reduction=reduction, sharing=sharing)


def effective(backbone: str, attention: str, sharing: Sharing, scheme: str) -> int:
    outline.cache_clear()  # a SchemeNetwork takes its network's modules over
    network = outline(backbone, attention, sharing)
    bits = parse_scheme(scheme, network.spec.blocks_per_stage)
    return count_parameters(SchemeNetwork(network, bits))


@pytest.mark.parametrize(("backbone", "attention", "sharing", "expected"), CELLS)
def test_table_ii(backbone: str, attention: str, sharing: Sharing, expected: int) -> None:
    if attention == "-":
        assert effective(backbone, "se", sharing, "none") == expected
    else:
        assert count_parameters(outline(backbone, attention, sharing)) == expected
        assert effective(backbone, attention, sharing, "full") == expected


@settings(deadline=None, max_examples=6)
@given(st.data())
@pytest.mark.parametrize("backbone", ["resnet38", "resnet164", "resnet50"])
def test_every_connection_of_full_sa_se_adds_one_unit(backbone: str, data: st.DataObject) -> None:
    spec = shape_named(backbone).native
    bits = data.draw(st.lists(st.booleans(), min_size=spec.blocks, max_size=spec.blocks))
    original = {"resnet38": 428_980, "resnet164": 1_727_284, "resnet50": 25_583_592}[backbone]
    ones = np.bincount(spec.stage_of, weights=bits).astype(int).tolist()
    units = [SE_UNITS[channels] for channels in spec.channels]
    expected = original + sum(count * unit for count, unit in zip(ones, units, strict=True))
    text = "".join("1" if bit else "0" for bit in bits)
    assert effective(backbone, "se", "full", text) == expected


def test_a_shared_module_counts_once_and_not_at_all_in_a_stage_without_connections() -> None:
    # Shares are built whatever the scheme: 26,283,992 in the paper's own code for (7,0,63,7).
    assert count_parameters(outline("resnet50", "se", "share")) == 26_283_992
    assert effective("resnet50", "se", "share", "(7,0,63,7)") == 26_283_992 - SE_UNITS[512]
    assert effective("resnet50", "se", "share", "(1,1,1,1)") == 26_283_992


def test_other_depths_come_from_the_same_code() -> None:
    # He et al.'s ResNet56 for CIFAR10, with projections: 853,018 + (16·32 + 64) + (32·64 + 128).
    # torchvision's ResNets plus one bias for each output of each convolution.
    cifar = shape_named("resnet56-basic").backbone(3, 10)
    network = outline_network(cifar, attention="se", reduction=16, sharing="full")
    assert count_parameters(SchemeNetwork(network, [False] * 27)) == 853_018 + 576 + 2_176
    assert effective("resnet38-basic", "se", "full", "none") == 569_972
    torchvision = {"resnet18": 11_689_512 + 4_800, "resnet34": 21_797_672 + 8_512}
    torchvision |= {"resnet101": 44_549_160 + 52_672, "resnet152": 60_192_808 + 75_712}
    for name, expected in torchvision.items():
        assert effective(name, "se", "full", "none") == expected


def test_blocks_and_channels_of_the_papers_backbones() -> None:
    shapes = {name: shape_named(name).native for name in ("resnet38", "resnet164", "resnet50")}
    assert [spec.blocks_per_stage for spec in shapes.values()] == [
        (4, 4, 4),
        (18, 18, 18),
        (3, 4, 6, 3),
    ]
    assert shapes["resnet164"].channels == (64, 128, 256)
    assert shapes["resnet50"].channels == (256, 512, 1024, 2048)

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.networks.connect import SchemeNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.planning.rates import Device
from benchmark.records.schemes import Schemes, all_schemes
from benchmark.standalone.costs import count_flops
from tests.benchmark.small import SMALL
from tests.speed.ceilings import cpu_ceilings
from tests.speed.roofline import TreeWork, tree_work

SPEC = NetworkSpec(SMALL, "se", 2, "full")
SHAPE = (3, 6, 6)


def _work(schemes: Schemes, *, rows: int = 4, spec: NetworkSpec = SPEC) -> TreeWork:
    return tree_work(spec, SHAPE, schemes, rows=rows, piece=4, dtype=torch.bfloat16)


@pytest.mark.parametrize("bits", [[0, 0, 0, 0, 0], [0, 1, 1, 0, 1]])
def test_one_scheme_takes_what_its_network_does(bits: list[int]) -> None:
    scheme = np.array([bits], dtype=bool)
    network = SchemeNetwork(SPEC.outline(), scheme[0])
    assert _work(scheme).total_flops == 4 * (count_flops(network, SHAPE) - _stem())


def _stem() -> int:
    return 2 * 36 * 9 * 3 * 4  # positions, kernel, channels; one in each piece, left out


def test_a_tree_takes_its_nodes_and_leaves() -> None:
    plain = NetworkSpec(SMALL, "sge", 2, "full")  # whose gates are no products
    first, later = 2 * 36 * 9 * 4 * 4, 2 * 9 * 9 * 8 * 8
    entry = 2 * 9 * (9 * 4 * 8 + 4 * 8)  # with its projection
    nodes = 1 * 2 * first + 2 * 2 * first + 4 * (entry + later) + (8 + 16) * 2 * later
    assert _work(all_schemes(5), spec=plain).total_flops == 4 * (nodes + 32 * 2 * 8 * 5)


def test_pieces_multiply_launches_and_add_up_to_the_same_work() -> None:
    schemes = all_schemes(5)[3:9]
    one, several = _work(schemes), _work(schemes, rows=10)
    assert several.launches == 3 * one.launches  # 4, 4 and 2 rows
    assert several.total_flops == one.total_flops * 10 / 4


def test_time_is_bound_by_operations_bytes_or_launches() -> None:
    work = _work(all_schemes(5))
    device = Device("slow", 1e9, 1e30)
    assert work.seconds(device) == pytest.approx(work.total_flops / 1e9)
    assert work.seconds(replace(device, flops=1e30, bandwidth=1e6)) == pytest.approx(
        work.total_bytes / 1e6
    )
    assert work.seconds(device, launch=1e3) == pytest.approx(1e3 * work.launches)


def test_two_schemes_share_their_blocks_up_to_where_they_differ() -> None:
    schemes = all_schemes(5)
    alone, siblings, strangers = (
        _work(some, spec=NetworkSpec(SMALL, "sge", 2, "full")).total_flops
        for some in (schemes[:1], schemes[:2], schemes[[0, 31]])
    )
    head = 4 * 2 * 8 * 5  # of one leaf
    assert siblings == alone + head  # siblings come from one pass of the last block
    assert siblings < strangers < 2 * alone


def test_ceilings_of_this_machine_are_measured() -> None:
    ceilings = cpu_ceilings()
    assert 1e8 < ceilings.flops < 1e13
    assert 1e7 < ceilings.bandwidth < 1e13

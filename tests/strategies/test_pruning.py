import numpy as np
import pytest
import torch

from benchmark.networks.connect import build_network
from benchmark.networks.resnet import ResNet
from strategies._importance import (
    Kind,
    Pruning,
    Scale,
    importances,
    layers,
    mean_importance,
    total_importance,
)
from strategies.base import SearchSpace, StrategyError
from strategies.gm import GM
from strategies.l1 import L1
from strategies.l2 import L2
from tests.strategies.white_box import Weights

SMALL = np.array([[3.0, 4.0], [0.0, 0.0]])
WIDE = np.array([[1.0, -2.0, 2.0]])


@pytest.mark.parametrize(
    ("kind", "mean", "total"),
    [
        ("l1", (3.5 + 5.0) / 2, 12.0),  # rows 7 and 0; 5
        ("l2", (2.5 + 3.0) / 2, 34**0.5),  # rows 5 and 0; 3
        ("gm", (5.0 + 0.0) / 2, 10.0),  # each row is 5 from the other; one row is alone
    ],
)
def test_importance_by_hand(kind: Kind, mean: float, total: float) -> None:
    assert mean_importance([SMALL, WIDE], kind) == pytest.approx(mean)
    assert total_importance([SMALL, WIDE], kind) == pytest.approx(total)


def test_distances_are_those_of_torch() -> None:
    filters = np.random.default_rng(0).standard_normal((9, 5))
    expected = torch.cdist(torch.from_numpy(filters), torch.from_numpy(filters)).sum(1)
    assert mean_importance([filters], "gm") == pytest.approx(float(expected.mean()))


def test_matrices_count_without_biases_and_vectors_where_there_is_nothing_else() -> None:
    se = {"weight": SMALL, "bias": np.full(9, 1e6)}
    assert [layer.tolist() for layer in layers(se)] == [SMALL.tolist()]
    sge = {"scale": np.array([1.0, 2.0]), "shift": np.array([3.0, 4.0])}
    assert [layer.tolist() for layer in layers(sge)] == [[[1], [2]], [[3], [4]]]


@pytest.mark.parametrize("scale", ["sum", "mean", "stage"])
def test_equals_are_broken_by_block_order(scale: Scale) -> None:
    modules = [{"w": SMALL * size} for size in (1, 2, 1, 3)]
    found = importances(modules, "l1", scale, (3, 1))
    strategy = L1(SearchSpace((3, 1), budget=9), rng=np.random.default_rng(0), scale=scale)
    strategy.look_into(Weights(*modules))
    (_, half, most) = strategy.ask(9).tolist()
    best = sorted(range(4), key=lambda block: (-found[block], block))
    assert [block in best[:2] for block in range(4)] == half
    assert [block in best[:3] for block in range(4)] == most
    assert found[0] == found[2]
    assert not most[2]


def test_stages_compete_on_equal_terms_when_their_size_is_taken_out() -> None:
    modules = [{"w": SMALL * size} for size in (1, 3, 100, 100)]
    assert importances(modules, "l2", "stage", (2, 2)) == pytest.approx([0.5, 1.5, 1, 1])


@pytest.mark.parametrize("strategy", [L1, L2, GM])
def test_at_first_weights_the_last_stages_win_as_in_table_i(strategy: type[Pruning]) -> None:
    # ResNet38-SE; of 12 blocks 2, 6 and 9 are kept, from the last stage on.
    backbone = ResNet((16, 32, 64), (4, 4, 4), in_channels=3, classes=100, block="bottleneck")
    generator = torch.Generator().manual_seed(0)
    network = build_network(
        backbone, attention="se", reduction=16, sharing="full", generator=generator
    )
    modules = [
        {name: p.detach().numpy() for name, p in network.attention_of(block).named_parameters()}
        for block in range(12)
    ]
    pruning: Pruning = strategy(SearchSpace((4, 4, 4), budget=9), rng=np.random.default_rng(0))
    pruning.look_into(Weights(*modules))
    by_stage = pruning.ask(9).reshape(3, 3, 4).sum(axis=2).tolist()
    assert by_stage == [[0, 0, 2], [0, 2, 4], [1, 4, 4]]
    assert pruning.ask(9).shape == (0, 12)


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        ("0.2;0.5", "expected ratios as numbers separated by commas, received '0.2;0.5'"),
        ("1.5", "expected ratios from 0 to 1, received 1.5"),
    ],
)
def test_ratios_that_can_not_be_are_refused(ratios: str, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        GM(SearchSpace((3,), budget=9), rng=np.random.default_rng(0), ratios=ratios)


def test_a_ratio_keeps_the_floor_of_its_share() -> None:
    strategy = L2(SearchSpace((10,), budget=9), rng=np.random.default_rng(0), ratios="0.7,0.29,1")
    strategy.look_into(Weights(*[{"w": SMALL}] * 10))
    assert strategy.ask(2).sum(axis=1).tolist() == [7, 2]
    assert strategy.ask(1).sum(axis=1).tolist() == [10]

"""Networks with a head of their own go through every oracle like those with a classifier."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import THIN, ResNet
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.base import BatchNormMode
from benchmark.oracle.data import OracleData
from benchmark.oracle.memory import Footprint
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.reference import ReferenceOracle
from benchmark.oracle.soft_gates import SoftGates
from benchmark.oracle.supernet import oracle_data
from benchmark.records.schemes import all_schemes
from strategies.base import GateQuestion
from tasks.splits import TensorSplit
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import scatter
from tests.tasks.dots import Dots, DotsHead, drawn

pytestmark = pytest.mark.usefixtures("_other_attentions")
TASK = Dots()
SMALL = ResNet((4, 8), (2, 2), in_channels=3, classes=1).using(
    None, strides=(1, 2), dilations=(1, 2), earlier=(0,)
)
MODES: tuple[BatchNormMode, ...] = ("recalibrated", "running")
SCHEMES = all_schemes(4)[[0, 3, 6, 9, 12, 15]]


def dense_network(
    attention: str = "se", sharing: Literal["full", "share"] = "full"
) -> AttentionNetwork:
    generator = torch.Generator().manual_seed(3)
    network = NetworkSpec(SMALL, attention, 2, sharing, DotsHead()).build(generator)
    scatter(network, generator)
    return network.eval()


def dense_data() -> OracleData:
    data = oracle_data(TASK, np.random.default_rng(0))
    # The mixed split: batches of two image sizes.
    return replace(data, validation=TASK.test())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_the_tree_agrees_with_the_reference(
    mode: BatchNormMode, attention: str, sharing: Literal["full", "share"]
) -> None:
    network, data = dense_network(attention, sharing), dense_data()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tree = PrefixTreeOracle(network, data, mode, identity="t").score(SCHEMES)
    slow = ReferenceOracle(network, data, mode, identity="r", batch_size=5).score(SCHEMES)
    assert tree.accuracy == pytest.approx(slow.accuracy, rel=1e-4)
    assert tree.loss == pytest.approx(slow.loss, rel=1e-4)
    assert len(set(tree.loss.tolist())) == len(SCHEMES)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("mode", MODES)
def test_answers_depend_neither_on_the_batch_nor_on_memory(mode: BatchNormMode) -> None:
    network, data = dense_network(), dense_data()
    whole = PrefixTreeOracle(network, data, mode, identity="t")
    answers = whole.score(SCHEMES)
    alone = [float(whole.score(SCHEMES[row : row + 1]).loss[0]) for row in (1, 4)]
    assert alone == answers.loss[[1, 4]].tolist()
    fewer = PrefixTreeOracle(network, data, mode, identity="t", group=2)
    assert fewer.score(SCHEMES).loss.tolist() == answers.loss.tolist()


@pytest.mark.parametrize("mode", MODES)
def test_gates_of_a_scheme_have_the_loss_that_the_oracle_answers(mode: BatchNormMode) -> None:
    network, data = dense_network(), dense_data()
    oracle = OpenOracle(network, data, mode, identity="o", make=PrefixTreeOracle)
    gates = SoftGates(network, data, mode)
    for scheme, loss in zip(SCHEMES, oracle.score(SCHEMES).loss, strict=True):
        assert gates.gradient(scheme.astype(np.float64)).loss == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_gate_gradients_are_those_of_differences(mode: BatchNormMode, rate: float) -> None:
    data, few = dense_data(), drawn(6, 16, np.random.default_rng(1))
    network = dense_network().double()
    data = replace(
        data,
        calibration=data.calibration.double(),
        targets=None if data.targets is None else data.targets.double(),
        validation=TensorSplit(few.images.double(), few.targets.double()),
    )
    soft, middle = SoftGates(network, data, mode), np.array([0.3, 0.6, 0.5, 0.9])
    answer = soft.gradient(middle, rate)
    for gate in range(4):
        step = np.zeros(4)
        step[gate] = 1e-6
        ends = [soft.gradient(middle + sign * step, rate).loss for sign in (1, -1)]
        assert answer.gradient[gate] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=2e-3)


def test_a_part_of_a_split_is_scored_like_a_whole_one() -> None:
    oracle = OpenOracle(
        dense_network(), dense_data(), "running", identity="o", make=PrefixTreeOracle
    )
    half = oracle.gate_gradient(GateQuestion(np.full(4, 0.5)))
    assert np.isfinite(half.loss)


def test_outputs_that_are_maps_count_by_the_piece() -> None:
    flat = Footprint(SMALL, (16, 16), group=64)
    maps = replace(flat, maps=True)
    rows = flat.batch
    means = 4 * 64 * 8  # of leaves, one map at once
    numbers = 4 * 64 * flat.batch - 4 * 4 * flat.piece * 256
    assert flat.peak(rows) - maps.peak(rows) == numbers + means
    # Stages of stride 1 keep their maps, so the last is the largest.
    dense = replace(flat, backbone=THIN.backbone(3, 1).using(None, strides=(1, 1, 1)))
    assert dense.largest_map == 4 * 32 * 16 * 16

from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle.base import BATCH_NORM_MODES, BatchNormMode
from benchmark.oracle.open import OpenOracle, balanced_order
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.soft_gates import SoftGates
from benchmark.records.schemes import all_schemes
from strategies.base import GateQuestion
from tasks.splits import TensorSplit
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import SMALL, small_data, small_network

pytestmark = pytest.mark.usefixtures("_other_attentions")
DATA = replace(small_data(40), targets=torch.arange(24) % SMALL.classes)
SCHEMES = all_schemes(SMALL.blocks)[[0, 5, 18, 31]]
HALF = Fraction(1, 2)
GATES = np.array([0.3, 0.6, 0.5, 0.9, 0.2])
IMAGES, TARGETS = next(DATA.validation.batches(40))
DOUBLE = replace(
    DATA,
    validation=TensorSplit(IMAGES.double(), TARGETS),
    calibration=DATA.calibration.double(),
)


def opened(network: AttentionNetwork, batch_norm: BatchNormMode = "recalibrated") -> OpenOracle:
    return OpenOracle(network, DATA, batch_norm, identity="x", make=PrefixTreeOracle)


@pytest.fixture(scope="module")
def oracle() -> OpenOracle:
    return opened(small_network())


@pytest.mark.parametrize("batch_norm", BATCH_NORM_MODES)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_gates_of_zero_and_one_lose_what_their_scheme_loses(
    attention: str, sharing: Literal["full", "share"], batch_norm: BatchNormMode
) -> None:
    oracle = opened(small_network(sharing, attention=attention), batch_norm)
    losses = [oracle.gate_gradient(GateQuestion(scheme.astype(float))).loss for scheme in SCHEMES]
    assert losses == pytest.approx(oracle.score(SCHEMES).loss.tolist(), rel=1e-4)


@pytest.mark.parametrize("batch_norm", BATCH_NORM_MODES)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_the_gradient_is_the_derivative_of_the_loss(
    attention: str, sharing: Literal["full", "share"], batch_norm: BatchNormMode
) -> None:
    soft = SoftGates(small_network(sharing, attention=attention).double(), DOUBLE, batch_norm)
    numeric = [
        (soft.gradient(GATES + side).loss - soft.gradient(GATES - side).loss) / 2e-6
        for side in 1e-6 * np.eye(5)
    ]
    assert soft.gradient(GATES).gradient == pytest.approx(np.array(numeric), rel=1e-4, abs=1e-7)


def unrolled(network: AttentionNetwork, gates: np.ndarray, rate: float) -> float:
    """L_val(w − ξ ∇_w L_train(w, g), g), of which the second order is the derivative by g."""
    soft = SoftGates(network, DOUBLE, "running")
    values = torch.tensor(gates)
    weights = list(soft.network.parameters())
    loss = soft.training_loss(values)
    steps = torch.autograd.grad(loss, weights, allow_unused=True)
    with torch.no_grad():
        for weight, step in zip(weights, steps, strict=True):
            if step is not None:
                weight.sub_(rate * step)
        return float(soft.validation_loss(values))


def test_the_second_order_is_the_derivative_of_the_loss_after_a_virtual_step() -> None:
    network, rate = small_network().double(), 0.05
    soft = SoftGates(network, DOUBLE, "running")
    first, second = soft.gradient(GATES), soft.gradient(GATES, rate)
    assert second.loss == pytest.approx(unrolled(network, GATES, rate), rel=1e-9)
    numeric = [
        (unrolled(network, GATES + side, rate) - unrolled(network, GATES - side, rate)) / 2e-6
        for side in 1e-6 * np.eye(5)
    ]
    assert second.gradient == pytest.approx(np.array(numeric), rel=1e-4)
    assert first.gradient != pytest.approx(np.array(numeric), rel=0.05)
    again = soft.gradient(GATES)  # the weights are the frozen ones again
    assert again.gradient.tolist() == first.gradient.tolist()


def test_the_frozen_supernet_stays_as_it_is() -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    opened(network).gate_gradient(GateQuestion(GATES, virtual_rate=0.1))
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_gradient_repeats_itself_to_the_bit_whatever_torch_is_set_to(oracle: OpenOracle) -> None:
    question = GateQuestion(np.full(5, 0.5), share=HALF, part=3)
    first = oracle.gate_gradient(question)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = oracle.gate_gradient(question)
    finally:
        torch.set_num_threads(threads)
    assert (first.loss, first.gradient.tolist()) == (again.loss, again.gradient.tolist())


def test_parts_make_up_the_split_and_come_round(oracle: OpenOracle) -> None:
    def loss(part: int) -> float:
        return oracle.gate_gradient(GateQuestion(np.full(5, 0.5), share=HALF, part=part)).loss

    whole = oracle.gate_gradient(GateQuestion(np.full(5, 0.5))).loss
    assert (loss(0) + loss(1)) / 2 == pytest.approx(whole, rel=1e-5)
    assert loss(0) == loss(2) != loss(1)


def test_a_part_of_the_answers_is_made_on_a_prefix_of_a_balanced_order(oracle: OpenOracle) -> None:
    rows = balanced_order(DATA.validation.strata())[:20]
    part = replace(DATA, validation=DATA.validation.take(rows))
    expected = PrefixTreeOracle(small_network(), part, "recalibrated", identity="y").score(SCHEMES)
    answers = oracle.at(HALF)
    assert answers.score(SCHEMES).loss.tolist() == expected.loss.tolist()
    assert answers.identity != oracle.identity
    assert oracle.at(HALF) is answers
    assert oracle.at(Fraction(1)) is oracle


def test_every_prefix_has_the_classes_in_proportion() -> None:
    targets = torch.tensor([0] * 40 + [1] * 20 + [2] * 10)
    order = balanced_order(targets)
    assert sorted(order.tolist()) == list(range(70))
    for rows in (7, 14, 35):
        counts = np.bincount(targets.numpy()[order[:rows]], minlength=3)
        assert np.abs(counts - rows * np.array([4, 2, 1]) / 7).max() <= 1


@pytest.mark.parametrize("sharing", ["full", "share"])
def test_weights_are_copies_of_each_blocks_module(sharing: Literal["full", "share"]) -> None:
    network = small_network(sharing)
    weights = opened(network).attention_weights()
    assert [sorted(block) for block in weights] == [
        ["excite.bias", "excite.weight", "squeeze.bias", "squeeze.weight"]
    ] * SMALL.blocks
    alike = np.array_equal(weights[3]["squeeze.weight"], weights[4]["squeeze.weight"])
    assert alike == (sharing == "share")
    weights[0]["squeeze.weight"][:] = 0
    assert opened(network).attention_weights()[0]["squeeze.weight"].any()


def test_the_smallest_part_is_one_image_and_less_than_a_thousandth_is_refused(
    oracle: OpenOracle,
) -> None:
    assert set(oracle.at(Fraction(1, 41)).score(SCHEMES).accuracy) <= {0.0, 1.0}
    last = GateQuestion(np.zeros(5), share=Fraction(1, 99), part=98)
    assert np.isfinite(oracle.gate_gradient(last).loss)
    with pytest.raises(UsageError, match="expected a fidelity from 1/1000 to 1, received 1/1001"):
        oracle.at(Fraction(1, 1001))
    with pytest.raises(UsageError, match="expected a share from 1/1000 to 1, received 1/1001"):
        oracle.gate_gradient(GateQuestion(np.zeros(5), share=Fraction(1, 1001)))

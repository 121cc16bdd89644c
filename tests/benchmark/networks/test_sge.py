from math import exp, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import UsageError
from benchmark.networks.sge import SGE


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def test_one_group_by_hand() -> None:
    # Two channels in one group, two positions: x₁ = (1, 3), x₂ = (3, 1).
    features = torch.tensor([[[[1.0, 3.0]], [[3.0, 1.0]]]])
    module = SGE(2, groups=1)
    module.scale.data[:] = 2.0
    module.shift.data[:] = 0.5
    # Mean vector g = (2, 2); g·x₁ = g·x₂ = 8: no position stands out.
    rescaled, state = module(features, None)
    torch.testing.assert_close(rescaled, features * sigmoid(0.5))
    assert state is None
    # x₁ = (1, 2), x₂ = (3, 2): g = (2, 2), similarities 6 and 10, mean 8 and with Bessel's
    # n − 1 = 1 a deviation of √((2² + 2²)/1), so ±2/(√8 + 1e-5).
    features = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]])
    rescaled, _ = module(features, None)
    offset = 2 / (sqrt(8) + 1e-5)
    gates = torch.tensor([sigmoid(0.5 - 2 * offset), sigmoid(0.5 + 2 * offset)])
    torch.testing.assert_close(rescaled, features * gates)


def test_epsilon_is_added_to_the_deviation() -> None:
    # Similarities ±1e-5 around their mean: deviation √2 · 1e-5, comparable to epsilon. Under
    # the root, epsilon would be a hundred times larger and press the offset down to 0.003.
    module = SGE(1, groups=1).double()
    module.scale.data[:] = 1.0
    features = torch.tensor([[[[1 - 1e-5, 1 + 1e-5]]]], dtype=torch.float64)
    offset = 1e-5 / (sqrt(2) * 1e-5 + 1e-5)
    assert offset == pytest.approx(1 / (sqrt(2) + 1))
    gates = module.gate(features)[0, 0, 0]
    assert gates.tolist() == pytest.approx([sigmoid(1 - offset), sigmoid(1 + offset)])


def test_groups_have_their_own_gates_scale_and_shift() -> None:
    module = SGE(4, groups=2)
    module.scale.data = torch.tensor([0.0, 1.0])
    module.shift.data = torch.tensor([-1.0, 0.0])
    features = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    rescaled, _ = module(features, None)
    torch.testing.assert_close(rescaled[:, :2], features[:, :2] * sigmoid(-1.0))
    alone = SGE(2, groups=1)
    alone.scale.data[:], alone.shift.data[:] = 1.0, 0.0
    torch.testing.assert_close(rescaled[:, 2:], alone(features[:, 2:], None)[0])


def test_every_gate_starts_at_sigmoid_of_one() -> None:
    module = SGE(8, groups=4)
    assert module.scale.tolist() == [0.0] * 4
    assert module.shift.tolist() == [1.0] * 4
    features = torch.randn(3, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    rescaled, _ = module(features, None)
    torch.testing.assert_close(rescaled, features * 0.7310586)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 5), st.integers(1, 5))
def test_the_memory_layout_changes_nothing(groups: int, width: int, h: int, w: int) -> None:
    module = SGE(groups * width, groups=groups)
    module.scale.data.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    features = torch.randn(2, groups * width, h, w, generator=torch.Generator().manual_seed(1))
    channels_last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(module(channels_last, None)[0], module(features, None)[0])


def test_constant_maps_have_finite_gradients() -> None:
    module = SGE(2, groups=1)
    module.scale.data[:] = 1.0
    features = torch.ones(1, 2, 2, 2, requires_grad=True)
    module(features, None)[0].sum().backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_a_map_of_one_position_is_refused() -> None:
    with pytest.raises(UsageError, match="at least two positions, received 1×1"):
        SGE(4, groups=2)(torch.ones(1, 4, 1, 1), None)


@pytest.mark.parametrize("groups", [0, 3, 16])
def test_groups_must_be_equally_large(groups: int) -> None:
    with pytest.raises(UsageError, match=f"divides 8 channels, received {groups}"):
        SGE(8, groups=groups)

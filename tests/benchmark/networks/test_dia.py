from math import exp, tanh

import pytest
import torch
from torch import nn

from benchmark.basics.errors import UsageError
from benchmark.networks.dia import DIA


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def one_channel() -> DIA:
    """Gates (i, f, g, o) = relu(z)·(1, 2, 3, 4) + relu(h + 1)·(4, 3, 2, 1)."""
    module = DIA(1, reduction=1)
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    for layers, weights in ((module.from_input, [1, 2, 3, 4]), (module.from_state, [4, 3, 2, 1])):
        assert isinstance(layers[0], nn.Linear)
        assert isinstance(layers[2], nn.Linear)
        layers[0].weight.data[:] = 1.0
        layers[2].weight.data = torch.tensor(weights, dtype=torch.float32)[:, None]
        layers[0].bias.data[:] = float(layers is module.from_state)
    return module


def test_two_steps_by_hand() -> None:
    module = one_channel()
    features = torch.tensor([[[[0.0, 1.0]]]])  # mean 0.5
    rescaled, state = module(features, None)
    # From zero, relu(h + 1) = 1: i = 0.5 + 4, g = 1.5 + 2, o = 2 + 1; f has nothing to forget.
    c = sigmoid(4.5) * tanh(3.5)
    h = sigmoid(3.0) * sigmoid(c)  # σ(c), where an LSTM has tanh(c)
    torch.testing.assert_close(rescaled, features * h)  # h itself is the gate
    assert state is not None
    assert [part.item() for part in state] == pytest.approx([h, c])

    features = torch.tensor([[[[2.0, -1.0]]]])  # mean 0.5 again
    rescaled, state = module(features, state)
    i, f, g, o = (0.5 * x + (h + 1) * (5 - x) for x in (1, 2, 3, 4))
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * sigmoid(c)
    torch.testing.assert_close(rescaled, features * h)
    assert state is not None
    assert [part.item() for part in state] == pytest.approx([h, c])


def test_a_state_is_never_written_to() -> None:
    module = DIA(4, reduction=2)
    features = torch.randn(2, 4, 3, 3)
    _, state = module(features, None)
    assert state is not None
    before = tuple(part.clone() for part in state)
    module(features, state)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_gates_lie_between_zero_and_one() -> None:
    module = DIA(8, reduction=4)
    features = 100 * torch.randn(16, 8, 2, 2, generator=torch.Generator().manual_seed(0))
    _, state = module(features, None)
    assert state is not None
    assert ((state[0] >= 0) & (state[0] <= 1)).all()


def test_all_four_layers_have_a_bias_and_hidden_widths_are_rounded_down() -> None:
    # 2·(C·(C//r) + C//r + (C//r)·4C + 4C), with 512 // 20 = 25.
    counts = {
        (64, 4): 10_784,
        (128, 4): 42_048,
        (256, 4): 166_016,
        (512, 20): 2 * (512 * 25 + 25 + 25 * 2048 + 2048),
    }
    for (channels, reduction), expected in counts.items():
        module = DIA(channels, reduction=reduction)
        assert sum(parameter.numel() for parameter in module.parameters()) == expected


@pytest.mark.parametrize("reduction", [0, 9])
def test_a_hidden_layer_without_units_is_refused(reduction: int) -> None:
    with pytest.raises(UsageError, match=f"reduction from 1 to 8 channels, received {reduction}"):
        DIA(8, reduction=reduction)

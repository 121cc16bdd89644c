import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.networks.se import SE


def test_se_gates_each_channel_by_its_global_mean() -> None:
    # Two channels, one hidden unit: hidden = relu(mean_0), gates = sigmoid(±hidden).
    module = SE(2, reduction=2)
    module.squeeze.weight.data = torch.tensor([[1.0, 0.0]])
    module.squeeze.bias.data.zero_()
    module.excite.weight.data = torch.tensor([[1.0], [-1.0]])
    module.excite.bias.data.zero_()
    features = torch.tensor([[[[1.0, 3.0]], [[10.0, 10.0]]]])
    rescaled, state = module(features, None)
    gate = torch.sigmoid(torch.tensor(2.0))
    expected = torch.tensor([[[[1.0, 3.0]], [[10.0, 10.0]]]])
    expected[:, 0] *= gate
    expected[:, 1] *= 1 - gate
    torch.testing.assert_close(rescaled, expected)
    assert state is None


def test_both_layers_of_se_have_a_bias() -> None:
    # 2C·(C/r) + C/r + C, as in the official release.
    count = sum(parameter.numel() for parameter in SE(64, reduction=16).parameters())
    assert count == 2 * 64 * 4 + 4 + 64 == 580


@pytest.mark.parametrize("reduction", [0, 9])
def test_a_hidden_layer_without_units_is_refused(reduction: int) -> None:
    with pytest.raises(UsageError, match=f"reduction from 1 to 8 channels, received {reduction}"):
        SE(8, reduction=reduction)

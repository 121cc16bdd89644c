import torch

from benchmark.networks.attention import SE


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

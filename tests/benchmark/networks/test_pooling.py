import pytest
import torch

from benchmark.networks.pooling import global_average


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (8, 8)])
def test_it_is_the_mean_over_positions_and_so_is_its_gradient(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, *size, generator=generator, requires_grad=True)
    expected = features.mean(dim=(2, 3))
    torch.testing.assert_close(global_average(features), expected)
    weights = torch.randn(3, 4, generator=generator)
    (given,) = torch.autograd.grad((global_average(features) * weights).sum(), features)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), features)
    torch.testing.assert_close(given, wanted)

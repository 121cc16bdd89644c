import pytest
import torch

from benchmark.networks.attention import attention_class
from tests.benchmark.attentions import NAMES


@pytest.mark.usefixtures("_other_attentions")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@torch.no_grad()
def test_features_rescaled_in_their_own_memory_are_to_the_bit_those_rescaled_into_a_new_tensor(
    name: str, layout: torch.memory_format
) -> None:
    module, generator = attention_class(name)(8, 4).eval(), torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    features = torch.randn(3, 8, 5, 4, generator=generator).to(memory_format=layout)
    before = features.clone()
    _, state = module(torch.randn(3, 8, 5, 4, generator=generator), None)
    expected, after = module(features, state)
    assert torch.equal(features, before)
    found, again = module.rescale_(features, state)
    assert found.data_ptr() == features.data_ptr()
    assert torch.equal(features, expected)
    assert (after is None) == (again is None)
    if after is not None and again is not None:
        assert all(torch.equal(a, b) for a, b in zip(after, again, strict=True))

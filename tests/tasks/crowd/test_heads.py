import pytest
import torch
from torch import nn

from tasks.crowd.heads import Dilated, TwoLayers
from tasks.parts import Head


def _made(head: Head, seed: int = 0) -> nn.Module:
    with torch.device("meta"):
        module = head.build((64, 32))
    module.to_empty(device="cpu")
    head.initialise(module, torch.Generator().manual_seed(seed))
    return module


def _features() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 64, 10, 14, generator=generator), torch.rand(
        2, 32, 5, 7, generator=generator
    )


@pytest.mark.parametrize("head", [TwoLayers(8), Dilated((16, 8))])
def test_a_head_gives_a_map_as_fine_as_the_last_features(head: Head) -> None:
    found = _made(head)(_features(), (40, 56))
    assert found.shape == (2, 1, 5, 7)
    torch.testing.assert_close(found, _made(head)(_features(), (40, 56)))


def test_no_draw_of_two_layers_is_dead_from_the_start() -> None:
    for seed in range(20):
        assert _made(TwoLayers(4), seed)(_features(), (40, 56)).max() > 0


def test_dilated_layers_may_say_less_than_nobody() -> None:
    found = torch.cat([_made(Dilated((8,)), seed)(_features(), (40, 56)) for seed in range(8)])
    assert found.min() < 0 < found.max()


def test_published_sizes() -> None:
    """C-3-Framework: 1024 → 128 → 1; CSRNet's back end behind ResNet50's 1024 channels."""
    with torch.device("meta"):
        two, dilated = (head.build((1024,)) for head in (TwoLayers(), Dilated()))
    assert sum(p.numel() for p in two.parameters()) == 1024 * 128 + 128 + 128 + 1
    wide = [m for m in dilated.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in wide] == [512, 512, 512, 256, 128, 64, 1]
    assert {m.dilation for m in wide[:-1]} == {(2, 2)}

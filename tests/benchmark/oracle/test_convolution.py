from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.oracle.convolution import FrozenConvolutions, takes_packed_weights

SIZES = st.tuples(
    st.integers(1, 9),  # rows
    st.integers(1, 5),  # channels in
    st.integers(1, 4),  # height
    st.integers(1, 4),  # width
)


@settings(deadline=None, max_examples=60)
@given(SIZES, st.integers(1, 5), st.sampled_from([1, 3]), st.sampled_from([1, 2]))
@torch.no_grad()
def test_maps_of_any_size_are_convolved_scaled_and_shifted(
    sizes: tuple[int, int, int, int], outputs: int, kernel: int, stride: int
) -> None:
    conv = nn.Conv2d(sizes[1], outputs, kernel, stride, kernel // 2, bias=False)
    features = torch.randn(sizes)
    scale, shift = torch.randn(2, outputs)
    expected = conv(features)
    frozen = FrozenConvolutions(torch.float32)
    torch.testing.assert_close(frozen.fold(conv)(features), expected)
    expected = expected * scale[:, None, None] + shift[:, None, None]
    folded = frozen.fold(conv, (scale, shift))
    torch.testing.assert_close(folded(features), expected)
    torch.testing.assert_close(folded(features[:1]), expected[:1])


@torch.no_grad()
def test_a_map_of_four_positions_by_hand() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.copy_(torch.arange(1.0, 10.0).view(1, 1, 3, 3))
    features = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]])
    # The kernel's centre, 5, lies on the output's own position.
    expected = torch.tensor([[[[9865.0, 8754.0], [6532.0, 5421.0]]]])
    assert torch.equal(FrozenConvolutions(torch.float32).fold(conv)(features), expected)


@torch.no_grad()
@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, bias=False),
        nn.Conv2d(4, 4, 3, padding=0, bias=False),
        nn.Conv2d(4, 4, 5, padding=2, bias=False),
    ],
    ids=["groups", "dilation", "no padding", "kernel"],
)
def test_other_convolutions_are_left_to_torch(conv: nn.Conv2d) -> None:
    features = torch.randn(3, 4, 2, 2)
    if conv.padding == (0, 0):
        features = torch.randn(3, 4, 4, 4)
    torch.testing.assert_close(
        FrozenConvolutions(torch.float32).fold(conv)(features), conv(features)
    )


@torch.no_grad()
def test_without_onednn_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    conv = nn.Conv2d(3, 5, 3, padding=1, bias=False)
    features = torch.randn(7, 3, 2, 2)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    torch.testing.assert_close(
        FrozenConvolutions(torch.float32).fold(conv)(features), conv(features)
    )


def _unknown(*_: object) -> torch.Tensor:
    raise NotImplementedError("no such operator")


def _other_arguments(_: torch.Tensor) -> torch.Tensor:
    raise AssertionError


@torch.no_grad()
@pytest.mark.parametrize("name", ["_linear_pointwise", "_reorder_convolution_weight"])
@pytest.mark.parametrize("refusal", [_unknown, _other_arguments])
def test_where_torch_has_other_private_operations_the_answer_is_the_same(
    name: str, refusal: Callable[..., torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    convolutions = [nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.Conv2d(3, 5, 1, bias=False)]
    features = torch.randn(7, 3, 4, 4)
    monkeypatch.setattr(torch.ops.mkldnn, name, refusal)
    takes_packed_weights.cache_clear()
    assert not takes_packed_weights()
    for conv in convolutions:
        found = FrozenConvolutions(torch.float32).fold(conv)(features)
        torch.testing.assert_close(found, conv(features))
    takes_packed_weights.cache_clear()


def test_this_torch_takes_packed_weights() -> None:
    assert takes_packed_weights() == torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]

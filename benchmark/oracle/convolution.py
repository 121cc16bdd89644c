"""Convolutions of a frozen network, each with the affine map behind it folded in.

Features are kept channels last. On a CPU, oneDNN takes weights that were brought into
its own layout beforehand; a 1×1 convolution is one product of rows (channels) and a
matrix, and so is a 3×3 convolution of 2×2 maps, of rows (positions · channels).
These operations are the ones that torch's own compiler emits, and no public interface; where
torch refuses them, and for other devices and types, its public convolution does the same.
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d

Affine = tuple[Tensor, Tensor]
"""Scale and shift of each output channel: a batch norm with its statistics fixed."""
Convolve = Callable[[Float[Tensor, "n c h w"]], Float[Tensor, "n k i j"]]
_Product = Callable[[Float[Tensor, "n inputs"]], Float[Tensor, "n outputs"]]


class FrozenConvolutions:
    """Folds affine maps into convolutions whose weights stay as they are.

    Biases of the convolutions are left to the affine map behind them. The matrix of a
    convolution of 2×2 maps is made once.

    Args:
        dtype: of features and folded weights; affine maps are folded before rounding to it.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._matrices: dict[nn.Conv2d, Tensor] = {}

    def fold(self, conv: nn.Conv2d, affine: Affine | None = None) -> Convolve:
        """``conv``, then scale and shift of each channel by ``affine`` where there is one.

        What is returned packs its weights for a shape of features when it first meets it,
        so its result for features depends on nothing but them.
        """
        return _Packing(partial(self._pack, conv, affine))

    def _pack(self, conv: nn.Conv2d, affine: Affine | None, features: Tensor) -> Convolve:
        scale, shift = (None, None) if affine is None else affine
        bias = None if shift is None else shift.to(self._dtype)
        if _packs(features):
            if _keeps_size(conv, 1):
                weight = conv.weight[:, :, 0, 0]
                rows = features.shape[0] * features.shape[2] * features.shape[3]
                return _pointwise(_scaled(weight, scale), bias, rows)
            if features.shape[2:] == (2, 2) and _keeps_size(conv, 3):
                if conv not in self._matrices:
                    self._matrices[conv] = _matrix(conv.weight)
                return _small_maps(_scaled(self._matrices[conv], scale, dim=1), bias, len(features))
            return _onednn(conv, _scaled(conv.weight, scale), bias, features)
        weight = _scaled(conv.weight, scale).to(self._dtype, memory_format=torch.channels_last)
        return lambda x: conv2d(
            x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
        )


class _Packing:
    """Convolves each shape of features by what ``pack`` makes for the first such features."""

    def __init__(self, pack: Callable[[Tensor], Convolve]) -> None:
        self._pack = pack
        self._packed: dict[torch.Size, Convolve] = {}

    def __call__(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        if features.shape not in self._packed:
            self._packed[features.shape] = self._pack(features)
        return self._packed[features.shape](features)


def _packs(features: Tensor) -> bool:
    return (
        features.device.type == "cpu"
        and features.dtype == torch.float32  # oneDNN knows no doubles
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own
        and takes_packed_weights()
    )


@cache
def takes_packed_weights() -> bool:
    """Whether this torch takes packed weights as we call it: tried once, on one number."""
    number = torch.ones(1, 1, 1, 1)
    try:
        results = [
            _pointwise(number[:, :, 0, 0], number[0, 0, 0], 1)(number),
            _onednn(nn.Conv2d(1, 1, 1), number, number[0, 0, 0], number)(number),
        ]
    # They are private: gone, not for this processor, or called otherwise by another torch.
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    return all(float(result) == 2 for result in results)  # noqa: PLR2004 - 1 · 1 + 1


def _keeps_size(conv: nn.Conv2d, kernel: int) -> bool:
    return (
        conv.kernel_size == (kernel, kernel)
        and conv.stride == (1, 1)
        and conv.padding == (kernel // 2, kernel // 2)
        and conv.dilation == (1, 1)
        and conv.groups == 1
    )


def _scaled(weight: Tensor, scale: Tensor | None, dim: int = 0) -> Tensor:
    if scale is None:
        return weight
    return weight * scale.view(-1, *[1] * (weight.ndim - dim - 1))


def _pointwise(weight: Float[Tensor, "k c"], bias: Tensor | None, rows: int) -> Convolve:
    return partial(_by_position, _product(weight, bias, rows))


def _by_position(product: _Product, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h w"]:
    n, _, h, w = features.shape
    outputs = product(features.permute(0, 2, 3, 1).reshape(n * h * w, -1))
    return outputs.view(n, h, w, -1).permute(0, 3, 1, 2)


def _matrix(weight: Float[Tensor, "k c 3 3"]) -> Float[Tensor, "positions k inputs"]:
    """What takes the positions and channels of a 2×2 map to those of its convolution."""
    outputs, inputs = weight.shape[:2]
    matrix = weight.new_empty(2, 2, outputs, 2, 2, inputs)
    for i in range(2):
        for j in range(2):
            # Seen from output (i, j), the map lies under this part of the kernel.
            part = weight[:, :, 1 - i : 3 - i, 1 - j : 3 - j]
            matrix[i, j] = part.permute(0, 2, 3, 1)
    return matrix.reshape(4, outputs, 4 * inputs)


def _small_maps(
    matrix: Float[Tensor, "positions k inputs"], bias: Tensor | None, rows: int
) -> Convolve:
    bias = None if bias is None else bias.repeat(4)
    return partial(_by_map, _product(matrix.flatten(0, 1), bias, rows))


def _by_map(product: _Product, features: Float[Tensor, "n c 2 2"]) -> Float[Tensor, "n k 2 2"]:
    outputs = product(features.permute(0, 2, 3, 1).flatten(1))
    return outputs.view(len(features), 2, 2, -1).permute(0, 3, 1, 2)


def _product(weight: Float[Tensor, "outputs inputs"], bias: Tensor | None, rows: int) -> _Product:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)  # noqa: SLF001 - see above
    run = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001
    return lambda rows: run(rows, packed, bias, "none", [], "")


def _onednn(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None, features: Tensor) -> Convolve:
    assert not isinstance(conv.padding, str)
    geometry = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
    packed = torch.ops.mkldnn._reorder_convolution_weight(  # noqa: SLF001
        weight.contiguous(), *geometry, list(features.shape)
    )
    run = torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001
    return lambda features: run(features, packed, bias, *geometry, "none", [], "")

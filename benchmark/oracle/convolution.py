"""Convolutions of a frozen network, with the affine map behind each folded in.

The deepest blocks have the most nodes in a tree of prefixes and the smallest maps. A
convolution of 2×2 maps is one product of a row (positions · channels) and a matrix,
and as such takes a CPU less than half the time that torch's kernel does.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

Affine = tuple[Tensor, Tensor]
"""Scale and shift of each output channel: a batch norm with its statistics fixed."""


class FrozenConvolutions:
    """Runs convolutions whose weights stay as they are.

    Their biases are left to the affine map behind them. The matrix of a convolution is
    made once, at its first use on a small map.
    """

    def __init__(self) -> None:
        self._matrices: dict[nn.Conv2d, Tensor] = {}

    def __call__(
        self,
        conv: nn.Conv2d,
        features: Float[Tensor, "n c h w"],
        affine: Affine | None = None,
    ) -> Float[Tensor, "n k i j"]:
        """Convolve, then scale and shift each channel by ``affine`` where there is one."""
        if _is_small(features) and _keeps_size(conv):
            if conv not in self._matrices:
                self._matrices[conv] = _matrix(conv.weight)
            return _product(features, self._matrices[conv], affine)
        if affine is None:
            weight, shift = conv.weight, None
        else:
            scale, shift = affine
            weight = conv.weight * scale[:, None, None, None]
        output = conv2d(
            features, weight, shift, conv.stride, conv.padding, conv.dilation, conv.groups
        )
        # Torch's CPU kernels prefer channels first; the products, channels last.
        return output.contiguous(memory_format=torch.channels_last) if _is_small(output) else output


def _is_small(features: Tensor) -> bool:
    return (
        features.shape[2:] == (2, 2)
        and features.device.type == "cpu"
        and features.dtype == torch.float32  # oneDNN's products know no doubles
    )


def _keeps_size(conv: nn.Conv2d) -> bool:
    return (
        conv.kernel_size == (3, 3)
        and conv.stride == (1, 1)
        and conv.padding == (1, 1)
        and conv.dilation == (1, 1)
        and conv.groups == 1
    )


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


def _product(
    features: Float[Tensor, "n c 2 2"],
    matrix: Float[Tensor, "positions k inputs"],
    affine: Affine | None,
) -> Float[Tensor, "n k 2 2"]:
    rows = features.permute(0, 2, 3, 1).flatten(1)
    bias = None
    if affine is not None:
        scale, shift = affine
        matrix, bias = matrix * scale[:, None], torch.cat([shift] * 4)
    outputs = _linear(rows, matrix.flatten(0, 1), bias)
    return outputs.view(len(rows), 2, 2, -1).permute(0, 3, 1, 2)


def _linear(
    rows: Float[Tensor, "n inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None,
) -> Float[Tensor, "n outputs"]:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own
        return linear(rows, weight, bias)
    # On an AMD processor oneDNN's product is twice as fast as MKL's.
    return linear(rows.to_mkldnn(), weight, bias).to_dense()

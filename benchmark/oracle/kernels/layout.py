"""Tables that tell the kernels where a convolution's numbers lie, and weights in their order."""

from collections.abc import Callable, Sequence
from ctypes import addressof, pointer
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64, UInt64
from torch import Tensor, nn
from torch.nn.functional import pad

from benchmark.networks.se import SE
from benchmark.oracle.convolution import Affine
from benchmark.oracle.kernels.library import Chain, Gate, Unit, Winograd

Kept = TypeVar("Kept")
_MOST_TAPS = 64
"""Of a convolution: a bit each."""
_SMALL = 16
"""Positions of a map up to which several travel together, one position of them all after the
other: taps that lie in the border, most of them there, are left out."""
_CHANNELS = 32
"""That make Winograd's products worth their transforms."""
_TILES, _FREQUENCIES = 32, 16
"""Tiles that are transformed together; numbers that each becomes."""
_WHOLE = 16
"""Channels of the longest vector."""
_MAPS, _POSITIONS = 8, 64
"""Small maps that travel together at least, and positions of theirs."""


def has_layout(conv: nn.Conv2d) -> bool:
    """Whether the kernels know such a convolution."""
    return (
        conv.groups == 1
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and conv.kernel_size[0] * conv.kernel_size[1] <= _MOST_TAPS
    )


@dataclass(frozen=True)
class Maps:
    """Maps one behind the other, channels last, each within a border of zeros.

    Attributes:
        channels, height, width: of a map without its border.
        border: rows above and below, columns to the left and right.
    """

    channels: int
    height: int
    width: int
    border: tuple[int, int] = (0, 0)

    @property
    def positions(self) -> int:
        """Of a map without its border."""
        return self.height * self.width

    @property
    def numbers(self) -> int:
        """Of a map with its border."""
        return self.channels * (self.height + 2 * self.border[0]) * self.row

    @property
    def row(self) -> int:
        """Positions of a row with its border."""
        return self.width + 2 * self.border[1]

    def behind(self, conv: nn.Conv2d) -> "Maps":
        """What ``conv`` makes of these, without a border."""
        height, width = (
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, padding, dilation, kernel, stride in zip(
                (self.height, self.width), conv.padding, conv.dilation, conv.kernel_size,
                conv.stride, strict=True,
            )
        )
        return Maps(conv.out_channels, height, width)

    def place(self, image: np.ndarray, y: np.ndarray, x: np.ndarray) -> Int32[np.ndarray, " n"]:
        """Where the channels of positions begin, counted from the border's corner."""
        return (image * self.numbers + (y * self.row + x) * self.channels).astype(np.int32)

    def order(self, together: int) -> Int64[np.ndarray, "image_y_x positions"]:
        """Image, y and x of all positions of ``together`` maps, in the order of the tables."""
        if self.positions > _SMALL:
            return np.indices((together, self.height, self.width)).reshape(3, -1)
        y, x, image = np.indices((self.height, self.width, together)).reshape(3, -1)
        return np.stack([image, y, x])

    def inside(self, together: int) -> Int32[np.ndarray, " positions"]:
        """Where each position's channels begin, border or not, in the order of the maps."""
        image, y, x = np.indices((together, self.height, self.width)).reshape(3, -1)
        return self.place(image, y + self.border[0], x + self.border[1])


def together(maps: Maps, images: int) -> int:
    """How many of ``images`` maps go through a block at once."""
    if maps.positions > _SMALL:
        return 1
    return min(images, max(_MAPS, _POSITIONS // maps.positions))


def by_winograd(conv: nn.Conv2d, entering: Maps) -> bool:
    """Whether ``conv`` is computed by Winograd's products of tiles for such maps."""
    return (
        conv.kernel_size == (3, 3)
        and conv.stride == conv.dilation == conv.padding == (1, 1)
        and entering.height % 2 == entering.width % 2 == 0
        and entering.positions > _SMALL
        and min(conv.in_channels, conv.out_channels) >= _CHANNELS
    )


def packed(conv: nn.Conv2d, widths: Sequence[int], *, winograd: bool) -> Float[Tensor, " numbers"]:
    """Weights of ``conv`` as the kernels read them: outputs as many at once as ``widths`` say."""
    weight = conv.weight.detach()
    if not winograd:
        return _packed(weight.flatten(2), widths)
    half = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]).double()
    transformed = (half @ weight.double() @ half.T).float().flatten(2)
    return torch.cat([_packed(part, widths) for part in transformed.split(1, dim=2)])


def _packed(weight: Float[Tensor, "k c taps"], widths: Sequence[int]) -> Float[Tensor, " numbers"]:
    parts = []
    first = 0
    for width in _panels(len(weight), widths):
        part = weight.new_zeros(weight.shape[2], weight.shape[1], width)
        taken = weight[first : first + width]
        part[:, :, : len(taken)] = taken.permute(2, 1, 0)
        parts.append(part.flatten())
        first += width
    return torch.cat(parts)


def _panels(outputs: int, widths: Sequence[int]) -> list[int]:
    """How many outputs are computed at once, one time after the other."""
    found: list[int] = []
    while (left := outputs - sum(found)) > 0:
        found.append(next((width for width in widths if width <= left), widths[-1]))
    return found


class Layout:
    """Tables and buffers of a chain of convolutions for maps of one shape.

    Args:
        convolutions: one behind the other; all but the last are followed by a ReLU.
        weights_of: gives their weights, `packed` for Winograd's products or not.
        entering: the maps that enter, without a border.
        images: how many at most.
        widths: as for the weights.
    """

    def __init__(
        self,
        convolutions: Sequence[nn.Conv2d],
        weights_of: Callable[[nn.Conv2d, bool], Tensor],
        entering: Maps,
        images: int,
        widths: Sequence[int],
    ) -> None:
        self._kept: list[object] = []
        self._widths = widths
        maps = [entering]
        for conv in convolutions:
            maps.append(maps[-1].behind(conv))
        self.leaving = maps[-1]
        number = together(self.leaving, images)
        bordered = [
            replace(before, border=tuple(conv.padding))
            for before, conv in zip(maps, convolutions, strict=False)
        ]
        self.units = (Unit * len(convolutions))()
        for unit, conv, (before, after) in zip(
            self.units, convolutions, pairwise([*bordered, self.leaving]), strict=True
        ):
            winograd = by_winograd(conv, before)
            weights = weights_of(conv, winograd)
            unit.weights = self._keep(weights).data_ptr()
            unit.relu = 1
            unit.output = self._buffer(number * after.numbers)
            unit.positions = number * after.positions
            unit.depth, unit.outputs = before.channels, after.channels
            unit.packed = sum(_panels(after.channels, widths))
            if winograd:
                unit.winograd = addressof(self._keep(self._winograd(unit, before, after)))
            else:
                self._direct(unit, conv, before, after, number)
        self.units[-1].relu = 0
        self.chain = Chain(
            units=self.units,
            branch=self.units[-1].output,
            means=self._buffer(self.leaving.channels),
            count=len(convolutions),
            together=number,
            entering=entering.positions,
            channels=entering.channels,
        )
        if bordered[0].border != (0, 0):
            self.chain.enter = self._table(bordered[0].inside(number))
            self.chain.entered = self._buffer(number * bordered[0].numbers)
    def scale(self, affines: Sequence[Affine]) -> None:
        """Have each convolution followed by its scale and shift, which must stay alive."""
        for unit, (scale, shift) in zip(self.units, affines, strict=True):
            unit.scale, unit.shift = scale.data_ptr(), shift.data_ptr()

    def _direct(self, unit: Unit, conv: nn.Conv2d, before: Maps, after: Maps, number: int) -> None:
        image, y, x = after.order(number)
        i, j = np.indices(conv.kernel_size).reshape(2, -1)
        down, right = i * conv.dilation[0], j * conv.dilation[1]
        top, left = y * conv.stride[0], x * conv.stride[1]
        unit.from_ = self._table(before.place(image, top, left))
        unit.to = self._table(after.place(image, y + after.border[0], x + after.border[1]))
        unit.taps = self._table(before.place(np.zeros_like(down), down, right))
        unit.needs = self._table(
            _bits(
                _within(top[:, None] + down - before.border[0], before.height)
                & _within(left[:, None] + right - before.border[1], before.width)
            )
        )
        unit.tap_count = len(down)

    def _winograd(self, unit: Unit, before: Maps, after: Maps) -> Winograd:
        y, x = 2 * np.indices((after.height // 2, after.width // 2)).reshape(2, -1)
        none = np.zeros_like(y)
        tiles = min(len(y), _TILES)
        count = np.arange(tiles, dtype=np.int32)
        product = Unit(
            from_=self._table(count * unit.depth),
            to=self._table(count * unit.outputs),
            needs=self._table(np.ones(tiles, dtype=np.uint64)),
            taps=self._table(np.zeros(1, dtype=np.int32)),
            scale=self._keep(torch.ones(unit.packed)).data_ptr(),
            shift=self._buffer(unit.packed),
            depth=unit.depth,
            outputs=unit.outputs,
            packed=unit.packed,
            tap_count=1,
        )
        return Winograd(
            product=pointer(self._keep(product)),
            from_=self._table(before.place(none, y, x)),
            to=self._table(after.place(none, y + after.border[0], x + after.border[1])),
            input=self._buffer(_FREQUENCIES * tiles * unit.depth),
            output=self._buffer(_FREQUENCIES * tiles * unit.outputs),
            tiles=len(y),
            together=tiles,
            from_row=before.row * before.channels,
            to_row=after.row * after.channels,
        )

    def _keep(self, part: Kept) -> Kept:
        """Have ``part``, whose address the kernels get, live as long as this does."""
        self._kept.append(part)
        return part

    def _table(self, values: np.ndarray) -> int:
        return int(self._keep(np.ascontiguousarray(values)).ctypes.data)

    def _buffer(self, numbers: int) -> int:
        # Zeros: nobody writes to borders.
        return int(self._keep(torch.zeros(numbers)).data_ptr())


class GateLayout:
    """An SE module's weights, channels filled up with zeros, and room for one image.

    Args:
        attention: the module.
    """

    def __init__(self, attention: SE) -> None:
        channels = attention.excite.out_features
        missing = -channels % _WHOLE
        hidden = attention.squeeze.out_features
        weights = [
            pad(attention.squeeze.weight, (0, missing)),
            attention.squeeze.bias,
            pad(attention.excite.weight.T, (0, missing)),
            pad(attention.excite.bias, (0, missing)),
            torch.zeros(channels + missing),
            torch.zeros(hidden),
            torch.zeros(channels + missing),
        ]
        self._kept = [part.detach().contiguous() for part in weights]
        addresses = [part.data_ptr() for part in self._kept]
        self.gate = Gate(*addresses, hidden, channels + missing)


def _within(place: np.ndarray, size: int) -> np.ndarray:
    return (place >= 0) & (place < size)


def _bits(flags: np.ndarray) -> UInt64[np.ndarray, " positions"]:
    """Each row of ``flags`` as a number, the first one as its lowest bit."""
    powers = np.uint64(1) << np.arange(flags.shape[1], dtype=np.uint64)
    return (flags * powers).sum(axis=1, dtype=np.uint64)

"""Tables that tell the kernels where numbers lie, weights in their order, and buffers."""

from collections.abc import Callable, Hashable, Sequence
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
from benchmark.oracle.kernels.library import Chain, Gate, Level, Subtree, Unit, Winograd, numbers

Kept = TypeVar("Kept")
_MOST_TAPS = 64
"""Taps of the largest kernel that is served: a bit each."""
_SMALL = 16
"""Positions of a map up to which several travel together, one position of them all after the
other: taps that lie in the border, most of them there, are left out."""
_MAPS, _POSITIONS = 8, 64
"""Small maps that travel together at least, and positions of theirs."""
_CHANNELS = 32
"""That make Winograd's products worth their transforms."""
_TILES, _FREQUENCIES = 32, 16
"""Tiles that are transformed together; numbers that each becomes."""
_ROWS = 64
"""Rows that the classifier takes at once."""
_WHOLE = 16
"""Channels of the longest vector."""


def has_layout(conv: nn.Conv2d) -> bool:
    """Whether the kernels know such a convolution."""
    return (
        conv.groups == 1
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and conv.kernel_size[0] * conv.kernel_size[1] <= _MOST_TAPS
    )


def border_of(conv: nn.Conv2d) -> tuple[int, int]:
    """Rows and columns of zeros around what enters ``conv``."""
    assert not isinstance(conv.padding, str)
    rows, columns = conv.padding
    return rows, columns


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

    @staticmethod
    def of(features: Float[Tensor, "n c h w"]) -> "Maps":
        """The maps, one for each row, that ``features`` consist of."""
        _, channels, height, width = features.shape
        return Maps(channels, height, width)

    @property
    def positions(self) -> int:
        """Positions of a map without its border."""
        return self.height * self.width

    @property
    def row(self) -> int:
        """Positions of a row with its border."""
        return self.width + 2 * self.border[1]

    @property
    def numbers(self) -> int:
        """Numbers of all channels with their borders."""
        return self.channels * (self.height + 2 * self.border[0]) * self.row

    @property
    def together(self) -> int:
        """How many go through a block at once."""
        return 1 if self.positions > _SMALL else max(_MAPS, _POSITIONS // self.positions)

    def behind(self, conv: nn.Conv2d) -> "Maps":
        """What ``conv`` makes of these, without a border."""
        height, width = (
            (size + 2 * border - dilation * (kernel - 1) - 1) // stride + 1
            for size, border, dilation, kernel, stride in zip(
                (self.height, self.width),
                border_of(conv),
                conv.dilation,
                conv.kernel_size,
                conv.stride,
                strict=True,
            )
        )
        return Maps(conv.out_channels, height, width)

    def place(self, image: np.ndarray, y: np.ndarray, x: np.ndarray) -> Int32[np.ndarray, " n"]:
        """Where the channels of positions begin, counted from the border's corner."""
        places: np.ndarray = image * self.numbers + (y * self.row + x) * self.channels
        return places.astype(np.int32)

    def order(self, number: int) -> Int64[np.ndarray, "image_y_x positions"]:
        """Image, y and x of all positions of ``number`` maps, in the order of the tables."""
        if self.positions > _SMALL:
            return np.indices((number, self.height, self.width)).reshape(3, -1)
        y, x, image = np.indices((self.height, self.width, number)).reshape(3, -1)
        return np.stack([image, y, x])

    def inside(self, number: int) -> Int32[np.ndarray, " positions"]:
        """Where each position's channels begin, image by image and row by row."""
        image, y, x = np.indices((number, self.height, self.width)).reshape(3, -1)
        return self.place(image, y + self.border[0], x + self.border[1])


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
        return packed_weight(weight.flatten(2), widths)
    half = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]).double()
    transformed = (half @ weight.double() @ half.T).float().flatten(2)
    parts = torch.split(transformed, 1, dim=2)
    return torch.cat([packed_weight(part, widths) for part in parts])


def packed_weight(
    weight: Float[Tensor, "outputs inputs taps"], widths: Sequence[int]
) -> Float[Tensor, " numbers"]:
    """Weights of one panel of outputs after the other: taps, inputs, then outputs side by side."""
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


def zeros(count: int) -> Float[Tensor, " count"]:
    """Numbers as the kernels read and write them, whatever torch's defaults are."""
    return numbers(count).zero_()


class Buffers:
    """Zeros that the layouts of a network share: one block works at a time.

    What has the same key has the same border, to which nobody writes.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Tensor] = {}

    def address(self, key: Hashable, count: int) -> int:
        """Of the buffer of ``count`` numbers known by ``key``."""
        if (key, count) not in self._made:
            self._made[key, count] = zeros(count)
        return self._made[key, count].data_ptr()


class _Parts:
    """What the kernels get the address of; it lives as long as this does."""

    def __init__(self) -> None:
        self._kept: list[object] = []

    def keep(self, part: Kept) -> Kept:
        self._kept.append(part)
        return part

    def table(self, values: np.ndarray) -> int:
        return int(self.keep(np.ascontiguousarray(values)).ctypes.data)

    def numbers(self, values: Tensor) -> int:
        return self.keep(values.detach().contiguous()).data_ptr()


class ChainLayout:
    """Tables and buffers of convolutions one behind the other, for maps of one shape.

    Args:
        convolutions: all but the last are followed by a ReLU.
        entering: the maps that enter, without a border.
        number: how many go through at once.
        weights_of: gives the weights, `packed` for Winograd's products or not.
        widths: as for the weights.
        buffers: shared with other layouts.
    """

    def __init__(
        self,
        convolutions: Sequence[nn.Conv2d],
        entering: Maps,
        number: int,
        *,
        weights_of: Callable[[nn.Conv2d, bool], Tensor],
        widths: Sequence[int],
        buffers: Buffers,
    ) -> None:
        self._parts, self._buffers = _Parts(), buffers
        maps = [entering]
        for conv in convolutions:
            maps.append(maps[-1].behind(conv))
        self.entering, self.leaving = entering, maps[-1]
        bordered = [
            replace(before, border=border_of(conv))
            for before, conv in zip(maps, convolutions, strict=False)
        ]
        self.units = (Unit * len(convolutions))()
        for place, (unit, conv, (before, after)) in enumerate(
            zip(self.units, convolutions, pairwise([*bordered, self.leaving]), strict=True)
        ):
            winograd = by_winograd(conv, before)
            unit.weights = self._parts.numbers(weights_of(conv, winograd))
            unit.relu = place + 1 < len(convolutions)
            if unit.relu:  # the last one's is the residual
                unit.output = buffers.address((place, after), number * after.numbers)
            unit.positions = number * after.positions
            unit.depth, unit.outputs = before.channels, after.channels
            unit.packed = sum(_panels(after.channels, widths))
            if winograd:
                unit.winograd = addressof(self._winograd(unit, before, after, number))
            else:
                self._direct(unit, conv, before, after, number)
        self.chain = Chain(
            units=self.units,
            branch=buffers.address("branch", number * self.leaving.numbers),
            means=buffers.address("means", self.leaving.channels),
            count=len(convolutions),
            together=number,
            entering=entering.positions,
            channels=entering.channels,
        )
        if bordered[0].border != (0, 0):
            self.chain.enter = self._parts.table(bordered[0].inside(number))
            size = number * bordered[0].numbers
            self.chain.entered = buffers.address(("entered", bordered[0]), size)

    def scale(self, affines: Sequence[Affine]) -> None:
        """Have each convolution followed by its scale and shift, which must stay alive."""
        for unit, (scale, shift) in zip(self.units, affines, strict=True):
            unit.scale, unit.shift = scale.data_ptr(), shift.data_ptr()

    def _direct(self, unit: Unit, conv: nn.Conv2d, before: Maps, after: Maps, number: int) -> None:
        image, y, x = after.order(number)
        i, j = np.indices(conv.kernel_size).reshape(2, -1)
        down, right = i * conv.dilation[0], j * conv.dilation[1]
        top, left = y * conv.stride[0], x * conv.stride[1]
        unit.from_ = self._parts.table(before.place(image, top, left))
        unit.to = self._parts.table(after.place(image, y + after.border[0], x + after.border[1]))
        unit.taps = self._parts.table(before.place(np.zeros_like(down), down, right))
        unit.needs = self._parts.table(
            _bits(
                _within(top[:, None] + down - before.border[0], before.height)
                & _within(left[:, None] + right - before.border[1], before.width)
            )
        )
        unit.tap_count = len(down)

    def _winograd(self, unit: Unit, before: Maps, after: Maps, number: int) -> Winograd:
        image, y, x = np.indices((number, after.height // 2, after.width // 2)).reshape(3, -1)
        y, x = 2 * y, 2 * x
        tiles = min(len(y), _TILES)
        product = _product(self._parts, unit.depth, unit.outputs, unit.packed, tiles)
        input_, output = (_FREQUENCIES * tiles * size for size in (unit.depth, unit.outputs))
        return self._parts.keep(
            Winograd(
                product=pointer(product),
                from_=self._parts.table(before.place(image, y, x)),
                to=self._parts.table(after.place(image, y + after.border[0], x + after.border[1])),
                input=self._buffers.address("tiles", input_),
                output=self._buffers.address("products", output),
                tiles=len(y),
                together=tiles,
                from_row=before.row * before.channels,
                to_row=after.row * after.channels,
            )
        )


def _product(parts: _Parts, depth: int, outputs: int, packed: int, rows: int) -> Unit:
    """A product of some rows and a matrix, one row behind the other."""
    count = np.arange(rows, dtype=np.int32)
    return parts.keep(
        Unit(
            from_=parts.table(count * depth),
            to=parts.table(count * outputs),
            needs=parts.table(np.ones(rows, dtype=np.uint64)),
            taps=parts.table(np.zeros(1, dtype=np.int32)),
            scale=parts.numbers(zeros(packed) + 1),
            shift=parts.numbers(zeros(packed)),
            positions=rows,
            depth=depth,
            outputs=outputs,
            packed=packed,
            tap_count=1,
        )
    )


class GateLayout:
    """An SE module's weights, channels filled up with zeros, and room for one image.

    Args:
        attention: the module.
    """

    def __init__(self, attention: SE) -> None:
        self._parts = _Parts()
        channels, hidden = attention.excite.out_features, attention.squeeze.out_features
        missing = -channels % _WHOLE
        addresses = [
            self._parts.numbers(part)
            for part in (
                pad(attention.squeeze.weight, (0, missing)),
                attention.squeeze.bias,
                pad(attention.excite.weight.T, (0, missing)),
                pad(attention.excite.bias, (0, missing)),
                zeros(channels + missing),
                zeros(hidden),
                zeros(channels + missing),
            )
        ]
        self.gate = Gate(*addresses, hidden, channels + missing)


@dataclass(frozen=True)
class BlockLayout:
    """What the kernels need of a block for features of one shape.

    Attributes:
        body: the residual branch.
        projection: the shortcut; None where it is the identity.
        gate: of the SAM, where the kernels know it.
    """

    body: ChainLayout
    projection: ChainLayout | None
    gate: GateLayout | None

    def scale(self, affines: Sequence[Affine]) -> None:
        """Have the convolutions followed by ``affines``, those of the body first."""
        body = len(self.body.units)
        self.body.scale(affines[:body])
        if self.projection is not None:
            self.projection.scale(affines[body:])


class SubtreeLayout:
    """What the kernels need of the last blocks and the classifier.

    Args:
        blocks: their layouts, for the same number of maps at once, with gates.
        classifier: what follows the mean of each channel.
        widths: numbers of outputs that are computed at once.
        buffers: shared with other layouts.
    """

    def __init__(
        self,
        blocks: Sequence[BlockLayout],
        classifier: nn.Linear,
        widths: Sequence[int],
        buffers: Buffers,
    ) -> None:
        self.blocks = blocks
        self._parts = _Parts()
        self.levels = (Level * len(blocks))()
        sizes = [block.body.chain.together * block.body.leaving.numbers for block in blocks]
        for number, (level, block) in enumerate(zip(self.levels, blocks, strict=True)):
            assert block.gate is not None
            level.body = pointer(block.body.chain)
            if block.projection is not None:
                level.projection = pointer(block.projection.chain)
                level.skip = buffers.address(("skip", number), sizes[number])
            level.gate = pointer(block.gate.gate)
            level.passed = buffers.address(("passed", number), sizes[number])
            level.attended = buffers.address(("attended", number), sizes[number])
        weights = packed_weight(classifier.weight.detach()[:, :, None], widths)
        classes = classifier.out_features
        size = sum(_panels(classes, widths))
        bias = pad(classifier.bias, (0, size - classes))
        rows = _product(self._parts, classifier.in_features, classes, size, _ROWS)
        rows.weights, rows.shift = self._parts.numbers(weights), self._parts.numbers(bias)
        self.subtree = Subtree(
            levels=self.levels,
            classifier=pointer(rows),
            branch=buffers.address("branch", max(sizes)),
            outputs=buffers.address("outputs", _ROWS * classes),
            count=len(blocks),
        )


def _within(place: np.ndarray, size: int) -> np.ndarray:
    return (place >= 0) & (place < size)


def _bits(flags: np.ndarray) -> UInt64[np.ndarray, " positions"]:
    """Each row of ``flags`` as a number, the first one as its lowest bit."""
    powers = np.uint64(1) << np.arange(flags.shape[1], dtype=np.uint64)
    bits: np.ndarray = (flags * powers).sum(axis=1, dtype=np.uint64)
    return bits

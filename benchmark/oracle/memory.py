"""What a tree of prefixes holds in memory, as a formula; and what to do when it is too much."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

import torch

from benchmark.basics.devices import torch_dtype
from benchmark.basics.errors import UsageError
from benchmark.basics.sizes import shown_size
from benchmark.networks.attention import attention_class
from benchmark.networks.norms import normalised_channels
from benchmark.networks.resnet import Backbone
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.kernels.layout import Maps

_MAP = {"cpu": 2**22, "cuda": 2**31}
"""Bytes of the largest map of a piece: what a core's caches hold, what fills a GPU."""
_NARROW = 2**13
"""Bytes of a row's largest map up to which a piece has twice the rows, to make up for calls."""
_MOST = {"cpu": 2048, "cuda": 16384}
_UNASKED = {"cuda": 24 * 2**30}
"""Bytes that a tree of one piece holds at most where no limit is given: what GPUs have. Fixed,
since answers depend on pieces, and are to be the same on all GPUs of a cluster."""
_FEWEST, _TOGETHER = 8, 32
"""Rows of a piece that make up for streaming weights; rows of a batch."""
_TEMPORARY = 4
"""Maps of one piece that live within a block."""


@dataclass(frozen=True)
class Footprint:
    """Memory of `PrefixTreeOracle` on one network, beside the network and the data.

    A tree holds two maps a level (the features that a block passes on, and its residual
    branch until both children have run), a third where the shortcut is a projection, and
    the state of a recurrent SAM; blocks work on one piece at a time. So ``rows`` rows
    that travel in pieces of ``piece`` rows need::

        bytes = rows · Σ maps + 4 · piece · (largest map)                    activations
              + 4 · group · batch · classes                                  outputs
                (of a head that gives maps: 16 · piece · classes · height · width)
              + 4 · group · (maps at once) · (last channels)       means of leaves, on CPUs
              + 8 · Σ over levels of min(2^level, group) · (norms' channels) statistics
                (those inside of SAMs twice, since two poolings may pass one norm)

    with maps in bytes a row and ``batch`` the rows whose outputs are tallied together.

    Attributes:
        backbone: the network.
        image_size: height and width of an image.
        itemsize: bytes of a number in a map.
        recurrent: whether its SAMs have a state.
        inner_norms: channels of the batch norms inside of each block's SAM, first block first;
            empty where there are none.
        maps: whether a task's own head gives maps, as large as images at most, instead of one
            number a class; what the head itself holds on the way is not counted.
        device: ``cpu`` or ``cuda``.
        group: schemes of one descent.
        limit: bytes that may be held; None for no limit.

    Raises:
        UsageError: not even a piece of one row stays within the limit.
    """

    backbone: Backbone
    image_size: tuple[int, int]
    itemsize: int = 4
    recurrent: bool = False
    inner_norms: tuple[int, ...] = ()
    maps: bool = False
    device: str = "cpu"
    group: int = 1024
    limit: int | None = None

    @cached_property
    def piece(self) -> int:
        """Rows of a piece, a power of two; answers depend on it (by rounding)."""
        budget = _MAP[self.device] * (2 if self.largest_map <= _NARROW else 1)
        wanted = max(budget // self.largest_map, _FEWEST)
        piece: int = min(2 ** (wanted.bit_length() - 1), _MOST[self.device])
        limit = _UNASKED.get(self.device) if self.limit is None else self.limit
        while limit is not None and self.peak(piece, piece=piece) > limit:
            if piece == 1:
                received = "" if self.limit is None else f", received {shown_size(self.limit)}"
                raise UsageError(
                    f"the oracle needs {shown_size(self.peak(1, piece=1))} of memory for a single "
                    f"image{received}; give it so much by --oracle-memory"
                )
            piece //= 2
        return piece

    @property
    def batch(self) -> int:
        """Rows whose outputs are tallied together: at least two pieces."""
        return self.piece * max(2, _TOGETHER // self.piece)

    @property
    def rows(self) -> int:
        """Rows that travel together: as many pieces of a batch as stay within the limit."""
        rows = self.batch
        while rows > self.piece and self.limit is not None and self.peak(rows) > self.limit:
            rows -= self.piece
        return rows

    @property
    def largest_map(self) -> int:
        """Bytes of the largest features of a row."""
        return self.itemsize * max(*self._stem(), *(c * h * w for c, h, w in self._blocks()))

    def peak(self, rows: int, *, piece: int | None = None) -> int:
        """Bytes held at most while ``rows`` rows travel in pieces of ``piece`` rows."""
        part = self.piece if piece is None else piece
        batch = part * max(2, _TOGETHER // part)
        activations = rows * self._held() + _TEMPORARY * part * self.largest_map
        numbers = self.group * batch
        if self.maps:
            # Tallied piece by piece, as soon as they are there.
            numbers = _TEMPORARY * part * self.image_size[0] * self.image_size[1]
        outputs = 4 * numbers * self.backbone.classes
        return activations + outputs + self._means() + self._statistics()

    def calibration(self, draws: int) -> int:
        """Bytes held at most while ``draws`` draws travel ahead, all of them as one piece."""
        activations = draws * (self._held() + _TEMPORARY * self.largest_map)
        return activations + self._statistics()

    def _stem(self) -> tuple[int, int]:
        """Numbers of a row's features in front of the first block: before and after pooling."""
        height, width = self.image_size
        if self.backbone.stem == "cifar":
            return (self.backbone.widths[0] * height * width,) * 2
        first = self.backbone.widths[0] * _half(height) * _half(width)
        return first, self.backbone.widths[0] * _half(_half(height)) * _half(_half(width))

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        """Channels, height and width of each block's output."""
        height, width = self.image_size
        if self.backbone.stem == "imagenet":
            height, width = _half(_half(height)), _half(_half(width))
        stages = self.backbone.stage_of
        for level, stage in enumerate(stages):
            if level == 0 or stage != stages[level - 1]:
                stride = self.backbone.stride(stage)
                height, width = -(-height // stride), -(-width // stride)
            yield self.backbone.channels[stage], height, width

    def _held(self) -> int:
        """Bytes of a row's features alive at the end of a descent."""
        held = self._stem()[1]
        before = self.backbone.widths[0]
        stages = self.backbone.stage_of
        for level, (channels, height, width) in enumerate(self._blocks()):
            starts = level == 0 or stages[level] != stages[level - 1]
            strided = starts and self.backbone.stride(stages[level]) > 1
            projected = strided or channels != before
            held += (3 if projected else 2) * channels * height * width
            held += 2 * channels if self.recurrent else 0
            before = channels
        return held * self.itemsize

    def _means(self) -> int:
        """Bytes of what the compiled kernels keep of each leaf."""
        if self.device != "cpu" or self.maps:
            return 0
        *_, (channels, height, width) = self._blocks()
        return 4 * self.group * Maps(channels, height, width).together * channels

    def _statistics(self) -> int:
        units = 3 if self.backbone.block == "bottleneck" else 2
        total = 0
        for level, (channels, _, _) in enumerate(self._blocks()):
            # A projection's norm has as many channels as the last one.
            inner = 2 * self.inner_norms[level] if self.inner_norms else 0
            total += 2 * 4 * min(2**level, self.group) * (units * channels + inner)
        return total


def _half(size: int) -> int:
    return -(-size // 2)


_REFUSALS = "can't allocate|out of memory|could not create a memory|STATUS_ALLOC_FAILED"


class OutOfMemoryError(Exception):
    """An allocator's refusal, whichever allocator it was."""


@contextmanager
def memory_refusals() -> Iterator[None]:
    """Turn what allocators raise into `OutOfMemoryError`.

    Raises:
        OutOfMemoryError: memory was refused inside the block.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemoryError(str(error)) from None
    except RuntimeError as error:
        # Torch's CPU allocator, oneDNN, cuDNN and cuBLAS have no exception of their own.
        if not re.search(_REFUSALS, str(error)):
            raise
        raise OutOfMemoryError(str(error)) from None


def keep_freed_memory() -> None:
    """Have glibc's malloc reuse freed maps instead of handing them back to the system.

    It learns from the largest block that was freed (up to 32 MiB). Getting pages anew for
    every map takes a fifth of the whole time of a tree.
    """
    with suppress(RuntimeError):  # refused: then there is nothing to keep either
        torch.empty(31 * 2**20, dtype=torch.uint8)


def release_memory() -> None:
    """Give back what a failed attempt has left behind."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def footprint_of(
    spec: NetworkSpec,
    image_shape: tuple[int, int, int],
    *,
    dtype: str,
    device: str,
    memory: int | None,
) -> Footprint:
    """What scoring the schemes of ``spec`` holds in memory."""
    with torch.device("meta"):
        attentions = [
            attention_class(spec.attention)(channels, spec.reduction)
            for channels in spec.backbone.channels
        ]
    norms = [normalised_channels(attention) for attention in attentions]
    return Footprint(
        spec.backbone,
        (image_shape[1], image_shape[2]),
        itemsize=torch_dtype(dtype).itemsize,
        recurrent=any(attention.recurrent for attention in attentions),
        inner_norms=tuple(norms[stage] for stage in spec.backbone.stage_of),
        maps=spec.head is not None,
        device=device.partition(":")[0],
        limit=memory,
    )

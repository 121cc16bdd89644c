"""What a tree of prefixes holds in memory, as a formula; and what to do when it is too much."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.basics.devices import torch_dtype
from benchmark.basics.errors import UsageError
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.sizes import shown_size
from benchmark.networks.attention import attention_class
from benchmark.networks.backbone import Backbone, BackboneNetwork, blocks_of
from benchmark.networks.norms import normalised_channels
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
    branch until both children have run), a third where the shortcut is one of its own, and
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
        return self.itemsize * self._maps.largest

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

    @property
    def _maps(self) -> "_NetworkMaps":
        return _maps_of(self.backbone, self.image_size)

    def _held(self) -> int:
        """Bytes of a row's features alive at the end of a descent."""
        states = 2 if self.recurrent else 0
        blocks = self._maps.blocks
        held = self._maps.entering + sum(m.held + states * m.leaving.channels for m in blocks)
        return held * self.itemsize

    def _means(self) -> int:
        """Bytes of what the compiled kernels keep of each leaf."""
        if self.device != "cpu" or self.maps:
            return 0
        last = self._maps.blocks[-1].leaving
        return 4 * self.group * last.together * last.channels

    def _statistics(self) -> int:
        total = 0
        for level, maps in enumerate(self._maps.blocks):
            inner = 2 * self.inner_norms[level] if self.inner_norms else 0
            total += 2 * 4 * min(2**level, self.group) * (maps.norms + inner)
        return total


@dataclass(frozen=True)
class _BlockMaps:
    """What a row's pass through a block takes.

    Attributes:
        leaving: the maps that leave it.
        held: numbers of its residual, of what leaves it, and of a shortcut of its own.
        norms: channels of its batch norms.
    """

    leaving: Maps
    held: int
    norms: int


@dataclass(frozen=True)
class _NetworkMaps:
    """What a row's pass through a backbone takes, in numbers.

    Attributes:
        entering: of the features that enter the first block.
        largest: of the largest map anywhere in stem and blocks.
        blocks: of each block, first block first.
    """

    entering: int
    largest: int
    blocks: tuple[_BlockMaps, ...]


@lru_cache(maxsize=32)
@numerical_state()
@torch.no_grad()
def _maps_of(backbone: Backbone, image_size: tuple[int, int]) -> _NetworkMaps:
    """Maps of ``backbone``, by a pass of a batch without rows, which computes nothing."""
    with torch.device("meta"):
        network = BackboneNetwork(backbone)
    network.to_empty(device="cpu").eval()
    numbers: list[int] = []

    def look(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
        if isinstance(outputs, Tensor):
            numbers.append(outputs.shape[1:].numel())

    for part in network.modules():
        part.register_forward_hook(look)
    features = network.stem(torch.empty(0, backbone.in_channels, *image_size))
    entering = features.shape[1:].numel()
    blocks = []
    for block in blocks_of(network):
        residual, skip = block.body(features), block.skip(features)
        held = [residual] if skip is None or skip is features else [residual, skip]
        features = block.join(skip, residual)
        held.append(features)
        sizes = [tensor.shape[1:].numel() for tensor in held]
        numbers += sizes
        blocks.append(_BlockMaps(Maps.of(features), sum(sizes), normalised_channels(block)))
    return _NetworkMaps(entering, max(numbers), tuple(blocks))


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

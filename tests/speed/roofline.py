"""What the tree of prefixes asks of a GPU, operator by operator, counted without one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn.functional import conv2d

from benchmark.networks.attention import Attention, State
from benchmark.networks.backbone import Block, ConvNorm, blocks_of
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.base import Schemes
from benchmark.oracle.convolution import Convolve
from benchmark.oracle.passes import branches_of, prepared
from benchmark.planning.rates import Device, Workload, operators
from tasks.metrics import Classification


@dataclass(frozen=True)
class TreeWork:
    """The operators of a tree's nodes and leaves, and how often each is launched."""

    times: Float64[np.ndarray, " operators"]
    flops: Float64[np.ndarray, " operators"]
    bytes: Float64[np.ndarray, " operators"]

    @property
    def launches(self) -> float:
        """Operators launched."""
        return float(self.times.sum())

    @property
    def total_flops(self) -> float:
        """Floating-point operations, two for each multiply-add."""
        return float(self.times @ self.flops)

    @property
    def total_bytes(self) -> float:
        """Bytes of maps that operators read and write, weights left out."""
        return float(self.times @ self.bytes)

    def seconds(self, device: Device, launch: float = 0.0) -> float:
        """Least seconds on ``device``, one operator after the other.

        Args:
            device: its peaks.
            launch: seconds that any operator takes at least.
        """
        each = np.maximum(self.flops / device.flops, self.bytes / device.bandwidth)
        return float(self.times @ np.maximum(each, launch))


def tree_work(
    spec: NetworkSpec,
    image_shape: tuple[int, int, int],
    schemes: Schemes,
    *,
    rows: int,
    piece: int,
    dtype: torch.dtype,
) -> TreeWork:
    """What scoring ``schemes`` takes where batch norms keep their running statistics.

    Args:
        spec: a network with the usual classifier.
        image_shape: channels, height, width.
        schemes: what is scored.
        rows: validation images.
        piece: images that go through a block together.
        dtype: of features.
    """
    network = spec.outline().eval()
    for part in (network.backbone.first, network.backbone.blocks, network.attention):
        part.to(dtype)
    whole, rest = divmod(rows, piece)
    found = [
        (times * pieces, work)
        for size, pieces in ((piece, whole), (rest, 1))
        if size * pieces > 0
        for times, work in _nodes(
            network, torch.empty(size, *image_shape, device="meta", dtype=dtype), schemes
        )
    ]
    return TreeWork(
        np.concatenate([np.full(len(work.flops), float(times)) for times, work in found]),
        np.concatenate([work.flops for _, work in found]),
        np.concatenate([work.bytes for _, work in found]),
    )


def _nodes(
    network: AttentionNetwork, images: Float[Tensor, "n c h w"], schemes: Schemes
) -> Iterator[tuple[int, Workload]]:
    """Work of one piece, and how often the tree does it."""
    features = images.contiguous(memory_format=torch.channels_last)
    with prepared(network.backbone.first, _folded):
        features = network.backbone.stem(features)
    state: State = None
    parents = 1
    for level, block in enumerate(blocks_of(network.backbone)):
        children = np.unique(schemes[:, : level + 1], axis=0)
        connected = int(children[:, -1].sum())
        yield parents, operators(partial(branches_of, block, [features], _folded))
        (residual,), (skip,) = branches_of(block, [features], _folded)
        yield len(children) - connected, operators(partial(block.join, skip, residual))
        if network.starts_stage(level):
            state = None
        attend = network.attention_of(level)
        yield connected, operators(partial(_attended, block, attend, skip, residual, state))
        features, state = _attended(block, attend, skip, residual, state)
        parents = len(children)
    yield parents, operators(partial(_leaf, network, features))


def _folded(unit: ConvNorm) -> Convolve:
    conv, bias = unit.conv, unit.norm.bias[:, None, None]

    def convolve(features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:
        outputs = conv2d(
            features, conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups
        )
        return outputs.add_(bias)  # a kernel of its own behind cuDNN's

    return convolve


def _attended(
    block: Block, attend: Attention, skip: Tensor | None, residual: Tensor, state: State
) -> tuple[Tensor, State]:
    attended, state = attend(residual, state)
    return block.join_(skip, attended), state


def _leaf(network: AttentionNetwork, features: Float[Tensor, "n c h w"]) -> Tensor:
    outputs = network.backbone.head(features.to(torch.float32))
    targets = torch.empty(len(outputs), dtype=torch.int64, device="meta")
    return Classification().tally(outputs, targets)

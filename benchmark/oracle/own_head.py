"""A task's own head beside the tree of prefixes: its batch norms follow each leaf."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.networks.resnet import ResNet

RunHead = Callable[..., Tensor]
"""Makes outputs as `benchmark.networks.resnet.ResNet.head`; asked leaf by leaf, piece by piece."""
HeadStatistics = list[list[tuple[Tensor, Tensor]]]
"""Mean and variance of each batch norm of a head, leaf by leaf."""


class HeadOfItsOwn:
    """A task's own head, with its batch norms measured and replayed leaf by leaf.

    It works on a copy, so that the frozen network stays what it is. Heads without batch
    norms have nothing to measure, and are run as they are.
    """

    def __init__(self, backbone: ResNet) -> None:
        self._run: RunHead = backbone.head
        self._norms: list[nn.BatchNorm2d] = []
        if backbone.own_head is not None:
            head = deepcopy(backbone.own_head)
            self._norms = [norm for norm in head.modules() if isinstance(norm, nn.BatchNorm2d)]
            self._run = lambda features, earlier, size: head((*earlier, features), size)

    def measured(self) -> "_MeasuredHead":
        """Runs it by the statistics of the one piece itself, and keeps them."""
        return _MeasuredHead(self._run, self._norms)

    def replayed(self, statistics: HeadStatistics, pieces: int) -> RunHead:
        """Runs it by the statistics of one leaf after the other, each for some pieces."""
        if not self._norms:
            return self._run
        calls = (leaf for leaf in statistics for _ in range(pieces))

        def run(*inputs: Any) -> Tensor:
            for norm, (mean, variance) in zip(self._norms, next(calls), strict=True):
                norm.running_mean, norm.running_var = mean, variance
            return self._run(*inputs)

        return run


class _MeasuredHead:
    """See `HeadOfItsOwn.measured`."""

    def __init__(self, run: RunHead, norms: Sequence[nn.BatchNorm2d]) -> None:
        self._run = run
        self._norms = norms
        self.statistics: HeadStatistics = []

    def run(self, *inputs: Any) -> Tensor:
        """Outputs of one leaf."""
        leaf = []
        for norm in self._norms:
            mean, variance = torch.zeros_like(norm.weight), torch.ones_like(norm.weight)
            norm.running_mean, norm.running_var = mean, variance
            norm.momentum = 1.0  # statistics become those of this batch
            norm.train()
            leaf.append((mean, variance))
        outputs = self._run(*inputs)
        for norm in self._norms:
            norm.eval()
        self.statistics.append(leaf)
        return outputs

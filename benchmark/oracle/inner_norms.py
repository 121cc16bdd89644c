"""Batch norms that no convolution is folded with: those of SAMs and heads, and of odd blocks.

Wherever schemes are scored, each use of a norm is normalised by the statistics of the calibration
draws at that very use. In a stage whose blocks share a SAM its norms are used once a connected
block, and what they measure there depends on the blocks in front of it only.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.norms import BatchNorm, inner_norms

Use = list[tuple[Tensor, Tensor]]
"""Mean and variance of each call of a batch norm in one use of the module that it is in."""
Normalise = Callable[[BatchNorm, Tensor], Tensor]


def normalise_by(norms: Sequence[BatchNorm], normalise: Normalise) -> Sequence[BatchNorm]:
    """Have ``normalise`` take the place of what ``norms`` do, for good; returns them."""
    for norm in norms:
        norm.forward = partial(normalise, norm)  # type: ignore[method-assign]  # of an instance
    return norms


class InnerNorms:
    """Measures the inner norms of a network on one descent and replays them on others.

    Descents of equal schemes use modules in the same order. They call `enter` before each use:
    of the stem, of a block's branches and of a SAM at a node, of a head at a leaf. The network is
    changed for good: give a copy.
    """

    def __init__(self, network: AttentionNetwork) -> None:
        self._tape: list[Use] | None = None
        self._uses: Iterator[Use] | None = None
        self._calls: Iterator[tuple[Tensor, Tensor]] = iter(())
        norms = set(normalise_by(inner_norms(network), self._normalised))
        self._users = {
            module
            for module in network.modules()
            if norms and not norms.isdisjoint(module.modules())
        }

    def measure(self) -> list[Use]:
        """From here on take each piece's own statistics and put them on the tape returned."""
        self._tape, self._uses = [], None
        return self._tape

    def replay(self, tape: list[Use] | None) -> None:
        """From here on take what is on ``tape``; None: the supernet's running statistics."""
        self._tape, self._uses = None, None if tape is None else iter(tape)

    def enter(self, module: nn.Module) -> None:
        """Expect ``module`` to be used, once for each piece."""
        if module not in self._users:
            return
        if self._tape is not None:
            self._tape.append([])
        elif self._uses is not None:
            self._calls = cycle(next(self._uses))

    def _normalised(
        self, norm: BatchNorm, features: Float[Tensor, "n c ..."]
    ) -> Float[Tensor, "n c ..."]:
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        if self._tape is not None:
            mean, variance = torch.zeros_like(mean), torch.ones_like(variance)
            self._tape[-1].append((mean, variance))
        elif self._uses is not None:
            mean, variance = next(self._calls)
        return functional.batch_norm(
            features,
            mean,
            variance,
            norm.weight,
            norm.bias,
            training=self._tape is not None,
            momentum=1.0,  # statistics become those of this piece
            eps=norm.eps,
        )

"""Fast scoring: schemes that begin alike share the blocks in which they are alike.

Whatever happens before the first differing bit is computed once, and a block's
convolutions depend on the bits before it only, so that both of its children (with
and without SAM) come from one pass. All 2ᵐ schemes of m blocks cost 2ᵐ − 1 block
passes instead of m · 2ᵐ. Recalibrated batch-norm statistics depend on the prefix
too: calibration draws travel down the same tree, ahead of the validation data. So does
the state of a recurrent SAM, which a child that is not connected takes over as it is.

Every node works on fixed chunks of the validation split, whichever schemes are
asked, so an answer does not depend on the company in which it was asked.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from benchmark.networks.attention import State
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import Apply, Block, ConvNorm
from benchmark.oracle.base import BatchNormMode, Oracle, OracleData, Schemes, Scores, checked
from benchmark.oracle.convolution import Affine, FrozenConvolutions
from benchmark.threads import single_thread

Features = Float[Tensor, "n c h w"]
Outputs = Float[Tensor, "n k i j"]


class PrefixTreeOracle(Oracle):
    """Depth-first scoring over the tree of scheme prefixes.

    Alive at a time are one chunk's activations of each level, about
    3 · levels · ``chunk`` · (features of a row) floats (a recurrent SAM's state adds
    2 · ``chunk`` · channels a level), and for recalibration the affine maps of each
    node, at most ``group`` · levels · 2 · (channels of a block's batch norms) floats.

    Args:
        network: the frozen supernet.
        data: validation split, calibration draws, metric.
        batch_norm: statistics at scoring time.
        identity: content hash of the above.
        chunk: validation rows that travel together; long enough that starting each
            operation costs little.
        group: schemes of one descent, which bounds the statistics held at a time.
    """

    def __init__(
        self,
        network: AttentionNetwork,
        data: OracleData,
        batch_norm: BatchNormMode,
        *,
        identity: str,
        chunk: int = 2000,
        group: int = 1024,
    ) -> None:
        self._network = network.eval()
        self._data = data
        self._batch_norm = batch_norm
        self._identity = identity
        self._chunk = chunk
        self._group = group
        self._convolutions = FrozenConvolutions()

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def blocks(self) -> int:
        return self._network.spec.blocks

    @single_thread()
    def score(self, schemes: Schemes) -> Scores:
        unique, inverse = np.unique(checked(schemes, self.blocks), axis=0, return_inverse=True)
        scores = np.empty((len(unique), 2), dtype=np.float64)
        for start in range(0, len(unique), self._group):
            group = unique[start : start + self._group]
            scores[start : start + len(group)] = self._score_sorted(group)
        answers = scores[inverse.reshape(-1)]
        return Scores(accuracy=answers[:, 0].copy(), loss=answers[:, 1].copy())

    @torch.inference_mode()
    def _score_sorted(self, schemes: Schemes) -> Float64[np.ndarray, "schemes 2"]:
        tape: list[Affine] = []
        if self._batch_norm == "recalibrated":
            measure = _Measure(self._convolutions, tape)
            for _ in descend(self._network, schemes, self._data.calibration, measure):
                pass  # only what is measured on the way counts
        validation, metric = self._data.validation, self._data.metric
        tallies: list[Tensor] = [torch.zeros(())] * len(schemes)
        running = _Running(self._convolutions)
        for images, targets in validation.batches(self._chunk):
            recalibrated = self._batch_norm == "recalibrated"
            apply = _Replay(self._convolutions, tape) if recalibrated else running
            for row, outputs in descend(self._network, schemes, images, apply):
                tallies[row] = tallies[row] + metric.tally(outputs, targets)
        scores = [metric.score(tally, len(validation)) for tally in tallies]
        return np.array([(score.accuracy, score.loss) for score in scores]).reshape(-1, 2)


def block_passes(schemes: int, blocks: int) -> int:
    """Block passes that ``schemes`` distinct schemes cost at most: one a node of their tree."""
    return sum(min(2**level, schemes) for level in range(blocks))


def descend(
    network: AttentionNetwork, schemes: Schemes, images: Features, apply: Apply
) -> Iterator[tuple[int, Float[Tensor, "n classes"]]]:
    """Yield the row and the outputs of each scheme; shared prefixes run once.

    Nodes are visited in an order that depends on ``schemes`` alone, which must be
    unique and in ascending order.
    """
    blocks = network.backbone.blocks

    def visit(
        level: int, rows: range, features: Features, state: State
    ) -> Iterator[tuple[int, Float[Tensor, "n classes"]]]:
        if level == len(blocks):
            yield rows.start, network.backbone.head(features)
            return
        block = blocks[level]
        assert isinstance(block, Block)
        if network.starts_stage(level):
            state = None
        residual = block.body(features, apply)
        skip = block.skip(features, apply)
        ones = rows.start + int(np.count_nonzero(~schemes[rows.start : rows.stop, level]))
        if rows.start < ones:
            yield from visit(level + 1, range(rows.start, ones), (skip + residual).relu_(), state)
        if ones < rows.stop:
            residual, state = network.attention_of(level)(residual, state)
            yield from visit(level + 1, range(ones, rows.stop), residual.add_(skip).relu_(), state)

    if len(schemes) > 0:
        yield from visit(0, range(len(schemes)), network.backbone.stem(images, apply), None)


class _Measure:
    """Normalises by the statistics of the batch itself and writes them on a tape.

    A convolution's own bias is left out: it is gone when the mean is subtracted.
    """

    def __init__(self, convolutions: FrozenConvolutions, tape: list[Affine]) -> None:
        self._convolutions = convolutions
        self._tape = tape

    def __call__(self, unit: ConvNorm, features: Features) -> Outputs:
        convolved = self._convolutions(unit.conv, features)
        norm = unit.norm
        mean, variance = torch.zeros_like(norm.weight), torch.ones_like(norm.weight)
        # With momentum 1 the running statistics become those of this batch.
        normalised = functional.batch_norm(
            convolved,
            mean,
            variance,
            norm.weight,
            norm.bias,
            training=True,
            momentum=1.0,
            eps=norm.eps,
        )
        self._tape.append(_affine(unit, mean, variance))
        return normalised


class _Replay:
    """Normalises by the statistics on a tape, folded into the convolutions."""

    def __init__(self, convolutions: FrozenConvolutions, tape: list[Affine]) -> None:
        self._convolutions = convolutions
        self._tape = iter(tape)

    def __call__(self, unit: ConvNorm, features: Features) -> Outputs:
        return self._convolutions(unit.conv, features, next(self._tape))


class _Running:
    """Normalises by the supernet's running statistics, folded into the convolutions."""

    def __init__(self, convolutions: FrozenConvolutions) -> None:
        self._convolutions = convolutions
        self._affines: dict[ConvNorm, Affine] = {}

    def __call__(self, unit: ConvNorm, features: Features) -> Outputs:
        if unit not in self._affines:
            mean, variance = unit.norm.running_mean, unit.norm.running_var
            assert mean is not None
            assert variance is not None
            if unit.conv.bias is not None:  # the mean is that of convolutions with their bias
                mean = mean - unit.conv.bias
            self._affines[unit] = _affine(unit, mean, variance)
        return self._convolutions(unit.conv, features, self._affines[unit])


def _affine(unit: ConvNorm, mean: Tensor, variance: Tensor) -> Affine:
    scale = unit.norm.weight * torch.rsqrt(variance + unit.norm.eps)
    return scale, unit.norm.bias - mean * scale

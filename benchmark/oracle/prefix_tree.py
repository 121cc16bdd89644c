"""Fast scoring: schemes that begin alike share the blocks in which they are alike.

Whatever happens before the first differing bit is computed once, and a block's
convolutions depend on the bits before it only, so that both of its children (with
and without SAM) come from one pass. All 2ᵐ schemes of m blocks cost 2ᵐ − 1 block
passes instead of m · 2ᵐ. Recalibrated batch-norm statistics depend on the prefix
too: calibration draws travel down the same tree, ahead of the validation data. So does
the state of a recurrent SAM, which a child that is not connected takes over as it is.

Rows travel in pieces that a processor's cache can hold. Pieces are the same whichever
schemes are asked and however much memory there is, so an answer depends on neither.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UsageError
from benchmark.networks.attention import State
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import Apply, Block, ConvNorm
from benchmark.oracle.base import BatchNormMode, Oracle, OracleData, Schemes, Scores, checked
from benchmark.oracle.convolution import Affine, Convolve, FrozenConvolutions
from benchmark.oracle.memory import (
    Footprint,
    OutOfMemoryError,
    keep_freed_memory,
    memory_refusals,
    release_memory,
)
from benchmark.oracle.own_head import HeadOfItsOwn, HeadStatistics, RunHead
from benchmark.sizes import shown_size
from benchmark.workers.threads import single_thread

Features = Float[Tensor, "n c h w"]
Pieces = Sequence[Float[Tensor, "_ _ _ _"]]
"""Rows in parts, each of which goes through a block on its own."""
Outputs = Sequence[Float[Tensor, "_ ..."]]
Prepare = Callable[[ConvNorm], Convolve]
"""Makes a node's convolution, its norm included; asked in the order in which they run."""


class PrefixTreeOracle(Oracle):
    """Depth-first scoring over the tree of scheme prefixes.

    What it holds in memory is stated in `Footprint`. When memory is refused all the same,
    half as many rows travel together from then on; answers stay as they are, to the bit.

    Args:
        network: the frozen supernet.
        data: validation split, calibration draws, metric.
        batch_norm: statistics at scoring time.
        identity: content hash of the above and of ``dtype``.
        dtype: of features and folded weights; default the network's own. Statistics, the
            classifier and the metric stay in the network's.
        memory: bytes that it may hold; default what `Footprint.rows` rows need.
        group: schemes of one descent, which bounds the statistics held at a time.

    Raises:
        UsageError: ``memory`` is too little for a single row or for the calibration.
    """

    def __init__(
        self,
        network: AttentionNetwork,
        data: OracleData,
        batch_norm: BatchNormMode,
        *,
        identity: str,
        dtype: torch.dtype | None = None,
        memory: int | None = None,
        group: int = 1024,
    ) -> None:
        parameter = next(network.parameters())
        self._dtype = dtype or parameter.dtype
        self._network = _in_type(network, self._dtype).eval()
        self._data = data
        self._batch_norm = batch_norm
        self._identity = identity
        self._device = parameter.device.type
        self._convolutions = FrozenConvolutions(self._dtype)
        self.running = _Running(self._convolutions)
        self._measured: dict[ConvNorm, Convolve] = {}
        self._head = HeadOfItsOwn(self._network.backbone)
        self.footprint = Footprint(
            network.spec,
            (int(data.calibration.shape[2]), int(data.calibration.shape[3])),
            itemsize=self._dtype.itemsize,
            recurrent=any(network.attention_of(b).recurrent for b in range(network.spec.blocks)),
            maps=network.backbone.own_head is not None,
            device=self._device,
            group=group,
            limit=memory,
        )
        self._rows = self.footprint.rows
        self._check_calibration()

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def blocks(self) -> int:
        return self._network.spec.blocks

    @property
    def rows(self) -> int:
        """Rows that travel together at present."""
        return self._rows

    def peak(self) -> int:
        """Bytes that scoring holds at most, beside the network and the data."""
        rows = min(self._rows, len(self._data.validation))
        validation = self.footprint.peak(rows)
        if self._batch_norm == "running":
            return validation
        return max(validation, self.footprint.calibration(len(self._data.calibration)))

    @single_thread()
    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            UsageError: memory was refused for a single piece.
        """
        unique, inverse = np.unique(checked(schemes, self.blocks), axis=0, return_inverse=True)
        scores = np.empty((len(unique), 2), dtype=np.float64)
        size = self.footprint.group
        keep_freed_memory()
        with _repeatable(self._device):
            for start in range(0, len(unique), size):
                group = unique[start : start + size]
                scores[start : start + len(group)] = self._score_sorted(group)
        answers = scores[inverse.reshape(-1)]
        return Scores(accuracy=answers[:, 0].copy(), loss=answers[:, 1].copy())

    @torch.inference_mode()
    def _score_sorted(self, schemes: Schemes) -> Float64[np.ndarray, "schemes 2"]:
        tape = None
        if self._batch_norm == "recalibrated":
            tape = self._measure(schemes)
        validation, metric = self._data.validation, self._data.metric
        tallies: list[Tensor] = [torch.zeros(())] * len(schemes)
        for images, targets in validation.batches(self.footprint.batch):
            for row, tally in enumerate(self._tallies(schemes, images, targets, tape)):
                tallies[row] = tallies[row] + tally
        scores = [metric.score(tally, len(validation)) for tally in tallies]
        return np.array([(score.accuracy, score.loss) for score in scores]).reshape(-1, 2)

    def _measure(self, schemes: Schemes) -> "_Tape":
        measure = _Measure(self._convolutions, self._measured)
        heads = self._head.measured()
        draws = [self._laid(self._data.calibration)]
        try:
            with memory_refusals():
                for _ in descend(self._network, schemes, draws, measure, heads.run):
                    pass  # only what is measured on the way counts
        except OutOfMemoryError as error:
            needed = self.footprint.calibration(len(self._data.calibration))
            raise UsageError(
                f"recalibration needs about {shown_size(needed)} of memory and was refused it "
                f"({error}); use fewer --workers, or running batch-norm statistics"
            ) from None
        return _Tape(measure.tape, heads.statistics)

    def _tallies(
        self, schemes: Schemes, images: Features, targets: Tensor, tape: "_Tape | None"
    ) -> Iterator[Tensor]:
        """Tally of each scheme for one batch.

        Maps are tallied piece by piece, since those of all schemes would not fit; numbers a
        batch at a time, since that takes less time.
        """
        metric = self._data.metric
        if not self.footprint.maps:
            for outputs in self._outputs(schemes, images, tape, lambda parts, _: parts):
                yield metric.tally(torch.cat(outputs), targets)
            return
        answers = torch.split(targets, self.footprint.piece)

        def tallied(parts: Outputs, done: int) -> Outputs:
            return [metric.tally(part, answers[done + number]) for number, part in enumerate(parts)]

        for tallies in self._outputs(schemes, images, tape, tallied):
            yield torch.stack(list(tallies)).sum(dim=0)

    def _outputs(
        self,
        schemes: Schemes,
        images: Features,
        tape: "_Tape | None",
        keep: Callable[[Outputs, int], Outputs],
    ) -> list[list[Tensor]]:
        """What ``keep`` keeps of each scheme's outputs for the pieces of one batch.

        It is called with the outputs of neighbouring pieces and the number of the first.
        """
        pieces = torch.split(self._laid(images), self.footprint.piece)
        outputs: list[list[Tensor]] = [[] for _ in schemes]
        done = 0
        while done < len(pieces):
            some = pieces[done : done + max(self._rows // self.footprint.piece, 1)]
            prepare, head = self._replayed(tape, len(some))
            try:
                with memory_refusals():
                    leaves = descend(self._network, schemes, some, prepare, head)
                    found = [keep(parts, done) for _, parts in leaves]
            except OutOfMemoryError as error:
                self._halve(error)
                continue
            for kept, parts in zip(outputs, found, strict=True):
                kept.extend(parts)
            done += len(some)
        return outputs

    def _replayed(self, tape: "_Tape | None", pieces: int) -> tuple[Prepare, RunHead]:
        if tape is None:
            return self.running, self._network.backbone.head
        head = self._head.replayed(tape.heads, pieces)
        return _Replay(self._convolutions, tape.units), head

    def _halve(self, error: OutOfMemoryError) -> None:
        piece = self.footprint.piece
        if self._rows <= piece:
            raise UsageError(
                f"{piece} images need about {shown_size(self.footprint.peak(piece))} "
                f"of memory, which was refused ({error}); use fewer --workers or --oracle-memory"
            ) from None
        self._rows = max(self._rows // piece // 2, 1) * piece
        release_memory()

    def _check_calibration(self) -> None:
        limit, draws = self.footprint.limit, len(self._data.calibration)
        if limit is None or self._batch_norm == "running":
            return
        if (needed := self.footprint.calibration(draws)) > limit:
            raise UsageError(
                f"recalibrating on {draws} draws needs {shown_size(needed)} of memory, received "
                f"a limit of {shown_size(limit)}; raise --oracle-memory or use running "
                "batch-norm statistics"
            )

    def _laid(self, images: Features) -> Features:
        return images.to(self._dtype, memory_format=torch.channels_last)


def block_passes(schemes: int, blocks: int) -> int:
    """Block passes that ``schemes`` distinct schemes cost at most: one a node of their tree."""
    return sum(min(2**level, schemes) for level in range(blocks))


def descend(
    network: AttentionNetwork,
    schemes: Schemes,
    pieces: Pieces,
    prepare: Prepare,
    head: RunHead | None = None,
) -> Iterator[tuple[int, Outputs]]:
    """Yield the row and the outputs of each scheme; shared prefixes run once.

    Nodes are visited in an order that depends on ``schemes`` alone, which must be
    unique and in ascending order. ``head`` makes outputs of features; default the network's.
    """
    blocks = network.backbone.blocks
    run_head = network.backbone.head if head is None else head
    exact = next(network.backbone.parameters()).dtype
    kept = {network.spec.blocks_of(stage).stop for stage in network.spec.earlier}

    def visit(
        level: int, rows: range, features: Pieces, states: Sequence[State], earlier: list[Pieces]
    ) -> Iterator[tuple[int, Outputs]]:
        if level in kept:
            earlier = [*earlier, features]
        if level == len(blocks):
            yield rows.start, outputs(features, earlier)
            return
        if network.starts_stage(level):
            states = [None] * len(features)
        residuals, skips = branches(blocks[level], features, prepare)
        ones = rows.start + int(np.count_nonzero(~schemes[rows.start : rows.stop, level]))
        if rows.start < ones:
            passed = [(s + r).relu_() for s, r in zip(skips, residuals, strict=True)]
            yield from visit(level + 1, range(rows.start, ones), passed, states, earlier)
            del passed
        if ones < rows.stop:
            attend, states = network.attention_of(level), list(states)
            for number, skip in enumerate(skips):
                residual, states[number] = attend(residuals[number], states[number])
                residuals[number] = residual.add_(skip).relu_()
            yield from visit(level + 1, range(ones, rows.stop), residuals, states, earlier)

    def outputs(features: Pieces, earlier: list[Pieces]) -> Outputs:
        return [
            run_head(
                piece.to(exact),
                tuple(stage[number].to(exact) for stage in earlier),
                (pieces[number].shape[2], pieces[number].shape[3]),
            )
            for number, piece in enumerate(features)
        ]

    if len(schemes) > 0:
        stem = shared(prepare, [network.backbone.first])
        entering = [network.backbone.stem(piece, stem) for piece in pieces]
        yield from visit(0, range(len(schemes)), entering, [None] * len(pieces), [])


def branches(
    block: nn.Module, features: Pieces, prepare: Prepare
) -> tuple[list[Tensor], list[Tensor]]:
    """Residuals and shortcuts of each piece; what they share is gone afterwards."""
    assert isinstance(block, Block)
    apply = shared(prepare, [*block.units, *([] if block.shortcut is None else [block.shortcut])])
    residuals = [block.body(piece, apply) for piece in features]
    return residuals, [block.skip(piece, apply) for piece in features]


def shared(prepare: Prepare, units: Sequence[nn.Module]) -> Apply:
    """Runs each of ``units`` with its convolution prepared once."""
    prepared: dict[nn.Module, Convolve] = {}
    for unit in units:
        assert isinstance(unit, ConvNorm)
        prepared[unit] = prepare(unit)
    return lambda unit, features: prepared[unit](features)


class _Measure:
    """Normalises by the statistics of the one piece itself and writes them on a tape.

    A convolution's own bias is left out: it is gone when the mean is subtracted.
    """

    def __init__(
        self, convolutions: FrozenConvolutions, convolve: dict[ConvNorm, Convolve]
    ) -> None:
        self._convolutions = convolutions
        self._convolve = convolve
        self.tape: list[Affine] = []

    def __call__(self, unit: ConvNorm) -> Convolve:
        if unit not in self._convolve:
            self._convolve[unit] = self._convolutions.fold(unit.conv)
        convolve = self._convolve[unit]
        return lambda features: self._normalised(unit, convolve(features))

    def _normalised(self, unit: ConvNorm, convolved: Features) -> Features:
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
        self.tape.append(_affine(unit, mean, variance))
        return normalised


class _Replay:
    """Normalises by the statistics on a tape, folded into the convolutions."""

    def __init__(self, convolutions: FrozenConvolutions, tape: Sequence[Affine]) -> None:
        self._convolutions = convolutions
        self._tape = iter(tape)

    def __call__(self, unit: ConvNorm) -> Convolve:
        return self._convolutions.fold(unit.conv, next(self._tape))


@dataclass(frozen=True)
class _Tape:
    """What recalibration measured: of units in the order of nodes, of heads in that of leaves."""

    units: list[Affine]
    heads: HeadStatistics


class _Running:
    """Normalises by the supernet's running statistics, folded into the convolutions once."""

    def __init__(self, convolutions: FrozenConvolutions) -> None:
        self._convolutions = convolutions
        self._convolve: dict[ConvNorm, Convolve] = {}

    def __call__(self, unit: ConvNorm) -> Convolve:
        if unit not in self._convolve:
            mean, variance = unit.norm.running_mean, unit.norm.running_var
            assert mean is not None
            assert variance is not None
            if unit.conv.bias is not None:  # the mean is that of convolutions with their bias
                mean = mean - unit.conv.bias
            affine = _affine(unit, mean, variance)
            self._convolve[unit] = self._convolutions.fold(unit.conv, affine)
        return self._convolve[unit]


def _affine(unit: ConvNorm, mean: Tensor, variance: Tensor) -> Affine:
    scale = unit.norm.weight * torch.rsqrt(variance + unit.norm.eps)
    return scale, unit.norm.bias - mean * scale


def _in_type(network: AttentionNetwork, dtype: torch.dtype) -> AttentionNetwork:
    """``network`` with SAMs that compute in ``dtype``; norms and classifier stay as they are."""
    if dtype == next(network.parameters()).dtype:
        return network
    network = deepcopy(network)
    network.attention.to(dtype)
    return network


def _repeatable(device: str) -> AbstractContextManager[None]:
    """On a GPU, algorithms that are chosen by shape alone, and no TensorFloat-32."""
    if device == "cpu":
        return nullcontext()
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags

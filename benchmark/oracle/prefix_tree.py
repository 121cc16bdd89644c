"""Fast scoring: schemes that begin alike share the blocks in which they are alike.

Whatever happens before the first differing bit is computed once, and a block's
convolutions depend on the bits before it only, so that both of its children (with
and without SAM) come from one pass. All 2ᵐ schemes of m blocks cost 2ᵐ − 1 block
passes instead of m · 2ᵐ. Recalibrated batch-norm statistics, those inside of SAMs and of
a head among them, depend on the prefix too: calibration draws travel down the same tree,
ahead of the validation data. So does the state of a recurrent SAM, which a child that is
not connected takes over as it is.

Rows travel in pieces that a processor's cache can hold. Pieces are the same whichever
schemes are asked and however much memory there is, so an answer depends on neither.
Who computes a node is `Passes`' business; compiled kernels run whole subtrees at once.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from benchmark.basics.devices import repeatable
from benchmark.basics.errors import UsageError
from benchmark.basics.sizes import shown_size
from benchmark.basics.threads import single_thread
from benchmark.networks.attention import State
from benchmark.networks.backbone import BackboneNetwork, ConvNorm, blocks_of, units_of
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.norms import inner_norms, normalised_channels
from benchmark.oracle.base import BatchNormMode, Oracle, Schemes, Scores, checked
from benchmark.oracle.batch_norms import Frozen, Measure, Replay, Running
from benchmark.oracle.convolution import Affine, Convolve, FrozenConvolutions
from benchmark.oracle.data import OracleData
from benchmark.oracle.inner_norms import InnerNorms, Use
from benchmark.oracle.kernels.library import Kernels
from benchmark.oracle.kernels.passes import Compiled, Layouts
from benchmark.oracle.memory import (
    Footprint,
    OutOfMemoryError,
    keep_freed_memory,
    memory_refusals,
    release_memory,
)
from benchmark.oracle.passes import Children, Enter, Operations, Passes, Pieces

Features = Float[Tensor, "n c h w"]
Outputs = Sequence[Float[Tensor, "_ ..."]]


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
        kernels: compiled ones that block passes take; None for torch's operations, which
            other devices and types than a CPU's float32 need.
        memory: bytes that it may hold; default what `Footprint.rows` rows need.
        group: schemes of one descent, which bounds the statistics held at a time.

    Raises:
        UsageError: ``memory`` is too little for a single row or for the calibration;
            ``kernels`` are given for what isn't float32 on a CPU; or a batch norm outside of units
            keeps no running statistics.
    """

    def __init__(
        self,
        network: AttentionNetwork,
        data: OracleData,
        batch_norm: BatchNormMode,
        *,
        identity: str,
        dtype: torch.dtype | None = None,
        kernels: Kernels | None = None,
        memory: int | None = None,
        group: int = 1024,
    ) -> None:
        parameter = next(network.parameters())
        self._dtype = dtype or parameter.dtype
        self._network = _in_type(_with_norms_of_its_own(network), self._dtype).eval()
        self._inner = InnerNorms(self._network)
        self._data = data
        self._batch_norm = batch_norm
        self._identity = identity
        self._convolutions = FrozenConvolutions(self._dtype)
        if kernels is not None and (parameter.device.type, parameter.dtype, self._dtype) != (
            *("cpu", torch.float32),
            torch.float32,
        ):
            raise UsageError(
                "kernels score networks of float32 on the CPU in float32, received one of "
                f"{parameter.dtype} on {parameter.device} to be scored in {self._dtype}; leave "
                "kernels out"
            )
        self._layouts = None if kernels is None else Layouts(self._network, kernels)
        self.running = self._passes(Running(self._convolutions))
        self._measured: dict[ConvNorm, Convolve] = {}
        attentions = [network.attention_of(block) for block in range(network.spec.blocks)]
        self.footprint = Footprint(
            network.spec,
            (int(data.calibration.shape[2]), int(data.calibration.shape[3])),
            itemsize=self._dtype.itemsize,
            recurrent=any(attention.recurrent for attention in attentions),
            inner_norms=tuple(map(normalised_channels, attentions)),
            maps=network.backbone.own_head is not None,
            device=parameter.device.type,
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
    @repeatable()
    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            UsageError: memory was refused for a single piece.
        """
        unique, inverse = np.unique(checked(schemes, self.blocks), axis=0, return_inverse=True)
        scores = np.empty((len(unique), 2), dtype=np.float64)
        size = self.footprint.group
        keep_freed_memory()
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
        # From a GPU all at once: it would be waited for at each number.
        sums = torch.stack(tallies).cpu()
        scores = [metric.score(tally, len(validation)) for tally in sums]
        return np.array([(score.accuracy, score.loss) for score in scores]).reshape(-1, 2)

    def _measure(self, schemes: Schemes) -> "_Tape":
        measure = Measure(self._convolutions, self._measured)
        inner = self._inner.measure()
        draws = [self._laid(self._data.calibration)]
        try:
            with memory_refusals():
                passes = Operations(measure, self._inner.enter)
                for _ in descend(self._network, schemes, draws, passes, self._inner.enter):
                    pass  # only what is measured on the way counts
        except OutOfMemoryError as error:
            needed = self.footprint.calibration(len(self._data.calibration))
            raise UsageError(
                f"recalibration needs about {shown_size(needed)} of memory and was refused it "
                f"({error}); use fewer --workers, or running batch-norm statistics"
            ) from None
        return _Tape(measure.tape, inner)

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
            passes = self._replayed(tape)
            refusal: str | None = None
            try:
                with memory_refusals():
                    leaves = descend(self._network, schemes, some, passes, self._inner.enter)
                    found = [keep(parts, done) for _, parts in leaves]
            except OutOfMemoryError as error:
                # The error itself holds on to the maps of the attempt.
                refusal = str(error)
            if refusal is not None:
                self._halve(refusal)
                continue
            for kept, parts in zip(outputs, found, strict=True):
                kept.extend(parts)
            done += len(some)
        return outputs

    def _replayed(self, tape: "_Tape | None") -> Passes:
        self._inner.replay(None if tape is None else tape.inner)
        if tape is None:
            return self.running
        return self._passes(Replay(self._convolutions, tape.units))

    def _passes(self, norms: Frozen) -> Passes:
        if self._layouts is None:
            return Operations(norms, self._inner.enter)
        return Compiled(self._layouts, norms, self._inner.enter)

    def _halve(self, refusal: str) -> None:
        piece = self.footprint.piece
        if self._rows <= piece:
            raise UsageError(
                f"{piece} images need about {shown_size(self.footprint.peak(piece))} "
                f"of memory, which was refused ({refusal}); use fewer --workers or a smaller "
                "--oracle-memory"
            )
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
    passes: Passes,
    enter: Enter = lambda _: None,
) -> Iterator[tuple[int, Outputs]]:
    """Yield the row and the outputs of each scheme; shared prefixes run once.

    Nodes are visited in an order that depends on ``schemes`` alone, which must be
    unique and in ascending order. ``enter`` is told when a SAM is about to be used at a node,
    and the head at a leaf; of stem and blocks ``passes`` tell.
    """
    blocks = blocks_of(network.backbone)
    pools = network.backbone.pools
    exact = next(network.backbone.parameters()).dtype
    kept = {network.spec.blocks_of(stage).stop for stage in network.spec.earlier}

    def visit(
        level: int, rows: range, features: Pieces, states: Sequence[State], earlier: list[Pieces]
    ) -> Iterator[tuple[int, Outputs]]:
        if level in kept:
            earlier = [*earlier, features]
        if level == len(blocks):  # a leaf: schemes are unique, so one row is left
            enter(network.backbone.top)
            yield rows.start, _outputs_of(network.backbone, features, earlier, pieces, exact)
            return
        # Kernels may take everything below at once; the answers are those of the way on.
        if (subtree := passes.subtree(level, features)) is not None:
            found = subtree(schemes[rows.start : rows.stop, level:])
            for row in rows:
                yield row, [part[row - rows.start] for part in found]
            return
        if network.starts_stage(level):
            states = [None] * len(features)
        # Rows are sorted: at this level all zeros come before all ones.
        ones = rows.start + int(np.count_nonzero(~schemes[rows.start : rows.stop, level]))
        children = Children(
            passed=rows.start < ones,
            attended=ones < rows.stop,
            pooled=pools and level + 1 == len(blocks),
        )
        attention = network.attention_of(level)
        # The body runs once for both children. The one without SAM comes first: the other one's
        # features are made in the residual's own memory, which nobody needs afterwards.
        node = passes.node(blocks[level], attention, features, children)
        if children.passed:
            yield from visit(level + 1, range(rows.start, ones), node.passed(), states, earlier)
        if children.attended:
            # The child that is not connected took the state over as it was; this one has its own.
            enter(attention)
            attended, states = node.attended(states)
            yield from visit(level + 1, range(ones, rows.stop), attended, states, earlier)

    if len(schemes) > 0:
        entering = passes.enter(network.backbone, pieces)
        yield from visit(0, range(len(schemes)), entering, [None] * len(pieces), [])


def _outputs_of(
    backbone: BackboneNetwork,
    features: Pieces,
    earlier: Sequence[Pieces],
    images: Pieces,
    dtype: torch.dtype,
) -> Outputs:
    """What the head makes in ``dtype`` of the last features and those of ``earlier`` stages."""
    return [
        backbone.head(
            piece.to(dtype),
            tuple(stage[number].to(dtype) for stage in earlier),
            (images[number].shape[2], images[number].shape[3]),
        )
        for number, piece in enumerate(features)
    ]


@dataclass(frozen=True)
class _Tape:
    """What recalibration measured, in the order of a descent: of units, of SAMs and heads."""

    units: list[Affine]
    inner: list[Use]


def _with_norms_of_its_own(network: AttentionNetwork) -> AttentionNetwork:
    """``network``; where it has batch norms outside of units, other modules with its weights."""
    if not inner_norms(network):
        return network
    shared = chain(network.parameters(), network.buffers())
    return deepcopy(network, {id(tensor): tensor for tensor in shared})


def _in_type(network: AttentionNetwork, dtype: torch.dtype) -> AttentionNetwork:
    """``network`` whose SAMs and blocks compute in ``dtype``; norms and head stay as they are.

    So do units, which are folded before they are rounded.
    """
    if dtype == next(network.parameters()).dtype:
        return network
    typed = deepcopy(network)
    typed.attention.to(dtype)
    for part in (typed.backbone.first, typed.backbone.blocks):
        units = {module for unit in units_of(part) for module in unit.modules()}
        for module in part.modules():
            if module not in units:
                _to_type(module, dtype)
    for norm, other in zip(inner_norms(typed), inner_norms(network), strict=True):
        norm.to(next(network.parameters()).dtype).load_state_dict(other.state_dict())
    return typed


def _to_type(module: nn.Module, dtype: torch.dtype) -> None:
    """Bring parameters and buffers of ``module`` itself to ``dtype``, and none of its parts."""
    for tensor in chain(module.parameters(recurse=False), module.buffers(recurse=False)):
        if tensor.is_floating_point():
            tensor.data = tensor.to(dtype)

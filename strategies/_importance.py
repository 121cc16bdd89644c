"""How important a SAM's weights make it, as filter pruning measures filters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float64

from strategies._checks import require_fraction
from strategies.base import Answers, Schemes, SearchSpace, Strategy, StrategyError

Kind = Literal["l1", "l2", "gm"]
Scale = Literal["sum", "mean", "stage"]
Source = Literal["own", "nni"]

Filters = Float64[np.ndarray, "filters weights"]
PerFilter = Float64[np.ndarray, " filters"]


def distances(filters: Filters) -> PerFilter:
    """Sum of each filter's Euclidean distances to all others.

    FPGM's measure (He et al., "Filter Pruning via Geometric Median", CVPR 2019): what is
    near the geometric median can be replaced by the others.
    """
    # One filter at a time: all differences at once would not fit for wide layers.
    return np.array([np.linalg.norm(filters - one, axis=1).sum() for one in filters])


MEASURES: dict[Kind, Callable[[Filters], PerFilter]] = {
    "l1": lambda filters: np.abs(filters).sum(axis=1),
    "l2": lambda filters: np.linalg.norm(filters, axis=1),
    "gm": distances,
}
"""Importance of each filter (row) of a layer, by kind."""


def layers(weights: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The layers of a SAM, one filter a row: its matrices; if it has none, its vectors.

    So SE and DIA count by their linear layers without biases, SGE by the scales and
    shifts of its groups, a filter of one weight each.
    """
    arrays = [np.asarray(array, dtype=np.float64) for array in weights.values()]
    matrices = [array.reshape(len(array), -1) for array in arrays if array.ndim > 1]
    return matrices or [array.reshape(-1, 1) for array in arrays]


def mean_importance(weights: Sequence[np.ndarray], kind: Kind) -> float:
    """Mean over layers of the mean over filters, as NNI's per-layer scores are put together."""
    return float(np.mean([MEASURES[kind](filters).mean() for filters in weights]))


def total_importance(weights: Sequence[np.ndarray], kind: Kind) -> float:
    """Over all weights of a module: Σ|w|, √Σw², or the distances of all pairs in each layer."""
    if kind == "l2":
        return float(np.sqrt(sum(np.square(filters).sum() for filters in weights)))
    return float(sum(MEASURES[kind](filters).sum() for filters in weights))


def importances(
    modules: Sequence[Mapping[str, np.ndarray]],
    kind: Kind,
    scale: Scale,
    blocks_per_stage: Sequence[int],
    source: Source = "own",
) -> Float64[np.ndarray, " blocks"]:
    """Importance of each block's SAM; see `Pruning` for ``scale`` and ``source``."""
    measure = mean_importance if scale == "mean" else total_importance
    if source == "nni" and scale != "mean":
        from strategies._nni import module_importance

        measure = module_importance
    found = np.array([measure(layers(weights), kind) for weights in modules])
    if scale == "stage":
        ends = np.cumsum(blocks_per_stage)[:-1]
        stages = [stage / (stage.mean() or 1.0) for stage in np.split(found, ends)]
        found = np.concatenate(stages)
    return found


class Pruning(Strategy):
    """Keeps the SAMs whose weights are largest: what `L1`, `L2` and `GM` have in common.

    For each ratio p, in the order given, it asks the scheme of the ⌊p · blocks⌋ SAMs of
    largest importance (of equals the earlier block), and then the search ends.

    "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"
    compares with such prunings. Stated by the paper: SAMs are kept by the weights of the
    supernet, at the retain probabilities 0.2, 0.5 and 0.8. Inferred from its Table I: the
    ⌊p · blocks⌋ most important are kept, and importance is a sum over a whole SAM, not a
    mean, since late stages win. Chosen here: linear layers count without their biases; a
    SAM without any (SGE) counts by its scales and shifts. The seed changes nothing.

    Args:
        space: what is searched.
        rng: not used.
        ratios: fractions of SAMs to keep, one scheme each, separated by commas.
        scale: ``sum`` over a SAM; ``mean`` over its layers of the mean over filters, as
            NNI's per-layer scores are put together; or ``stage``, the sum over the mean
            sum of its stage, so that stages compete on equal terms.
        scores: ``own``, or ``nni``: sums of what NNI's pruner of this kind gives each
            filter (extra ``nni``). They agree but for rounding.
    """

    needs = ("scores", "weights")
    kind: Kind

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        ratios: str = "0.2,0.5,0.8",
        scale: Scale = "sum",
        scores: Source = "own",
    ) -> None:
        super().__init__(space, rng=rng)
        if scores == "nni":
            from strategies._nni import require_nni

            require_nni()
            if scale == "mean":
                raise StrategyError("expected scale sum or stage with NNI's scores, received mean")
        self._source: Source = scores
        self._counts = [int(ratio * space.blocks + 1e-9) for ratio in _read(ratios)]
        self._scale: Scale = scale

    def ask(self, n: int) -> Schemes:
        counts, self._counts = self._counts[:n], self._counts[n:]
        if not counts:
            return np.empty((0, self.space.blocks), dtype=bool)
        found = importances(
            self.oracle.attention_weights(),
            self.kind,
            self._scale,
            self.space.blocks_per_stage,
            self._source,
        )
        rank = np.empty(self.space.blocks, dtype=np.int64)
        rank[np.argsort(-found, kind="stable")] = np.arange(self.space.blocks)
        schemes: Schemes = rank < np.array(counts)[:, None]
        return schemes

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """What is kept has been decided by weights."""


def _read(ratios: str) -> list[float]:
    try:
        read = [float(text) for text in ratios.split(",")]
    except ValueError as error:
        raise StrategyError(
            f"expected ratios as numbers separated by commas, received {ratios!r}"
        ) from error
    for ratio in read:
        require_fraction(ratios=ratio)
    return read

"""Accuracy against connections: the best at equal sparsity, Pareto fronts, hypervolumes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from jaxtyping import Bool, Float64, Int64

from benchmark.records.run import Interval, LaneKey, LaneRecord, OracleRecord, RunRecords
from benchmark.records.schemes import scheme_bits
from reports.numbers.ranking import Ranking, by_supernet
from reports.numbers.statistics import mean_interval

Line = Float64[np.ndarray, " sizes"]
"""A value for each number of connections, 0 first."""


@dataclass(frozen=True)
class Sparsity:
    """The best that a strategy's lanes found with at most so many connections.

    Attributes:
        strategy: its name.
        connections: at most so many.
        accuracy: oracle accuracy, mean over the lanes that asked for such a scheme; None
            where none did.
        found: lanes that did.
        lanes: all that count.
    """

    strategy: str
    connections: int
    accuracy: Interval | None
    found: int
    lanes: int


@dataclass(frozen=True)
class FrontPoint:
    """A scheme of a strategy that none of its others beats in both accuracy and connections."""

    strategy: str
    supernet_seed: int
    connections: int
    accuracy: float
    bits: str


@dataclass(frozen=True)
class Volume:
    """How much a strategy's fronts dominate.

    Attributes:
        strategy: its name.
        volume: mean over lanes; see `hypervolume`. Without Original's answer on one of their
            supernets there is none.
        share: of what the whole landscape dominates, mean over lanes; None without one.
        lanes: that count.
    """

    strategy: str
    volume: Interval
    share: float | None
    lanes: int


@dataclass(frozen=True)
class Fronts:
    """All of it, strategies in order of rank."""

    sparsity: tuple[Sparsity, ...]
    points: tuple[FrontPoint, ...]
    volumes: tuple[Volume, ...]


def best_within(
    connections: Int64[np.ndarray, " n"], accuracy: Float64[np.ndarray, " n"], blocks: int
) -> Line:
    """Highest accuracy with at most 0, 1, … ``blocks`` connections; NaN where there is none."""
    best = np.full(blocks + 1, np.nan)
    np.fmax.at(best, connections, accuracy)
    return np.fmax.accumulate(best)


def non_dominated(
    connections: Int64[np.ndarray, " n"], accuracy: Float64[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Rows with no other row of no more connections and no less accuracy, one of them better.

    Of equal rows the first stays. NaN is dominated.
    """
    kept = np.zeros(len(accuracy), dtype=bool)
    highest = -np.inf
    for row in np.lexsort((np.arange(len(accuracy)), -accuracy, connections)):
        if accuracy[row] > highest:
            kept[row], highest = True, accuracy[row]
    return kept


def hypervolume(
    connections: Int64[np.ndarray, " n"],
    accuracy: Float64[np.ndarray, " n"],
    *,
    blocks: int,
    reference: float,
) -> float:
    """Area that is dominated, with Full-SA's connections and Original's accuracy as reference.

    It is the gain over Original of the best scheme within a share of connections, averaged
    over all shares from 0 to 1: accuracy in [0, 1]. Schemes no more accurate than
    ``reference`` and Full-SA itself count nothing. Computed by pymoo's indicator.
    """
    from pymoo.indicators.hv import HV  # noqa: PLC0415 - heavy

    kept = non_dominated(connections, accuracy)
    costs = np.column_stack([connections[kept] / blocks, -accuracy[kept]])
    inside = costs[(costs[:, 0] < 1) & (costs[:, 1] < -reference)]
    return float(HV(ref_point=np.array([1.0, -reference]))(inside)) if len(inside) else 0.0


def fronts(records: RunRecords, ranking: Ranking) -> Fronts:
    """Fronts of all ranked lanes within the common budget."""
    blocks = sum(records.blocks_per_stage)
    asked = {lane.key: lane for lane in records.lanes}
    lanes = {
        standing.strategy: [asked[key] for key in ranking.ranked[standing.strategy]]
        for standing in ranking.placed
    }
    scales = {oracle.supernet_seed: _scale(oracle, blocks) for oracle in records.oracles}
    return Fronts(
        sparsity=tuple(
            row for name, own in lanes.items() for row in _sparsity(name, own, ranking, blocks)
        ),
        points=tuple(
            point for name, own in lanes.items() for point in _pooled(name, own, ranking.horizon)
        ),
        volumes=tuple(
            found
            for name, own in lanes.items()
            if (found := _volume(name, own, scales, ranking, blocks)) is not None
        ),
    )


def _sparsity(
    strategy: str, lanes: Sequence[LaneRecord], ranking: Ranking, blocks: int
) -> list[Sparsity]:
    lines: dict[LaneKey, Line] = {
        lane.key: best_within(*_asked(lane, ranking.horizon), blocks) for lane in lanes
    }
    rows = []
    for size in range(blocks + 1):
        known = [
            (key, float(line[size])) for key, line in lines.items() if not np.isnan(line[size])
        ]
        mean = mean_interval(by_supernet(known), ranking.confidence) if known else None
        rows.append(Sparsity(strategy, size, mean, len(known), len(lanes)))
    return rows


def _asked(
    lane: LaneRecord, horizon: int
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Connections and accuracy of what the lane's first ``horizon`` evaluations bought."""
    bought = lane.charged <= horizon
    return lane.schemes[bought].sum(axis=1), lane.accuracy[bought]


def _pooled(strategy: str, lanes: Sequence[LaneRecord], horizon: int) -> list[FrontPoint]:
    points = []
    for seed in sorted({lane.key.supernet_seed for lane in lanes}):
        own = [lane for lane in lanes if lane.key.supernet_seed == seed]
        schemes = np.concatenate([lane.schemes[lane.charged <= horizon] for lane in own])
        accuracy = np.concatenate([lane.accuracy[lane.charged <= horizon] for lane in own])
        connections = schemes.sum(axis=1)
        kept = np.flatnonzero(non_dominated(connections, accuracy))
        points += [
            FrontPoint(
                strategy,
                seed,
                int(connections[row]),
                float(accuracy[row]),
                scheme_bits(schemes[row]),
            )
            for row in kept[np.argsort(connections[kept])]
        ]
    return points


@dataclass(frozen=True)
class _Scale:
    """Accuracy of Original, and what all schemes together dominate (0 where it isn't known)."""

    reference: float
    whole: float


def _scale(oracle: OracleRecord, blocks: int) -> _Scale:
    reference = oracle.original_accuracy
    if len(oracle.schemes) < 2**blocks:
        return _Scale(reference, 0.0)
    best = best_within(oracle.schemes.sum(axis=1), oracle.accuracy, blocks)
    sizes = np.arange(blocks + 1)
    return _Scale(reference, hypervolume(sizes, best, blocks=blocks, reference=reference))


def _volume(
    strategy: str,
    lanes: Sequence[LaneRecord],
    scales: Mapping[int, _Scale],
    ranking: Ranking,
    blocks: int,
) -> Volume | None:
    values, shares = [], []
    for lane in lanes:
        scale = scales.get(lane.key.supernet_seed)
        if scale is None or isnan(scale.reference):
            return None
        asked = _asked(lane, ranking.horizon)
        found = hypervolume(*asked, blocks=blocks, reference=scale.reference)
        values.append((lane.key, found))
        if scale.whole > 0:
            shares.append(found / scale.whole)
    mean = mean_interval(by_supernet(values), ranking.confidence)
    share = float(np.mean(shares)) if len(shares) == len(lanes) else None
    return Volume(strategy, mean, share, len(lanes))

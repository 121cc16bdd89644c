"""Best reward so far against evaluations: the data behind the curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Float64

from benchmark.records import LaneKey, LaneRecord, RunRecords
from reports.ranking import Ranking, by_supernet, lane_rewards
from reports.statistics import best_so_far, mean_interval

Line = Float64[np.ndarray, " evaluations"]


@dataclass(frozen=True)
class Curve:
    """Best reward so far against evaluations.

    Attributes:
        strategy: its name.
        label: what the figure writes beside it.
        center: mean over lanes after each evaluation, from the first on.
        low: lower bound; −inf without an interval.
        high: upper bound.
        failed: whether this is one failed lane rather than a strategy's mean.
    """

    strategy: str
    label: str
    center: Line
    low: Line
    high: Line
    failed: bool


def curves(records: RunRecords, ranking: Ranking) -> tuple[Curve, ...]:
    """One mean curve a ranked strategy in order of rank, then failed lanes on their own."""
    best = {
        lane.key: _best_line(lane, records.objective_weight, ranking.horizon)
        for lane in records.lanes
    }
    drawn = []
    for standing in ranking.placed:
        keys = [s.key for s in ranking.lanes if s.ranked and s.key.strategy == standing.strategy]
        held = [
            np.pad(best[key], (0, ranking.horizon - len(best[key])), mode="edge") for key in keys
        ]
        name = standing.strategy
        drawn.append(Curve(name, name, *_mean_line(keys, held, ranking.confidence), failed=False))
    for score in ranking.lanes:
        line = best[score.key]
        if score.state == "failed" and len(line):
            name = score.key.strategy
            label = f"{name}, seed {score.key.strategy_seed}: failed"
            drawn.append(Curve(name, label, line, line, line, failed=True))
    return tuple(drawn)


def _best_line(lane: LaneRecord, weight: float, horizon: int) -> Line:
    """Best reward after each evaluation that the lane was charged; NaN before its first answer."""
    charged = np.arange(1, min(ceil(lane.total), horizon) + 1)
    line: Line = np.append(np.nan, best_so_far(lane_rewards(lane, weight)))
    found: Line = line[lane.answered_by(charged)]
    return found


def _mean_line(
    keys: Sequence[LaneKey], lines: Sequence[Line], confidence: float
) -> tuple[Line, Line, Line]:
    """Mean and bounds after each evaluation, computed only where some lane changes."""
    table = np.array(lines)
    changed = np.concatenate([[True], np.any(table[:, 1:] != table[:, :-1], axis=0)])
    cells = (by_supernet(list(zip(keys, column, strict=True))) for column in table[:, changed].T)
    points = [mean_interval(cell, confidence) for cell in cells]
    filled = np.array([(p.center, p.low, p.high) for p in points])[np.cumsum(changed) - 1]
    return filled[:, 0], filled[:, 1], filled[:, 2]

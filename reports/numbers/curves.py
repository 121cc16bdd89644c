"""Best reward so far against evaluations and against seconds: the data behind the curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Float64

from benchmark.records.objective import Objective
from benchmark.records.run import Interval, LaneKey, LaneRecord, RunRecords
from reports.numbers.ranking import Ranking
from reports.numbers.statistics import Values, best_so_far, mean_intervals

Line = Float64[np.ndarray, " points"]
PARTS = (10, 30, 100)
"""Percent of the evaluations at which strategies are compared on equal terms."""


@dataclass(frozen=True)
class Curve:
    """Best reward so far.

    Attributes:
        strategy: its name.
        label: what the figure writes beside it.
        center: mean over lanes at each point, held until the next one.
        low: lower bound; −inf without an interval.
        high: upper bound.
        failed: whether this is one failed lane rather than a strategy's mean.
        at: where the points are, ascending; None for 1, 2, … evaluations.
    """

    strategy: str
    label: str
    center: Line
    low: Line
    high: Line
    failed: bool
    at: Line | None = None

    @property
    def where(self) -> Line:
        """Evaluations or seconds of each point."""
        return np.arange(1.0, len(self.center) + 1) if self.at is None else self.at

    def interval(self, point: int) -> Interval:
        """Mean and bounds at the point of that number, counted from 0."""
        lines = (self.center, self.low, self.high)
        return Interval(*(float(line[point]) for line in lines))


@dataclass(frozen=True)
class Checkpoint:
    """One strategy at one part of the common budget.

    Attributes:
        strategy: its name.
        evaluations: that every lane had been charged for, or had declined to use.
        reward: mean best reward until then.
    """

    strategy: str
    evaluations: int
    reward: Interval


def curves(records: RunRecords, ranking: Ranking) -> tuple[Curve, ...]:
    """One mean curve a ranked strategy in order of rank, then failed lanes on their own."""
    best = {
        lane.key: _best_line(lane, records.objective, ranking.horizon) for lane in records.lanes
    }
    drawn = []
    for standing in ranking.placed:
        keys = ranking.ranked[standing.strategy]
        held = [
            np.pad(best[key], (0, ranking.horizon - len(best[key])), mode="edge") for key in keys
        ]
        name = standing.strategy
        drawn.append(Curve(name, name, *mean_line(keys, held, ranking.confidence), failed=False))
    for score in ranking.lanes:
        line = best[score.key]
        if score.state == "failed" and len(line):
            name = score.key.strategy
            label = f"{name}, seed {score.key.strategy_seed}: failed"
            drawn.append(Curve(name, label, line, line, line, failed=True))
    return tuple(drawn)


def checkpoints(drawn: Sequence[Curve], horizon: int) -> list[Checkpoint]:
    """Each strategy's mean curve at `PARTS` of ``horizon``, curve by curve."""
    ends = list(dict.fromkeys(max(horizon * part // 100, 1) for part in PARTS))
    return [
        Checkpoint(curve.strategy, end, curve.interval(end - 1))
        for curve in drawn
        if not curve.failed
        for end in ends
        if end <= len(curve.center)
    ]


def time_curves(records: RunRecords, ranking: Ranking) -> tuple[Curve, ...]:
    """The same mean curves against seconds: what a search of its own takes on this machine.

    A lane's seconds are the strategy's own processor time (where it is known) and, for each
    evaluation that it was charged for, the mean time of one answer of its oracle: as if it
    had nobody to share answers with. A curve begins where all lanes have had an answer.
    """
    price = {
        oracle.supernet_seed: oracle.seconds / max(oracle.evaluations, 1)
        for oracle in records.oracles
    }
    paths = {
        lane.key: _path(
            lane,
            records.objective,
            ranking.horizon,
            price=price.get(lane.key.supernet_seed, 0.0),
        )
        for lane in records.lanes
    }
    drawn = []
    for standing in ranking.placed:
        keys = ranking.ranked[standing.strategy]
        at, held = _on_one_clock(*zip(*(paths[key] for key in keys), strict=True))
        if at[-1] > 0:
            line = mean_line(keys, held, ranking.confidence)
            name = standing.strategy
            drawn.append(Curve(name, name, *line, failed=False, at=at))
    return tuple(drawn)


def _path(
    lane: LaneRecord, objective: Objective, horizon: int, *, price: float
) -> tuple[Values, Values]:
    """Seconds until each answer that was charged within ``horizon``, and the best by then."""
    answers = np.searchsorted(lane.charged, horizon, side="right")
    seconds = price * lane.charged
    if lane.own_seconds is not None:
        seconds += lane.own_seconds
    return seconds[:answers], best_so_far(objective.reward(lane.schemes, lane.accuracy))[:answers]


def _on_one_clock(clocks: Sequence[Values], lines: Sequence[Values]) -> tuple[Values, list[Values]]:
    """Times at which some line changes, and every line at these times.

    Of a lane only the first evaluation, the last and those that change its best matter.
    """
    known = [np.flatnonzero(np.isfinite(line)) for line in lines]
    start = max(clock[index[0]] for clock, index in zip(clocks, known, strict=True))
    steps = [
        clock[np.flatnonzero(np.diff(line, prepend=line[0]) != 0)]
        for clock, line in zip(clocks, lines, strict=True)
    ]
    ends = [clock[-1:] for clock in clocks]
    at = np.unique(np.concatenate([[start], *steps, *ends]))
    at = at[at >= start]
    held = [
        line[np.searchsorted(clock, at, side="right") - 1]
        for clock, line in zip(clocks, lines, strict=True)
    ]
    return at, held


def _best_line(lane: LaneRecord, objective: Objective, horizon: int) -> Line:
    """Best reward after each evaluation that the lane was charged; NaN before its first answer."""
    charged = np.arange(1, min(ceil(lane.total), horizon) + 1)
    line: Line = np.append(np.nan, best_so_far(objective.reward(lane.schemes, lane.accuracy)))
    found: Line = line[lane.answered_by(charged)]
    return found


def mean_line(
    keys: Sequence[LaneKey], lines: Sequence[Line], confidence: float
) -> tuple[Line, Line, Line]:
    """Mean and bounds at each point, computed only where some lane changes."""
    table = np.array(lines)
    changed = np.concatenate([[True], np.any(table[:, 1:] != table[:, :-1], axis=0)])
    nets = np.array([key.supernet_seed for key in keys])
    moved = table[:, changed]
    found = mean_intervals(
        {seed: moved[nets == seed] for seed in np.unique(nets).tolist()}, confidence
    )
    center, low, high = (line[np.cumsum(changed) - 1] for line in found)
    return center, low, high

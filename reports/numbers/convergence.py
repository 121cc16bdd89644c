"""Does a search settle, and does it still try what is new? After the paper's figure 5.

"The Lottery Ticket Hypothesis for Self-attention in CNN" draws p̄, the mean probability with
which a controller drew the scheme that it drew. Strategies without a controller have no such
probability, so it is estimated for all alike from what they asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from benchmark.records.run import LaneRecord, RunRecords
from reports.numbers.curves import Curve, mean_line
from reports.numbers.ranking import Ranking

WIDEST_WINDOW = 20
POINTS = 120
"""At most so many points a curve."""


@dataclass(frozen=True)
class Convergence:
    """Both curves, strategies in order of rank.

    Attributes:
        window: schemes that one point of ``agreement`` is computed from.
        agreement: p̄ by `agreement`, mean over lanes.
        distinct: different schemes asked so far, mean over lanes.
    """

    window: int
    agreement: tuple[Curve, ...]
    distinct: tuple[Curve, ...]


def agreement(schemes: Bool[np.ndarray, "n blocks"], window: int) -> Float64[np.ndarray, " ends"]:
    """The chance that two of ``window`` successive schemes agree on a block, mean over blocks.

    For blocks drawn independently with probabilities p this is an unbiased estimate of
    p² + (1 − p)², the expectation of the paper's p̄: about 0.5 for even draws, 1 once all
    schemes are the same. One value for each window, the first ending at row ``window - 1``.
    """
    ones = np.cumsum(np.pad(schemes, ((1, 0), (0, 0))).astype(np.int64), axis=0)
    in_window = ones[window:] - ones[:-window]
    others = window - in_window
    pairs = in_window * (in_window - 1) + others * (others - 1)
    return np.asarray(pairs.mean(axis=1) / (window * (window - 1)), dtype=np.float64)


def distinct(schemes: Bool[np.ndarray, "n blocks"]) -> Int64[np.ndarray, " n"]:
    """How many different schemes there are up to each row."""
    if not len(schemes):
        return np.zeros(0, dtype=np.int64)
    _, first = np.unique(np.packbits(schemes, axis=1), axis=0, return_index=True)
    new = np.zeros(len(schemes), dtype=np.int64)
    new[first] = 1
    return np.cumsum(new)


def convergence(records: RunRecords, ranking: Ranking) -> Convergence:
    """Both curves at evenly spaced evaluations of the common budget.

    A lane that stopped early keeps its last values. p̄ begins where every lane of a strategy
    has filled a window, so a strategy that asked for less has no such curve.
    """
    horizon = ranking.horizon
    window = min(WIDEST_WINDOW, max(horizon // 5, 2))
    if horizon < window:
        return Convergence(window, (), ())
    at = np.unique(np.linspace(1, horizon, min(POINTS, horizon)).astype(np.int64))
    lanes = {lane.key: lane for lane in records.lanes}
    agreements, counts = [], []
    for standing in ranking.placed:
        name = standing.strategy
        keys = ranking.ranked[name]
        own = [lanes[key] for key in keys]
        counted = [_at(lane, np.append(0, distinct(lane.schemes)), at) for lane in own]
        line = mean_line(keys, counted, ranking.confidence)
        counts.append(Curve(name, name, *line, failed=False, at=at.astype(np.float64)))
        filled = _filled(own, at, window)
        if len(filled):
            agreed = [_at(lane, _padded(lane, window), filled) for lane in own]
            center, *bounds = mean_line(keys, agreed, ranking.confidence)
            # Bounds that no probability can have say nothing.
            line = (center, *(np.clip(bound, 0, 1) for bound in bounds))
            agreements.append(Curve(name, name, *line, failed=False, at=filled.astype(np.float64)))
    return Convergence(window, tuple(agreements), tuple(counts))


def _filled(
    lanes: Sequence[LaneRecord], at: Int64[np.ndarray, " points"], window: int
) -> Int64[np.ndarray, " _"]:
    """Where every lane has answers for a whole window."""
    least = np.min([lane.answered_by(at) for lane in lanes], axis=0)
    return np.asarray(at[least >= window], dtype=np.int64)


def _padded(lane: LaneRecord, window: int) -> Float64[np.ndarray, " rows"]:
    found = agreement(lane.schemes, window)
    return np.concatenate([np.full(window, np.nan), found])


def _at(
    lane: LaneRecord, by_answers: np.ndarray, at: Int64[np.ndarray, " points"]
) -> Float64[np.ndarray, " points"]:
    """Values by the number of answers, taken after so many evaluations."""
    return np.asarray(by_answers[lane.answered_by(at)], dtype=np.float64)

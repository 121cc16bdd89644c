"""What a search costs beside the training of its supernet: the paper's Table VI."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.records.run import Interval, LaneRecord, OracleRecord, RunRecords
from reports.numbers.ranking import Ranking, by_supernet
from reports.numbers.statistics import mean_interval


@dataclass(frozen=True)
class SearchTime:
    """One strategy's seconds on this machine, as if each lane had searched alone.

    Attributes:
        strategy: its name.
        search: seconds of one lane, mean over lanes.
        own: what the strategy itself took of it, processor time; None where it isn't known.
        evaluations: that a lane was charged, mean over lanes.
        training: seconds that training its supernet took, mean over supernets; None where
            nothing was trained (a table).
        share: search as a share of training; None without one.
        lanes: that count.
    """

    strategy: str
    search: Interval
    own: float | None
    evaluations: float
    training: float | None
    share: float | None
    lanes: int


def search_times(records: RunRecords, ranking: Ranking) -> tuple[SearchTime, ...]:
    """One a ranked strategy, in order of rank; whole lanes, whatever the common budget.

    Lanes of whose time nothing is known are left out.
    """
    lanes = {lane.key: lane for lane in records.lanes}
    oracles = {oracle.supernet_seed: oracle for oracle in records.oracles}
    price = {seed: one.seconds / max(one.evaluations, 1) for seed, one in oracles.items()}
    times = []
    for standing in ranking.placed:
        keys = [key for key in ranking.ranked[standing.strategy] if _timed(lanes[key], oracles)]
        if not keys:
            continue
        own = [_own(lanes[key]) for key in keys]
        seconds = [
            price[key.supernet_seed] * lanes[key].total + (spent or 0.0)
            for key, spent in zip(keys, own, strict=True)
        ]
        search = mean_interval(
            by_supernet(list(zip(keys, seconds, strict=True))), ranking.confidence
        )
        nets = dict.fromkeys(key.supernet_seed for key in keys)
        training = float(np.mean([oracles[seed].training_seconds for seed in nets]))
        known = [spent for spent in own if spent is not None]
        times.append(
            SearchTime(
                strategy=standing.strategy,
                search=search,
                own=float(np.mean(known)) if len(known) == len(own) else None,
                evaluations=float(np.mean([lanes[key].total for key in keys])),
                training=training or None,
                share=search.center / training if training > 0 else None,
                lanes=len(keys),
            )
        )
    return tuple(times)


def _timed(lane: LaneRecord, oracles: Mapping[int, OracleRecord]) -> bool:
    """Whether something is known of its time: a table's answers take none."""
    oracle = oracles.get(lane.key.supernet_seed)
    return oracle is not None and (oracle.evaluations > 0 or lane.own_seconds is not None)


def _own(lane: LaneRecord) -> float | None:
    return None if lane.own_seconds is None else float(lane.own_seconds[-1])

"""Which strategy found the best reward on equal terms, and whether that is more than noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, comb, floor

import numpy as np

from benchmark.records.objective import Objective
from benchmark.records.run import Interval, LaneKey, LaneRecord, LaneState, RunRecords
from benchmark.records.schemes import scheme_bits
from reports.numbers.ranks import Cell, Ranks, summarise_ranks
from reports.numbers.statistics import (
    CONFIDENCE,
    Cells,
    PermutationTest,
    difference_interval,
    mean_interval,
    permutation_test,
    shaffer,
)


@dataclass(frozen=True)
class LaneScore:
    """The best that a lane found within the budget that all lanes have had.

    Attributes:
        key: strategy and seeds.
        state: ``failed`` and empty lanes are shown but not ranked.
        message: why it failed, and what its strategy opened.
        evaluations: all that it was charged, rounded up.
        reward: largest reward within the horizon; NaN when it has none.
        accuracy: oracle accuracy of that scheme.
        bits: that scheme; the earliest of equals.
        found_at: evaluations charged by the time it was found, rounded up.
    """

    key: LaneKey
    state: LaneState
    message: str
    evaluations: int
    reward: float
    accuracy: float
    bits: str
    found_at: int

    @property
    def ranked(self) -> bool:
        """Whether the lane counts in ranks and means: it neither failed nor lacks an answer."""
        return self.state != "failed" and not np.isnan(self.reward)


@dataclass(frozen=True)
class Standing:
    """A strategy's place.

    Attributes:
        strategy: its name.
        rank: strategies that can't be told from the leader share rank 1; below, the
            place by mean reward, shared by equal means; None without a ranked lane.
        lanes: lanes that count.
        failed: lanes that failed.
        running: lanes that haven't come to their end.
        reward: mean best reward.
        behind: mean best reward minus the leader's; None for the leader itself.
        test: permutation test against the leader, corrected for the choice of the leader
            (`shaffer`), as is the smallest p-value that it can give.
        mean_rank: over the (supernet, strategy seed) cells in which every strategy has a
            ranked lane; None when there is no such cell.
    """

    strategy: str
    rank: int | None
    lanes: int
    failed: int
    running: int
    reward: Interval | None
    behind: Interval | None
    test: PermutationTest | None
    mean_rank: float | None


@dataclass(frozen=True)
class Ranking:
    """Strategies in order of mean best reward.

    Attributes:
        horizon: evaluations that every lane is compared at; a lane that stopped earlier
            of its own accord keeps its best.
        standings: the leader first, strategies without a ranked lane last.
        lanes: in the order of the records.
        ranks: mean ranks over the cells (supernet seed, strategy seed) of the run.
        confidence: of its intervals and, as 1 − p, of its tests.
    """

    horizon: int
    standings: tuple[Standing, ...]
    lanes: tuple[LaneScore, ...]
    ranks: Ranks
    confidence: float

    @cached_property
    def ranked(self) -> Mapping[str, Sequence[LaneKey]]:
        """The lanes that count, by strategy, in the order of the records."""
        found: dict[str, list[LaneKey]] = {}
        for score in self.lanes:
            if score.ranked:
                found.setdefault(score.key.strategy, []).append(score.key)
        return found

    @property
    def placed(self) -> tuple[Standing, ...]:
        """Strategies that have a rank."""
        return tuple(standing for standing in self.standings if standing.rank is not None)

    @property
    def tied(self) -> tuple[Standing, ...]:
        """The leader and whoever can't be told from it."""
        return tuple(standing for standing in self.placed if standing.rank == 1)


def common_horizon(lanes: Sequence[LaneRecord]) -> int:
    """Evaluations that every lane has had or has declined to use.

    Lanes still running are compared where the slowest of them stands; a supernet that is still
    to be searched doesn't hold back those that have been.
    """
    begun = {lane.key.supernet_seed for lane in lanes if lane.total > 0}
    running = [
        floor(lane.total)
        for lane in lanes
        if lane.state == "running" and lane.key.supernet_seed in begun
    ]
    return min(running) if running else max((ceil(lane.total) for lane in lanes), default=0)


def score_lane(lane: LaneRecord, objective: Objective, horizon: int) -> LaneScore:
    """The best full answer of a lane among what its first ``horizon`` evaluations bought."""
    reward = objective.reward(lane.schemes, lane.accuracy)[lane.charged <= horizon]
    found = bool(np.any(~np.isnan(reward)))
    best = int(np.nanargmax(reward)) if found else -1
    return LaneScore(
        key=lane.key,
        state=lane.state,
        message=lane.note,
        evaluations=ceil(lane.total),
        reward=float(reward[best]) if found else float("nan"),
        accuracy=float(lane.accuracy[best]) if found else float("nan"),
        bits=scheme_bits(lane.schemes[best]) if found else "",
        found_at=ceil(lane.charged[best]) if found else 0,
    )


def by_supernet(values: Sequence[tuple[LaneKey, float]]) -> Cells:
    """Values of lanes, gathered by supernet."""
    cells: dict[int, list[float]] = {}
    for key, value in values:
        cells.setdefault(key.supernet_seed, []).append(value)
    return {seed: np.array(cells[seed]) for seed in sorted(cells)}


def rank_strategies(records: RunRecords, confidence: float = CONFIDENCE) -> Ranking:
    """Rank strategies by the mean best reward of their lanes at equal budget."""
    horizon = common_horizon(records.lanes)
    lanes = tuple(score_lane(lane, records.objective, horizon) for lane in records.lanes)
    by_name: dict[str, list[LaneScore]] = {}
    for lane in lanes:
        by_name.setdefault(lane.key.strategy, []).append(lane)
    cells = {
        name: by_supernet([(s.key, s.reward) for s in own if s.ranked])
        for name, own in by_name.items()
    }
    means = {name: mean_interval(found, confidence) for name, found in cells.items() if found}
    # Equal means, summed in another order, keep the order of the command line.
    order = sorted(means, key=lambda name: -round(means[name].center, 12))
    rounded = [round(means[name].center, 12) for name in order]
    tests = compared_with_leader([cells[name] for name in order])
    distinct = [test is not None and test.p_value < 1 - confidence for test in tests]
    ranks = summarise_ranks(_scores(lanes), order, confidence)
    mean_of = dict(zip(ranks.strategies, ranks.mean, strict=True)) if ranks.cells else {}
    standings = []
    for place, name in enumerate([*order, *(name for name in by_name if name not in means)]):
        own = by_name[name]
        placed = name in means
        # Whoever stands above a strategy that is tied with the leader is tied as well.
        tied = placed and not all(distinct[place:])
        standings.append(
            Standing(
                strategy=name,
                rank=None if not placed else 1 if tied else 1 + rounded.index(rounded[place]),
                lanes=sum(lane.ranked for lane in own),
                failed=sum(lane.state == "failed" for lane in own),
                running=sum(lane.state == "running" for lane in own),
                reward=means.get(name),
                behind=_behind(cells[name], cells[order[0]], confidence)
                if placed and place
                else None,
                test=tests[place] if placed else None,
                mean_rank=mean_of[name].center if name in mean_of else None,
            )
        )
    return Ranking(
        horizon=horizon,
        standings=tuple(standings),
        lanes=lanes,
        ranks=ranks,
        confidence=confidence,
    )


def _behind(cells: Cells, leader: Cells, confidence: float) -> Interval | None:
    return difference_interval(cells, leader, confidence) if set(cells) & set(leader) else None


def compared_with_leader(ordered: Sequence[Cells]) -> list[PermutationTest | None]:
    """One test a strategy, corrected by `shaffer`; None for the leader or on other supernets.

    Args:
        ordered: best rewards by strategy, the highest mean first.
    """
    tests: list[PermutationTest | None] = [
        permutation_test(cells, ordered[0], rng=np.random.default_rng(0))
        if place and set(cells) & set(ordered[0])
        else None
        for place, cells in enumerate(ordered)
    ]
    made = [test for test in tests if test is not None]
    pairs = comb(len(ordered), 2)
    adjusted = iter(shaffer(np.array([test.p_value for test in made]), compared=len(ordered)))
    return [
        None
        if test is None
        else PermutationTest(float(next(adjusted)), min(test.smallest * pairs, 1.0), test.exact)
        for test in tests
    ]


def _scores(lanes: Sequence[LaneScore]) -> dict[Cell, dict[str, float]]:
    """Rewards by cell and strategy; a lane that isn't ranked has none."""
    cells = sorted({(lane.key.supernet_seed, lane.key.strategy_seed) for lane in lanes})
    scores: dict[Cell, dict[str, float]] = {cell: {} for cell in cells}
    for lane in lanes:
        if lane.ranked:
            cell = (lane.key.supernet_seed, lane.key.strategy_seed)
            scores[cell][lane.key.strategy] = lane.reward
    return scores

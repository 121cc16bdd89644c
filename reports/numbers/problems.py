"""What several runs searched on: problems, each with every lane that any run spent on it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from typing import Any

from benchmark.records.run import LaneKey, LaneRecord, OracleRecord, RunRecords
from reports.numbers.curves import Curve, curves
from reports.numbers.member import Member
from reports.numbers.ranking import Ranking, rank_strategies

Spot = tuple[str, int, str]
"""Where a lane searched and with which seed: oracle identity, strategy seed, strategy."""


@dataclass(frozen=True)
class Problem:
    """One problem with every lane that any run spent on it.

    Attributes:
        label: unique among the problems.
        members: labels of the runs.
        records: their lanes, strategies named by variant, supernets numbered anew.
        horizon: evaluations that lanes are compared at.
        repeated: lanes that another run had made already; they count once.
        confidence: of its intervals.
    """

    label: str
    members: tuple[str, ...]
    records: RunRecords
    horizon: int
    repeated: int
    confidence: float

    @cached_property
    def ranking(self) -> Ranking:
        """Strategies in order of mean best reward.

        Lanes that are still at work are left out, unless there are no others: then all are
        compared where the slowest of them stands.
        """
        ended = [lane for lane in self.records.lanes if lane.state != "running"]
        lanes = ended or self.records.lanes
        return rank_strategies(replace(self.records, lanes=lanes), self.confidence)

    @cached_property
    def curves(self) -> Sequence[Curve]:
        """Best reward so far of each strategy."""
        return curves(self.records, self.ranking)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of all strategies that searched on the problem, each once."""
        return tuple(dict.fromkeys(lane.key.strategy for lane in self.records.lanes))

    def finished(self) -> dict[LaneKey, float]:
        """Best reward of every lane: NaN where it failed, found nothing or is still at work."""
        known = {lane.key: lane.reward for lane in self.ranking.lanes if lane.state == "finished"}
        return {lane.key: known.get(lane.key, nan) for lane in self.records.lanes}


def named_by_variant(members: Sequence[Member]) -> list[Member]:
    """The same runs; a strategy that has other settings or code elsewhere says so in its name."""
    known: dict[str, list[str]] = {}
    for member in members:
        for name in dict.fromkeys(lane.key.strategy for lane in member.records.lanes):
            variants = known.setdefault(name, [])
            variants += [v for v in [_variant(member, name)] if v not in variants]
    several = {name for name, variants in known.items() if len(variants) > 1}
    return [_renamed(member, several) for member in members]


def _variant(member: Member, name: str) -> str:
    values: dict[str, Any] = (member.records.settings.get("set") or {}).get(name, {})
    said = [f"{key}={value}" for key, value in sorted(values.items())]
    source = str(member.records.environment.get(f"strategy {name}", ""))
    return ", ".join(said + ([source.rpartition(", ")[2]] if source else []))


def _renamed(member: Member, several: Collection[str]) -> Member:
    def named(key: LaneKey) -> LaneKey:
        variant = _variant(member, key.strategy) if key.strategy in several else ""
        return replace(key, strategy=f"{key.strategy} ({variant})") if variant else key

    records = member.records
    lanes = [replace(lane, key=named(lane.key)) for lane in records.lanes]
    candidates = {named(key): found for key, found in records.candidates.items()}
    return replace(member, records=replace(records, lanes=lanes, candidates=candidates))


def problems_of(members: Sequence[Member], confidence: float) -> tuple[Problem, ...]:
    """Problems in the order in which runs were given.

    Args:
        members: runs, strategies named by variant.
        confidence: of intervals.
    """
    traits = {member.label: member.traits() for member in members}
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(str(traits[member.label]), []).append(member)
    labels = _labels([traits[own[0].label] for own in groups.values()])
    return tuple(
        _problem(label, own, confidence) for label, own in zip(labels, groups.values(), strict=True)
    )


def _labels(traits: Sequence[Mapping[str, Any]]) -> list[str]:
    """The task, and whatever else sets a problem apart from others."""
    names = list(dict.fromkeys(name for one in traits for name in one))
    hidden = {"task", "blocks", "splits"}
    apart = [n for n in names if n not in hidden and len({str(one.get(n)) for one in traits}) > 1]
    labels = [_label(one, apart) for one in traits]
    twice = {label for label, number in Counter(labels).items() if number > 1}
    return [
        f"{label}, splits {str(one['splits'])[:8] or 'unknown'}" if label in twice else label
        for label, one in zip(labels, traits, strict=True)
    ]


def _label(traits: Mapping[str, Any], apart: Sequence[str]) -> str:
    said = [str(traits["task"])]
    for name in apart:
        if name in traits:
            value = traits[name]
            said.append(value if isinstance(value, str) else f"{name} {value}")
    return ", ".join(said)


def _problem(label: str, members: Sequence[Member], confidence: float) -> Problem:
    horizon = min(member.budget for member in members)
    lanes: dict[Spot, LaneRecord] = {}
    oracles: dict[str, OracleRecord] = {}
    numbers: dict[str, int] = {}
    repeated = 0
    for member in members:
        known = {oracle.supernet_seed: oracle for oracle in member.records.oracles}
        for lane in member.records.lanes:
            oracle = known.get(lane.key.supernet_seed)
            # A search that is still running has not written its oracle down yet.
            own = f"{member.records.experiment} {lane.key.supernet_seed}"
            identity = oracle.identity if oracle else own
            number = numbers.setdefault(identity, len(numbers))
            spot = (identity, lane.key.strategy_seed, lane.key.strategy)
            if spot in lanes:
                repeated += 1
                continue
            lanes[spot] = replace(
                _within(lane, horizon), key=replace(lane.key, supernet_seed=number)
            )
            if oracle:
                oracles.setdefault(identity, replace(oracle, supernet_seed=number))
    records = replace(
        members[0].records,
        lanes=list(lanes.values()),
        oracles=list(oracles.values()),
        standalone=[],
        costs=[],
        candidates={},
        answers=[],
        outside=[],
        cams=[],
    )
    labels = tuple(member.label for member in members)
    return Problem(label, labels, records, horizon, repeated, confidence)


def _within(lane: LaneRecord, horizon: int) -> LaneRecord:
    """The lane as if it had stopped at ``horizon`` evaluations."""
    kept = lane.charged <= horizon
    if kept.all() and lane.total <= horizon:
        return lane
    own = lane.own_seconds
    return replace(
        lane,
        schemes=lane.schemes[kept],
        accuracy=lane.accuracy[kept],
        loss=lane.loss[kept],
        charged=lane.charged[kept],
        total=min(lane.total, float(horizon)),
        own_seconds=None if own is None else own[kept],
    )

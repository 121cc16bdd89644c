"""Strategies against each other on known landscapes: no networks, true regrets.

Instances of landscapes are independent, and each goes from first to last in one process:
all strategies search it together, as lanes of the one runner, with journals in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import final

import numpy as np
from jaxtyping import Float64

from benchmark.chosen import ChosenStrategy, choose_all
from benchmark.errors import UsageError, unknown_name
from benchmark.landscapes import LANDSCAPES, Landscape, make_landscape
from benchmark.overrides import Overrides
from benchmark.progress import Progress, Silent
from benchmark.race_journal import RaceJournal
from benchmark.records import LaneKey, LaneRecord, RaceRecord
from benchmark.runner import Lane, Objective, search
from benchmark.seeding import child_rng
from benchmark.store import Store
from benchmark.workers import Workers, available_cores
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_IN_MEMORY = Path(":memory:")
_NO_PRICE = Objective(0.0)


@final
@dataclass(frozen=True)
class Instance:
    """One instance of a landscape with all that search it: what a record depends on.

    Attributes:
        landscape: its name.
        seed: of the landscape and of the strategies.
        blocks: bits of a scheme.
        budget: evaluations of each strategy.
        strategies: who searches it.
    """

    landscape: str
    seed: int
    blocks: int
    budget: int
    strategies: tuple[ChosenStrategy, ...]


def run_race(
    *,
    strategies: Sequence[str],
    landscapes: Sequence[str],
    blocks: int,
    budget: int,
    seeds: int,
    overrides: Overrides | None = None,
    workers: int | None = None,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> list[RaceRecord]:
    """Run every strategy on ``seeds`` instances of every landscape with the same budget.

    The reward is the landscape's answer, without a price on connections. A strategy that
    raises or breaks its contract has failed that search; all others go on. One that needs
    more than a landscape offers is recorded as not applicable.

    Args:
        strategies: names, or files and classes.
        landscapes: names.
        blocks: bits of a scheme.
        budget: evaluations of each search.
        seeds: instances; instance i is the same for all strategies.
        overrides: hyper-parameters by the strategies' names.
        workers: processes; default one a core.
        journal: file that finished searches are kept in, and not repeated from.
        progress: shows what is running.

    Returns:
        One record a search, by strategy, landscape and seed; only the times in it depend
        on the machine and on ``workers``.

    Raises:
        UsageError: an unknown name, one that comes twice, or what `choose_all` refuses.
    """
    require_landscapes(landscapes)
    chosen = choose_all(strategies, overrides or {}, SearchSpace((blocks,), budget))
    # By seed, so that the time left can be told from the beginning.
    instances = [
        Instance(landscape, seed, blocks, budget, chosen)
        for seed in range(seeds)
        for landscape in landscapes
    ]
    kept = RaceJournal(journal)
    found = run_instances(instances, kept, Workers(workers or available_cores()), progress)
    places = {strategy.name: place for place, strategy in enumerate(chosen)}
    order = {landscape: place for place, landscape in enumerate(landscapes)}
    return sorted(found, key=lambda r: (places[r.strategy], order[r.landscape], r.seed))


def require_landscapes(names: Sequence[str]) -> None:
    """Refuse landscapes that aren't there, and repetitions.

    Raises:
        UsageError: names the first.
    """
    for name in names:
        if name not in LANDSCAPES:
            raise unknown_name("landscape", name, LANDSCAPES)
        if list(names).count(name) > 1:
            raise UsageError(f"landscape {name!r} is listed more than once")


def run_instances(
    instances: Sequence[Instance],
    journal: RaceJournal,
    workers: Workers,
    progress: Progress | None = None,
) -> list[RaceRecord]:
    """Records of all searches of ``instances``, those in the journal first."""
    records: list[RaceRecord] = []
    missing: list[Instance] = []
    for instance in instances:
        known = {s.name: journal.get(_key(instance, s)) for s in instance.strategies}
        records += [record for record in known.values() if record is not None]
        rest = tuple(s for s in instance.strategies if known[s.name] is None)
        if rest:
            missing.append(replace(instance, strategies=rest))
    total = sum(len(instance.strategies) for instance in missing)
    with (progress or Silent()).stage("Searching", total, "searches") as advance:
        for index, found in workers.map(run_instance, missing):
            for strategy, record in zip(missing[index].strategies, found, strict=True):
                journal.add(_key(missing[index], strategy), record)
            records += found
            advance(len(found))
    return records


def _key(instance: Instance, strategy: ChosenStrategy) -> Mapping[str, object]:
    return {**vars(instance), "strategies": strategy.identity()}


def run_instance(instance: Instance) -> list[RaceRecord]:
    """The searches of one instance, from first to last, in the order of its strategies."""
    landscape = make_landscape(instance.landscape, instance.blocks, seed=instance.seed)
    store = Store(_IN_MEMORY)
    try:
        clocks: dict[str, _Clock] = {}
        lanes: list[Lane] = []
        lacking = {s.name: _lacking(s, landscape) for s in instance.strategies}
        for strategy in instance.strategies:
            if not lacking[strategy.name]:
                clock = clocks[strategy.name] = _Clock()
                lanes.append(_lane(strategy, instance, clock, landscape, store))
        search(lanes, landscape, store, _NO_PRICE)
        ends = {lane.key.strategy: store.lane_record(lane.key, instance.blocks) for lane in lanes}
    finally:
        store.close()
    return [
        _not_applicable(name, instance, reason)
        if reason
        else _record(ends[name], instance, clocks[name], landscape)
        for name, reason in lacking.items()
    ]


def _lacking(strategy: ChosenStrategy, landscape: Landscape) -> str:
    lacking = [need for need in strategy.load().needs if need not in landscape.offers]
    return f"needs {' and '.join(lacking)}, which a closed form does not have" if lacking else ""


def _lane(
    strategy: ChosenStrategy,
    instance: Instance,
    clock: "_Clock",
    landscape: Landscape,
    store: Store,
) -> Lane:
    space = SearchSpace((instance.blocks,), budget=instance.budget)
    names = ("race", strategy.name, instance.landscape)

    def make() -> Strategy:
        rng = child_rng(instance.seed, *names)
        return _Timed(space, lambda: strategy.make(space, rng=rng), clock, rng=rng)

    key = LaneKey(strategy.name, instance.seed, 0)
    return Lane(key, make, landscape, store, instance.budget)


@dataclass
class _Clock:
    """Processor time that a strategy took."""

    seconds: float = 0.0


@final
class _Timed(Strategy):
    """A strategy around a strategy that times it, its making included."""

    name, summary, source = "timed", "times a strategy", "this project"

    def __init__(
        self,
        space: SearchSpace,
        make: Callable[[], Strategy],
        clock: _Clock,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(space, rng=rng)
        self._clock = clock
        started = process_time()
        self._inner = make()
        clock.seconds += process_time() - started

    def ask(self, n: int) -> Schemes:
        started = process_time()
        schemes = self._inner.ask(n)
        self._clock.seconds += process_time() - started
        return schemes

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        started = process_time()
        self._inner.tell(schemes, answers)
        self._clock.seconds += process_time() - started


def _not_applicable(strategy: str, instance: Instance, reason: str) -> RaceRecord:
    return RaceRecord(
        strategy,
        instance.landscape,
        instance.seed,
        np.zeros(0),
        float("nan"),
        reason,
        applicable=False,
    )


def _record(
    lane: LaneRecord, instance: Instance, clock: _Clock, landscape: Landscape
) -> RaceRecord:
    message = lane.message or ("" if len(lane.schemes) else "proposed nothing")
    regret = np.zeros(0) if message else _of_the_best(lane, landscape, instance.budget)
    seconds = float("nan") if message else clock.seconds / len(lane.schemes)
    return RaceRecord(
        lane.key.strategy, instance.landscape, instance.seed, regret, seconds, message
    )


def _of_the_best(
    lane: LaneRecord, landscape: Landscape, budget: int
) -> Float64[np.ndarray, " evaluations"]:
    """Regret of the first scheme with the best answer so far, after each evaluation."""
    rising = np.maximum.accumulate(lane.accuracy)
    found = np.append(True, rising[1:] > rising[:-1])
    best = np.maximum.accumulate(np.where(found, np.arange(len(rising)), 0))
    regret = landscape.regret(lane.schemes)[best]
    return np.pad(regret, (0, budget - len(regret)), mode="edge")

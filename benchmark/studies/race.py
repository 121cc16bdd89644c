"""Strategies against each other on known landscapes: no networks, true regrets.

Instances of landscapes are independent, and each goes from first to last in one process:
all strategies search it together, as lanes of the one runner, with journals in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float64

from benchmark.basics import bounds
from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_rng
from benchmark.oracle.known import BEST, LANDSCAPES, WORST, Landscape, make_landscape
from benchmark.plugins.chosen import ChosenStrategy, choose_all
from benchmark.plugins.hosted import make_strategy
from benchmark.plugins.overrides import Overrides
from benchmark.plugins.timeout import ASK_TIMEOUT
from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey, LaneRecord, RaceRecord
from benchmark.search.runner import Lane, search, unmet
from benchmark.storage.store import Store
from benchmark.studies.race_journal import RaceJournal
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from strategies.base import SearchSpace, Strategy

_IN_MEMORY = Path(":memory:")
_AT_ONCE = 10**9
"""Evaluations of all searches of a race: 8 GB of regrets."""
_NO_PRICE = Connections(0.0)


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
        ask_timeout: seconds that a strategy may take over a request; no record depends on it.
    """

    landscape: str
    seed: int
    blocks: int
    budget: int
    strategies: tuple[ChosenStrategy, ...]
    ask_timeout: float = ASK_TIMEOUT


@numerical_state()
def run_race(
    *,
    strategies: Sequence[str],
    landscapes: Sequence[str],
    blocks: int,
    budget: int,
    seeds: int,
    overrides: Overrides | None = None,
    ask_timeout: float = ASK_TIMEOUT,
    workers: int | WorkerPool | None = None,
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
        ask_timeout: seconds that a strategy may take over a request.
        workers: or so many processes of this machine; default one a core.
        journal: file that finished searches are kept in, and not repeated from.
        progress: shows what is running.

    Returns:
        One record a search, by strategy, landscape and seed; only the times in it depend
        on the machine and on ``workers``.

    Raises:
        UsageError: an unknown name, one that comes twice, a number that can't be, or what
            `choose_all` refuses.
    """
    require_landscapes(landscapes)
    require_sizes(blocks=blocks, budget=budget, seeds=seeds, ask_timeout=ask_timeout)
    space = SearchSpace((blocks,), budget)
    chosen = choose_all(strategies, overrides or {}, space, limit=ask_timeout)
    if (size := len(chosen) * len(landscapes) * seeds * budget) > _AT_ONCE:
        raise UsageError(
            f"{size:,} evaluations in all don't fit into memory, at most {_AT_ONCE:,} do: lower "
            "--budget or --seeds, or race fewer strategies"
        )
    # By seed, so that the time left can be told from the beginning.
    instances = [
        Instance(landscape, seed, blocks, budget, chosen, ask_timeout)
        for seed in range(seeds)
        for landscape in landscapes
    ]
    kept = RaceJournal(journal)
    found = run_instances(instances, kept, WorkerPool.of(workers), progress)
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


def require_sizes(*, blocks: int, budget: int, seeds: int, ask_timeout: float) -> None:
    """Refuse numbers that can't be.

    Raises:
        UsageError: names the first.
    """
    bounds.BLOCKS.checked("blocks", blocks)
    bounds.BUDGET.checked("budget", budget)
    bounds.COUNT.checked("seeds", seeds)
    bounds.SECONDS.checked("ask_timeout", ask_timeout)


def run_instances(
    instances: Sequence[Instance],
    journal: RaceJournal,
    workers: WorkerPool,
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
    with (progress or NoProgress()).stage("Searching", total, "searches") as advance:
        for index, found in workers.map(run_instance, missing):
            for strategy, record in zip(missing[index].strategies, found, strict=True):
                journal.add(_key(missing[index], strategy), record)
            records += found
            advance(len(found))
    return records


def _key(instance: Instance, strategy: ChosenStrategy) -> Mapping[str, object]:
    known = {name: value for name, value in vars(instance).items() if name != "ask_timeout"}
    return known | {"strategies": strategy.identity()}


def run_instance(instance: Instance) -> list[RaceRecord]:
    """The searches of one instance, from first to last, in the order of its strategies."""
    landscape = make_landscape(instance.landscape, instance.blocks, seed=instance.seed)
    store = Store(_IN_MEMORY)
    try:
        lacking = {s.name: _lacking(s, landscape) for s in instance.strategies}
        lanes = {
            strategy.name: _lane(strategy, instance, landscape, store)
            for strategy in instance.strategies
            if not lacking[strategy.name]
        }
        search(list(lanes.values()), landscape, store, _NO_PRICE)
        ends = {name: store.lane_record(lane.key, instance.blocks) for name, lane in lanes.items()}
    finally:
        store.close()
    return [
        _not_applicable(name, instance, reason)
        if reason
        else _record(ends[name], instance, lanes[name].seconds, landscape)
        for name, reason in lacking.items()
    ]


def _lacking(strategy: ChosenStrategy, landscape: Landscape) -> str:
    missing = unmet(strategy.load().needs, landscape.offers)
    return f"needs {missing}, which the landscape does not have" if missing else ""


def _lane(
    strategy: ChosenStrategy,
    instance: Instance,
    landscape: Landscape,
    store: Store,
) -> Lane:
    space = SearchSpace((instance.blocks,), budget=instance.budget)
    names = ("race", strategy.name, instance.landscape)

    def make() -> Strategy:
        rng = child_rng(instance.seed, *names)
        return make_strategy(strategy, space, rng=rng, timeout=instance.ask_timeout)

    key = LaneKey(strategy.name, instance.seed, 0)
    return Lane(key, make, landscape, store, instance.budget, ask_timeout=instance.ask_timeout)


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
    lane: LaneRecord, instance: Instance, seconds: float, landscape: Landscape
) -> RaceRecord:
    message = lane.message or ("" if len(lane.schemes) else _nothing(lane))
    return RaceRecord(
        strategy=lane.key.strategy,
        landscape=instance.landscape,
        seed=instance.seed,
        regret=np.zeros(0) if message else _of_the_best(lane, landscape, instance.budget),
        seconds=float("nan") if message else seconds / lane.total,
        message=message,
    )


def _nothing(lane: LaneRecord) -> str:
    """Why a search that nobody stopped has found nothing."""
    if not lane.total:
        return "proposed nothing"
    return (
        f"never asked for a full answer: the {lane.total:g} evaluations that it was charged went "
        "to partial answers or gradients"
    )


def _of_the_best(
    lane: LaneRecord, landscape: Landscape, budget: int
) -> Float64[np.ndarray, " evaluations"]:
    """Regret of the first scheme with the best answer so far, after each evaluation charged.

    Before the first full answer it is the largest that there is.
    """
    rising = np.maximum.accumulate(_NO_PRICE.reward(lane.schemes, lane.accuracy))
    better = np.append(True, rising[1:] > rising[:-1])
    best = np.maximum.accumulate(np.where(better, np.arange(len(rising)), 0))
    known = lane.answered_by(np.arange(1, budget + 1))
    regret: Float64[np.ndarray, " evaluations"]
    regret = np.append(BEST - WORST, landscape.regret(lane.schemes)[best])[known]
    return regret

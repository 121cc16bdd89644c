"""Strategies against each other on known landscapes: no networks, true regrets.

A search is a lane as that of any run, and its journal is in the same kind of store; what
instances have in common with each other is their races' own.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float64

from benchmark.basics import bounds
from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.files import made_folder
from benchmark.basics.identity import code_version, content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_rng
from benchmark.oracle.known import BEST, LANDSCAPES, WORST, Landscape, make_landscape
from benchmark.plugins.chosen import ChosenStrategy, choose_all
from benchmark.plugins.hosted import make_strategy
from benchmark.plugins.overrides import Overrides
from benchmark.plugins.timeout import ASK_TIMEOUT
from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey, LaneRecord, RaceRecord
from benchmark.search.runner import unmet
from benchmark.storage.folder import alone_in, intact
from benchmark.storage.store import Store
from benchmark.studies.searches import IN_MEMORY, Search, run_searches
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from strategies.base import SearchSpace

STORE = "searches.sqlite"
"""Where a race's folder keeps finished searches."""
_OLD = "searches.jsonl"
_AT_ONCE = 10**8
"""Evaluations of all searches of a race that fit into memory."""
_NO_PRICE = Connections(0.0)
_CODE = ("benchmark.oracle.known", "benchmark.search.runner")
"""What a search depends on, with all that these import, beside the strategy's own code."""


@final
@dataclass(frozen=True)
class Heat:
    """One strategy's search of one instance of a landscape: what a record depends on.

    Attributes:
        strategy: who searches.
        landscape: its name.
        seed: of the instance and of the strategy.
        blocks: bits of a scheme.
        budget: evaluations.
        ask_timeout: seconds that the strategy may take over a request; no record depends on it.
    """

    strategy: ChosenStrategy
    landscape: str
    seed: int
    blocks: int
    budget: int
    ask_timeout: float = ASK_TIMEOUT

    @property
    def key(self) -> LaneKey:
        """The lane in a store that holds searches of any races: its name says all."""
        content = content_hash(
            strategy=self.strategy.identity(),
            landscape=self.landscape,
            blocks=self.blocks,
            budget=self.budget,
            code=code_version(*_CODE),
        )
        return LaneKey(f"{self.strategy.name} on {self.landscape} {content}", self.seed, 0)

    @property
    def search(self) -> Search:
        """The lane with all that it depends on."""
        space = SearchSpace((self.blocks,), budget=self.budget)
        rng = child_rng(self.seed, "race", self.strategy.name, self.landscape)
        return Search(
            self.key,
            self.strategy,
            partial(make_strategy, self.strategy, space, rng=rng, timeout=self.ask_timeout),
            partial(make_landscape, self.landscape, self.blocks, seed=self.seed),
            self.budget,
            _NO_PRICE,
            self.ask_timeout,
        )

    def instance(self) -> Landscape:
        """The instance of the landscape that is searched."""
        return make_landscape(self.landscape, self.blocks, seed=self.seed)


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
    out: Path | None = None,
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
        out: folder that finished searches are kept in, and not repeated from.
        progress: shows what is running.

    Returns:
        One record a search, by strategy, landscape and seed; only the times in it depend
        on the machine and on ``workers``.

    Raises:
        UsageError: an unknown name, one that comes twice, a number that can't be, a folder
            that can't be used, or what `choose_all` refuses.
        StoreError: what the folder keeps is damaged.
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
    heats = [
        Heat(strategy, landscape, seed, blocks, budget, ask_timeout)
        for seed in range(seeds)
        for landscape in landscapes
        for strategy in chosen
    ]
    with opened_searches(out) as store:
        found = run_heats(heats, store, WorkerPool.of(workers), progress)
    places = {strategy.name: place for place, strategy in enumerate(chosen)}
    order = {landscape: place for place, landscape in enumerate(landscapes)}
    return sorted(found, key=lambda r: (places[r.strategy], order[r.landscape], r.seed))


@contextmanager
def opened_searches(folder: Path | None) -> Iterator[Store]:
    """The store of finished searches in ``folder``, this process's alone; None keeps none.

    Raises:
        UsageError: the folder can't be used, or an older version's searches are in it.
        StoreError: it is damaged.
    """
    if folder is None:
        with closing(Store(IN_MEMORY)) as store:
            yield store
        return
    made_folder(folder, option="--out")
    if (old := folder / _OLD).exists():
        raise UsageError(
            f"{old} keeps searches of an older version, which this one can't read: delete it, or "
            "choose another folder with --out"
        )
    with alone_in(folder), closing(Store(folder / STORE)) as store:
        yield store


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


def run_heats(
    heats: Sequence[Heat],
    store: Store,
    workers: WorkerPool,
    progress: Progress | None = None,
) -> list[RaceRecord]:
    """Records of all ``heats``, in their order; those in ``store`` aren't searched again.

    One that failed is kept nowhere: it gets another chance.
    """
    records: dict[Heat, RaceRecord] = {}
    missing: dict[LaneKey, Heat] = {}
    lacking: dict[tuple[str, str], str] = {}
    for heat in heats:
        pair = heat.strategy.name, heat.landscape
        if pair not in lacking:
            lacking[pair] = unmet(heat.strategy.load().needs, heat.instance().offers)
        if lacking[pair]:
            message = f"needs {lacking[pair]}, which the landscape does not have"
            records[heat] = _without_regret(heat, message, applicable=False)
        elif store.lane_end(heat.key)[0] == "finished":
            with intact(store.path):
                records[heat] = _record(store, heat)
        else:
            missing[heat.key] = heat
    with (progress or NoProgress()).stage("Searching", len(missing), "searches") as advance:
        searches = [heat.search for heat in missing.values()]
        for search, found in run_searches(searches, workers):
            heat = missing[search.key]
            if found.state == "finished":
                found.keep(search.key, store)
                records[heat] = _record(store, heat)
            else:
                records[heat] = _without_regret(heat, found.message)
            advance(1)
    return [records[heat] for heat in heats]


def _without_regret(heat: Heat, message: str, *, applicable: bool = True) -> RaceRecord:
    return RaceRecord(
        heat.strategy.name,
        heat.landscape,
        heat.seed,
        np.zeros(0),
        float("nan"),
        message,
        applicable=applicable,
    )


def _record(store: Store, heat: Heat) -> RaceRecord:
    lane = store.lane_record(heat.key, heat.blocks)
    if not len(lane.schemes):
        return _without_regret(heat, _nothing(lane))
    (*_, (_, seconds)) = store.own_seconds(store.lane(heat.key))
    return RaceRecord(
        strategy=heat.strategy.name,
        landscape=heat.landscape,
        seed=heat.seed,
        regret=_of_the_best(lane, heat.instance(), heat.budget),
        seconds=seconds / lane.total,
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

"""Lanes on oracles whose answers cost nothing: each goes from first to last in one process.

Beside such an answer a round of all lanes in lock-step would cost more than it saves, so lanes
are spread over processes instead. Whoever searches, the journal ends up in the run's store.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import final

from benchmark.oracle.base import Oracle
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey, LaneState
from benchmark.search.runner import Lane, search
from benchmark.storage.calls import Call, Query
from benchmark.storage.store import Store
from benchmark.workers.pool import WorkerPool
from strategies.base import Strategy

IN_MEMORY = Path(":memory:")
_START = 2.0
"""Seconds of searching after which further processes are started: what they take to start."""


@final
@dataclass(frozen=True)
class Search:
    """One lane with all that it depends on; picklable.

    Attributes:
        key: of the lane.
        strategy: who searches.
        make: makes the strategy, once.
        oracle: opens what is searched, in whichever process.
        budget: evaluations.
        objective: makes rewards.
        ask_timeout: seconds that the strategy may take over a request.
    """

    key: LaneKey
    strategy: ChosenStrategy
    make: Callable[[], Strategy]
    oracle: Callable[[], Oracle]
    budget: int
    objective: Objective
    ask_timeout: float


@final
@dataclass(frozen=True)
class Searched:
    """What a lane leaves.

    Attributes:
        calls: its answered requests, in order.
        laps: evaluations of each request, and the strategy's own seconds when it was made.
        state: how it ended.
        message: why it failed; empty otherwise.
        traceback: of what ended it, where that was an error.
        opened: what its strategy reached for beyond its answers.
    """

    calls: Sequence[Call | Query]
    laps: list[tuple[int, float]]
    state: LaneState
    message: str
    traceback: str
    opened: tuple[str, ...]

    def keep(self, key: LaneKey, store: Store) -> None:
        """Write it into ``store`` as the lane ``key``, whole."""
        with store.transaction():
            lane = store.lane(key)
            for number, call in enumerate(self.calls):
                store.add_call(lane, number, call)
            store.set_own_seconds(lane, self.laps)
            store.end_lane(
                lane, self.state, self.message, traceback=self.traceback, opened=self.opened
            )


def run_search(task: Search) -> Searched:
    """Search from first to last."""
    if not task.strategy.is_plug_in:
        task.strategy.load()  # its libraries, before the number of their threads is set
    oracle = task.oracle()
    with closing(Store(IN_MEMORY)) as store:
        lane = Lane(task.key, task.make, oracle, store, task.budget, ask_timeout=task.ask_timeout)
        search([lane], oracle, store, task.objective)
        state, message = store.lane_end(task.key)
        return Searched(
            store.calls(lane.number),
            store.own_seconds(lane.number),
            state,
            message,
            store.lane_traceback(lane.number),
            store.lane_opened(lane.number),
        )


def run_searches(
    searches: Sequence[Search], workers: WorkerPool
) -> Iterator[tuple[Search, Searched]]:
    """Searches with what they leave, in the order in which they end."""
    for index, found in workers.map(run_search, searches, alone=_START):
        yield searches[index], found

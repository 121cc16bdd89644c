"""The ask → score → tell loop of every run: lanes advance together, round by round.

In each round every lane asks once, all requests become one call of the shared
oracle, and every lane is told its answers. What a lane asked is in its journal
before the next round begins.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time

import numpy as np
from jaxtyping import Float64

from benchmark.blame import blamed_on_strategy
from benchmark.budget import Ledger
from benchmark.errors import LaneError, ReplayError
from benchmark.oracle.base import Oracle, Schemes, Scores, checked
from benchmark.oracle.wrappers import MeteredOracle, RecordedOracle
from benchmark.records import LaneKey, LaneState
from benchmark.store import Store, bits_of
from benchmark.threads import single_thread
from strategies.base import Answers, Strategy

_DEAF = 10  # requests; a search in a space of two schemes may repeat a few by chance


@dataclass(frozen=True)
class Objective:
    """What is maximised: accuracy + ``weight`` · fraction of unconnected blocks."""

    weight: float

    def reward(
        self, schemes: Schemes, accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        """Reward of each scheme."""
        unconnected: Float64[np.ndarray, " schemes"] = 1 - schemes.mean(axis=1)
        return accuracy + self.weight * unconnected

    def answers(self, schemes: Schemes, scores: Scores) -> Answers:
        """Scores as a strategy sees them."""
        return Answers(self.reward(schemes, scores.accuracy), scores.accuracy, scores.loss)


class Repetitions:
    """Finds out a strategy that is deaf: it asks its first request again, whatever it is told.

    A search that has converged repeats itself too, and pays for it; it has asked for
    other schemes before.
    """

    def __init__(self) -> None:
        self._first: Schemes | None = None
        self._requests = 0
        self._deaf = True

    def watch(self, schemes: Schemes) -> None:
        """Take note of a request."""
        if self._first is None:
            self._first = schemes
        self._requests += 1
        self._deaf = self._deaf and np.array_equal(self._first, schemes)

    def judge(self) -> None:
        """Say what is to be said once the budget is spent.

        Raises:
            LaneError: all of at least `_DEAF` requests were one and the same.
        """
        if self._deaf and self._first is not None and self._requests >= _DEAF:
            shown = ", ".join(bits_of(np.unique(self._first, axis=0)[:3]))
            raise LaneError(
                f"repeated itself: all {self._requests} requests were for the same "
                f"{len(self._first)} schemes ({shown}), whatever it was told"
            )


class Stopwatch:
    """Processor time of one strategy, and how much of it had passed at each of its requests."""

    def __init__(self) -> None:
        self.laps: list[tuple[int, float]] = []
        self._seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time spent inside."""
        started = process_time()
        try:
            yield
        finally:
            self._seconds += process_time() - started

    def lap(self, evaluations: int) -> None:
        """Note a request for so many evaluations."""
        if evaluations:
            self.laps.append((evaluations, round(self._seconds, 6)))


class Lane:
    """One strategy's run: its budget, its journal, its way to the shared oracle.

    Args:
        key: strategy and seeds.
        make: makes the strategy, from its seed alone.
        oracle: shared by all lanes.
        store: where the journal is.
        budget: evaluations.
    """

    def __init__(
        self,
        key: LaneKey,
        make: Callable[[], Strategy],
        oracle: Oracle,
        store: Store,
        budget: int,
    ) -> None:
        self.key = key
        self.number = store.lane(key)
        self._store = store
        self._recorded = RecordedOracle(oracle, store, self.number)
        self._oracle = MeteredOracle(self._recorded, Ledger(budget))
        self._make = make
        self._strategy: Strategy | None = None
        self._repetitions = Repetitions()
        self._clock = Stopwatch()

    @property
    def own_seconds(self) -> list[tuple[int, float]]:
        """Evaluations of each request, and the strategy's own seconds when it was made."""
        return self._clock.laps

    @property
    def replaying(self) -> bool:
        """Whether the next request is answered from the journal."""
        return self._recorded.replaying

    def ask(self) -> Schemes:
        """The strategy's next request; zero rows when budget or strategy are at their end.

        Raises:
            LaneError: the strategy raised, its request breaks the contract, or it has spent
                its budget on nothing but its first request.
        """
        left = self._oracle.ledger.left
        if left == 0:
            self._repetitions.judge()
            return np.empty((0, self._oracle.blocks), dtype=bool)
        with blamed_on_strategy(), self._clock.running():
            if self._strategy is None:
                self._strategy = self._make()
            schemes = checked(np.array(self._strategy.ask(left)), self._oracle.blocks)
        if len(schemes) > left:
            raise LaneError(f"asked for {len(schemes)} evaluations with {left} left")
        self._repetitions.watch(schemes)
        self._clock.lap(len(schemes))
        return schemes

    def score(self, schemes: Schemes) -> Scores:
        """Answers to a request: charged, and written into the journal.

        Raises:
            LaneError: the request exceeds the budget.
            ReplayError: the journal holds another request.
        """
        return self._oracle.score(schemes)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """Tell the strategy.

        Raises:
            LaneError: the strategy raised.
        """
        assert self._strategy is not None
        with blamed_on_strategy(), self._clock.running():
            self._strategy.tell(schemes, answers)


@single_thread()
def search(
    lanes: Sequence[Lane],
    oracle: Oracle,
    store: Store,
    objective: Objective,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Run lanes in lock-step until each has spent its budget, finished or failed.

    An exception inside one strategy ends its lane with a message in the store; the
    other lanes go on.

    Args:
        lanes: the runs, all on ``oracle``.
        oracle: shared by all lanes.
        store: where lanes end.
        objective: makes rewards.
        on_progress: told the evaluations charged in a round.
    """
    active = list(lanes)
    while active:
        requests = _ask_all(active, store)
        new = [schemes for lane, schemes in requests if not lane.replaying]
        if new:
            oracle.score(np.concatenate(new))
        active = []
        with store.transaction():
            for lane, schemes in requests:
                try:
                    scores = lane.score(schemes)
                    lane.tell(schemes, objective.answers(schemes, scores))
                    active.append(lane)
                except (LaneError, ReplayError) as error:
                    _end(lane, store, "failed", str(error))
        on_progress(sum(len(schemes) for _, schemes in requests))


def _ask_all(lanes: Sequence[Lane], store: Store) -> list[tuple[Lane, Schemes]]:
    requests = []
    for lane in lanes:
        try:
            schemes = lane.ask()
        except LaneError as error:
            _end(lane, store, "failed", str(error))
            continue
        if len(schemes) > 0:
            requests.append((lane, schemes))
        else:
            _end(lane, store, "finished")
    return requests


def _end(lane: Lane, store: Store, state: LaneState, message: str = "") -> None:
    store.set_fact(f"own seconds of lane {lane.number}", lane.own_seconds)
    store.end_lane(lane.number, state, message)

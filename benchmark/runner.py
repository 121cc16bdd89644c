"""The only ask → score → tell loop: lanes advance together, round by round.

In each round every lane asks once, all requests become one call of the shared
oracle, and every lane is told its answers. What a lane asked is in its journal
before the next round begins.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from benchmark.budget import Ledger
from benchmark.errors import LaneError, ReplayError
from benchmark.oracle.base import Oracle, Schemes, Scores, checked
from benchmark.oracle.wrappers import MeteredOracle, RecordedOracle
from benchmark.records import LaneKey
from benchmark.store import Store
from strategies.base import Answers, Strategy


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

    @property
    def replaying(self) -> bool:
        """Whether the next request is answered from the journal."""
        return self._recorded.replaying

    def ask(self) -> Schemes:
        """The strategy's next request; zero rows when budget or strategy are at their end.

        Raises:
            LaneError: the strategy raised, or its request breaks the contract.
        """
        left = self._oracle.ledger.left
        if left == 0:
            return np.empty((0, self._oracle.blocks), dtype=bool)
        with _blamed_on_strategy():
            if self._strategy is None:
                self._strategy = self._make()
            schemes = checked(np.array(self._strategy.ask(left)), self._oracle.blocks)
        if len(schemes) > left:
            raise LaneError(f"asked for {len(schemes)} evaluations with {left} left")
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
        with _blamed_on_strategy():
            self._strategy.tell(schemes, answers)


@contextmanager
def _blamed_on_strategy() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise LaneError(f"{type(error).__name__}: {error}") from error


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
                    store.end_lane(lane.number, "failed", str(error))
        on_progress(sum(len(schemes) for _, schemes in requests))


def _ask_all(lanes: Sequence[Lane], store: Store) -> list[tuple[Lane, Schemes]]:
    requests = []
    for lane in lanes:
        try:
            schemes = lane.ask()
        except LaneError as error:
            store.end_lane(lane.number, "failed", str(error))
            continue
        if len(schemes) > 0:
            requests.append((lane, schemes))
        else:
            store.end_lane(lane.number, "finished")
    return requests

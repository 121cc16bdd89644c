"""The ask → score → tell loop of every run: lanes advance together, round by round.

In each round every lane asks once, all requests of one fidelity become one call of the
shared oracle, and every lane is told its answers. What a lane asked is in its journal
before the next round begins. A strategy that looks into the oracle does so while it is
asked or told; what it sees is charged and in its journal too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from time import process_time

import numpy as np

from benchmark.basics.errors import LaneError, ReplayError
from benchmark.basics.threads import single_thread
from benchmark.oracle.base import Oracle, Schemes, Scores, Wrapper, checked, checked_fraction
from benchmark.plugins.error_translation import as_caller_errors, as_strategy_errors
from benchmark.plugins.hosted import HostedStrategy
from benchmark.plugins.timeout import ASK_TIMEOUT, Timeout
from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey, LaneState
from benchmark.search.budget import Ledger
from benchmark.search.wrappers import Journal, MeteredOracle, RecordedOracle
from benchmark.storage.calls import bits_of
from benchmark.storage.store import Store
from strategies.base import FULL, Answers, GateGradient, GateQuestion, Need, Request, Strategy

_WHITE_BOX: frozenset[Need] = frozenset({"gradients", "weights"})
_SAME_REQUESTS = 10  # requests; a search in a space of two schemes may repeat a few by chance


class Repetitions:
    """Finds out a strategy that asks its first request again, whatever it is told.

    A search that has converged repeats itself too, and pays for it; it has asked for
    other schemes before.
    """

    def __init__(self) -> None:
        self._first: Request | None = None
        self._requests = 0
        self._ignoring = True

    def watch(self, request: Request) -> None:
        """Take note of a request."""
        if self._first is None:
            self._first = request
        self._requests += 1
        same = np.array_equal(self._first.schemes, request.schemes)
        self._ignoring = self._ignoring and same and self._first.fidelity == request.fidelity

    def judge(self) -> None:
        """Say what is to be said once the budget is spent.

        Raises:
            LaneError: all of at least `_SAME_REQUESTS` requests were one and the same.
        """
        if self._ignoring and self._first is not None and self._requests >= _SAME_REQUESTS:
            shown = ", ".join(bits_of(np.unique(self._first.schemes, axis=0)[:3]))
            raise LaneError(
                f"repeated itself: all {self._requests} requests were for the same "
                f"{len(self._first.schemes)} schemes ({shown}), whatever it was told"
            )


class Stopwatch:
    """Processor time of one strategy, and how much of it had passed at each of its requests."""

    def __init__(self) -> None:
        self.laps: list[tuple[int, float]] = []
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time spent inside."""
        started = process_time()
        try:
            yield
        finally:
            self.seconds += process_time() - started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside; the watch is running outside."""
        started = process_time()
        try:
            yield
        finally:
            self.seconds -= process_time() - started

    def add(self, seconds: float) -> None:
        """Count seconds of another process."""
        self.seconds += seconds

    def lap(self, evaluations: int) -> None:
        """Note a request for so many evaluations."""
        if evaluations:
            self.laps.append((evaluations, round(self.seconds, 6)))


class _OffTheClock(Wrapper):
    """An oracle whose passes are not counted as the time of the strategy that looks into it."""

    def __init__(self, inner: Oracle, clock: Stopwatch, timeout: Timeout) -> None:
        super().__init__(inner)
        self._clock = clock
        self._timeout = timeout

    def score(self, schemes: Schemes) -> Scores:
        with self._clock.paused(), self._timeout.paused(), as_caller_errors():
            return self.inner.score(schemes)

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        with self._clock.paused(), self._timeout.paused(), as_caller_errors():
            return self.inner.gate_gradient(question)


class Lane:
    """One strategy's run: its budget, its journal, its way to the shared oracle.

    Args:
        key: strategy and seeds.
        make: makes the strategy, from its seed alone.
        oracle: shared by all lanes.
        store: where the journal is.
        budget: evaluations.
        ask_timeout: seconds that the strategy may take over one ask or tell, the oracle's own
            time left out.
    """

    def __init__(
        self,
        key: LaneKey,
        make: Callable[[], Strategy],
        oracle: Oracle,
        store: Store,
        budget: int,
        *,
        ask_timeout: float = ASK_TIMEOUT,
    ) -> None:
        self.key = key
        self.number = store.lane(key)
        self._journal = Journal(store, self.number)
        self._oracle = MeteredOracle(RecordedOracle(oracle, self._journal), Ledger(budget))
        self._make = make
        self._strategy: Strategy | None = None
        self._repetitions = Repetitions()
        self._clock = Stopwatch()
        self._timeout = Timeout(ask_timeout)

    @property
    def own_seconds(self) -> list[tuple[int, float]]:
        """Evaluations of each request and the strategy's own seconds by then; none, and all, last.

        What it spends on its last answers is no request's, but its own all the same.
        """
        return [*self._clock.laps, (0, round(self.seconds, 6))]

    @property
    def seconds(self) -> float:
        """The strategy's own processor time so far."""
        return self._clock.seconds

    @property
    def replaying(self) -> bool:
        """Whether the next request is answered from the journal."""
        return self._journal.replaying

    @property
    def charged(self) -> int:
        """Evaluations charged so far, in whole ones."""
        return int(self._oracle.ledger.charged)

    def ask(self) -> Request:
        """The strategy's next request; zero rows when budget or strategy are at their end.

        Raises:
            LaneError: the strategy raised, its request breaks the contract, it needs what the
                oracle doesn't offer, or it has spent its budget on nothing but its first request.
            ReplayError: it looks into the oracle otherwise than its journal says.
        """
        left = self._oracle.ledger.left
        if left == 0:
            self._repetitions.judge()
            return Request(np.empty((0, self._oracle.blocks), dtype=bool))
        if self._strategy is None:
            self._strategy = self._made()
        with self._on_its_own():
            asked = self._strategy.ask(left)
            schemes, fidelity = (
                (asked.schemes, checked_fraction("fidelity", asked.fidelity))
                if isinstance(asked, Request)
                else (asked, FULL)
            )
            request = Request(checked(np.array(schemes), self._oracle.blocks), fidelity)
            left = self._oracle.ledger.left  # what it looked at has been charged
        if fidelity != 1 and "fidelity" not in self._strategy.needs:
            raise LaneError(f"asked at fidelity {fidelity} without 'fidelity' among its needs")
        charge = len(request.schemes) * fidelity
        if charge > left:
            raise LaneError(f"asked for {charge} evaluations with {left} left")
        self._repetitions.watch(request)
        self._clock.lap(len(request.schemes) if fidelity == 1 else 0)
        return request

    def score(self, request: Request) -> Scores:
        """Answers to a request: charged, and written into the journal.

        Raises:
            LaneError: the request exceeds the budget.
            ReplayError: the journal holds another request.
        """
        return self._oracle.at(request.fidelity).score(request.schemes)

    def tell(self, request: Request, answers: Answers) -> None:
        """Tell the strategy.

        Raises:
            LaneError: the strategy raised.
            ReplayError: it looks into the oracle otherwise than its journal says.
        """
        assert self._strategy is not None
        with self._on_its_own():
            self._strategy.tell(request.schemes, answers)

    @property
    def opened(self) -> tuple[str, ...]:
        """What the strategy has opened beyond its answers, if it has a process to itself."""
        return tuple(getattr(self._strategy, "opened", ()))

    def release(self) -> None:
        """Let go of the strategy, and of the process that it may have to itself."""
        self._strategy = None

    @contextmanager
    def _on_its_own(self) -> Iterator[None]:
        """The strategy is at work: what goes wrong is its own, the time is taken and limited."""
        with as_strategy_errors(), self._clock.running(), self._timeout_here():
            yield
        if isinstance(self._strategy, HostedStrategy):
            self._clock.add(self._strategy.take_seconds())

    @contextmanager
    def _timeout_here(self) -> Iterator[None]:
        if isinstance(self._strategy, HostedStrategy):  # which has a limit of its own
            yield
        else:
            with self._timeout.running():
                yield

    def _made(self) -> Strategy:
        with as_strategy_errors(), self._clock.running():
            strategy = self._make()
        if missing := unmet(strategy.needs, self._oracle.offers):
            raise LaneError(f"needs {missing}, which this oracle doesn't offer")
        if _WHITE_BOX & set(strategy.needs):
            with as_strategy_errors():
                strategy.look_into(_OffTheClock(self._oracle, self._clock, self._timeout))
        return strategy


def unmet(needs: Iterable[Need], offers: Iterable[Need]) -> str:
    """What of ``needs`` is not among ``offers``, in words; empty when nothing is missing."""
    return " and ".join(sorted(set(needs) - set(offers)))


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
    charged = 0
    while active:
        requests = _ask_all(active, store)
        new: dict[Fraction, list[Schemes]] = {}
        for lane, request in requests:
            if not lane.replaying:
                new.setdefault(request.fidelity, []).append(request.schemes)
        for fidelity, schemes in new.items():
            oracle.at(fidelity).score(np.concatenate(schemes))
        active = []
        with store.transaction():
            for lane, request in requests:
                try:
                    scores = lane.score(request)
                    lane.tell(request, _answers(objective, request, scores))
                    active.append(lane)
                except (LaneError, ReplayError) as error:
                    _end(lane, store, "failed", error)
        before, charged = charged, sum(lane.charged for lane in lanes)
        on_progress(charged - before)


def _answers(objective: Objective, request: Request, scores: Scores) -> Answers:
    """Scores as a strategy sees them."""
    reward = objective.reward(request.schemes, scores.accuracy)
    return Answers(reward, scores.accuracy, scores.loss, request.fidelity)


def _ask_all(lanes: Sequence[Lane], store: Store) -> list[tuple[Lane, Request]]:
    requests = []
    for lane in lanes:
        try:
            request = lane.ask()
        except (LaneError, ReplayError) as error:
            _end(lane, store, "failed", error)
            continue
        if len(request.schemes) > 0:
            requests.append((lane, request))
        else:
            _end(lane, store, "finished")
    return requests


def _end(lane: Lane, store: Store, state: LaneState, error: Exception | None = None) -> None:
    store.set_own_seconds(lane.number, lane.own_seconds)
    traceback = error.traceback if isinstance(error, LaneError) else ""
    message = "" if error is None else str(error)
    store.end_lane(lane.number, state, message, traceback=traceback, opened=lane.opened)
    lane.release()

"""Oracles around an oracle: cached, recorded, metered, sharded."""

from abc import ABC
from collections.abc import Callable
from time import perf_counter

import numpy as np
from jaxtyping import Bool

from benchmark.budget import Ledger
from benchmark.errors import ReplayError
from benchmark.oracle.base import Oracle, Schemes, Scores
from benchmark.store import Answer, Store, answer_arrays, bits_of
from benchmark.workers import Workers


class Wrapper(Oracle, ABC):
    """An oracle that answers with the help of the one inside it."""

    def __init__(self, inner: Oracle) -> None:
        self.inner = inner

    @property
    def identity(self) -> str:
        return self.inner.identity

    @property
    def blocks(self) -> int:
        return self.inner.blocks


class CachedOracle(Wrapper):
    """Asks the inner oracle only what nobody has asked before, in this run or another.

    Answers are kept in ``store`` under the oracle's identity, durably before they
    are given.
    """

    def __init__(self, inner: Oracle, store: Store) -> None:
        super().__init__(inner)
        self._store = store
        self._known = store.answers(inner.identity)

    def score(self, schemes: Schemes) -> Scores:
        bits = bits_of(schemes)
        first = {scheme: row for row, scheme in enumerate(bits) if scheme not in self._known}
        if first:
            started = perf_counter()
            new = _pairs(self.inner.score(schemes[list(first.values())]))
            seconds = (perf_counter() - started) / max(len(new), 1)
            with self._store.transaction():
                self._store.add_answers(self.identity, list(first), new, seconds=seconds)
            self._known.update(zip(first, new, strict=True))
        return _scores([self._known[scheme] for scheme in bits])

    def missing(self, schemes: Schemes) -> Bool[np.ndarray, "rows blocks"]:
        """The rows of ``schemes`` that have no answer yet."""
        rows = [row for row, bits in enumerate(bits_of(schemes)) if bits not in self._known]
        unknown: Schemes = schemes[rows]
        return unknown


class RecordedOracle(Wrapper):
    """Writes each request and its answer into a lane's journal, and replays it on resume.

    A strategy is deterministic given its seed and its answers, so feeding it the
    journal puts it exactly where it was when the run was stopped.
    """

    def __init__(self, inner: Oracle, store: Store, lane: int) -> None:
        super().__init__(inner)
        self._store = store
        self._lane = lane
        self._journal = store.calls(lane)
        self._calls = 0

    @property
    def replaying(self) -> bool:
        """Whether the next answer comes from the journal."""
        return self._calls < len(self._journal)

    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            ReplayError: the journal holds other schemes at this point.
        """
        bits = bits_of(schemes)
        if self.replaying:
            recorded, answers = self._journal[self._calls]
            if recorded != bits:
                raise ReplayError(
                    f"request {self._calls} differs from the journal: expected "
                    f"{', '.join(recorded)}, received {', '.join(bits)}; the strategy is not "
                    "deterministic or its code changed, so start over in another folder"
                )
            scores = _scores(answers)
        else:
            scores = self.inner.score(schemes)
            self._store.add_call(self._lane, self._calls, bits, _pairs(scores))
        self._calls += 1
        return scores


class MeteredOracle(Wrapper):
    """Charges a ledger for every scheme, whoever computes the answer."""

    def __init__(self, inner: Oracle, ledger: Ledger) -> None:
        super().__init__(inner)
        self.ledger = ledger

    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            LaneError: the schemes exceed the ledger's budget; nothing is asked.
        """
        self.ledger.charge(len(schemes))
        return self.inner.score(schemes)


class ShardedOracle(Wrapper):
    """Spreads schemes over worker processes, each with a copy of the inner oracle.

    Shards are contiguous in sorted order, which keeps shared prefixes together.

    Args:
        inner: answers where there is one worker or too little to share out.
        make: makes the copy inside a worker; picklable.
        workers: the processes.
    """

    def __init__(self, inner: Oracle, make: Callable[[], Oracle], workers: Workers) -> None:
        super().__init__(inner)
        self._make = make
        self._workers = workers

    def score(self, schemes: Schemes) -> Scores:
        unique, inverse = np.unique(schemes, axis=0, return_inverse=True)
        if self._workers.count == 1 or len(unique) < 2 * self._workers.count:
            return self.inner.score(schemes)
        shards = np.array_split(np.arange(len(unique)), self._workers.count)
        jobs = [(self._make, unique[rows]) for rows in shards]
        answers = np.empty((len(unique), 2))
        for index, scores in self._workers.map(_score_shard, jobs):
            answers[shards[index], 0] = scores.accuracy
            answers[shards[index], 1] = scores.loss
        rows = answers[inverse.reshape(-1)]
        return Scores(accuracy=rows[:, 0].copy(), loss=rows[:, 1].copy())


def _score_shard(job: tuple[Callable[[], Oracle], Schemes]) -> Scores:
    make, schemes = job
    return make().score(schemes)


def _pairs(scores: Scores) -> list[Answer]:
    return list(zip(scores.accuracy.tolist(), scores.loss.tolist(), strict=True))


def _scores(answers: list[Answer]) -> Scores:
    accuracy, loss = answer_arrays(answers)
    return Scores(accuracy=accuracy, loss=loss)

"""Oracles around an oracle: cached, recorded, metered, sharded."""

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from time import perf_counter

import numpy as np
from jaxtyping import Bool

from benchmark.basics.errors import LaneError, ReplayError
from benchmark.oracle.base import Oracle, Schemes, Scores, Wrapper, checked_question
from benchmark.search.budget import Ledger
from benchmark.storage.calls import Answer, Call, Query, answer_arrays, bits_of
from benchmark.storage.store import Store
from benchmark.workers.pool import WorkerPool
from strategies.base import FULL, GateGradient, GateQuestion


class CachedOracle(Wrapper):
    """Asks the inner oracle only what nobody has asked before, in this run or another.

    Answers are kept in ``store`` under the oracle's identity, durably before they
    are given.
    """

    def __init__(self, inner: Oracle, store: Store) -> None:
        super().__init__(inner)
        self._store = store
        self._known = store.answers(inner.identity)
        self._parts: dict[Fraction, CachedOracle] = {}

    def at(self, fidelity: Fraction) -> "CachedOracle":
        if fidelity == 1:
            return self
        if fidelity not in self._parts:
            self._parts[fidelity] = CachedOracle(self.inner.at(fidelity), self._store)
        return self._parts[fidelity]

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


class Journal:
    """A lane's answered requests, in order: replayed from the first, then appended to.

    A strategy is deterministic given its seed and its answers, so feeding it the
    journal puts it exactly where it was when the run was stopped.
    """

    def __init__(self, store: Store, lane: int) -> None:
        self._store = store
        self._lane = lane
        self._calls = store.calls(lane)
        self._position = 0

    @property
    def replaying(self) -> bool:
        """Whether the next answer comes from the journal."""
        return self._position < len(self._calls)

    def recall(self) -> Call | Query | None:
        """The answered request at this point; None at the end."""
        return self._calls[self._position] if self.replaying else None

    def add(self, call: Call | Query) -> None:
        """Go on behind ``call``, which is written down unless it was recalled."""
        if not self.replaying:
            self._store.add_call(self._lane, self._position, call)
        self._position += 1

    def refuse(self, expected: Call | Query, received: str) -> ReplayError:
        """The error for a request that is not the one that the journal holds."""
        return ReplayError(
            f"request {self._position} differs from the journal: expected {_shown(expected)}, "
            f"received {received}; the strategy is not "
            "deterministic or its code changed, so start over in another folder"
        )


class RecordedOracle(Wrapper):
    """Writes each request and its answer into a lane's journal, and replays it on resume.

    Args:
        inner: answers what the journal doesn't.
        journal: of the lane, whatever the fidelity.
        fidelity: what ``inner``'s answers are worth.
    """

    def __init__(self, inner: Oracle, journal: Journal, *, fidelity: Fraction = FULL) -> None:
        super().__init__(inner)
        self._journal = journal
        self._fidelity = fidelity

    def at(self, fidelity: Fraction) -> "RecordedOracle":
        return RecordedOracle(self.inner.at(fidelity), self._journal, fidelity=fidelity)

    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            ReplayError: the journal holds another request at this point.
        """
        if not len(schemes):  # a journal is made of rows: there is nothing to write
            return self.inner.score(schemes)
        bits = bits_of(schemes)
        call = self._journal.recall()
        if call is None:
            call = Call(bits, _pairs(self.inner.score(schemes)), self._fidelity)
        elif not isinstance(call, Call) or (call.bits, call.fidelity) != (bits, self._fidelity):
            raise self._journal.refuse(call, _shown(Call(bits, [], self._fidelity)))
        self._journal.add(call)
        return _scores(call.answers)

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        """See `Oracle.gate_gradient`.

        Raises:
            ReplayError: the journal holds another request at this point.
        """
        request = _digest(question)
        call = self._journal.recall()
        if call is None:
            new = self.inner.gate_gradient(question)
            call = Query(request, question.charge, new.loss + 0.0, new.gradient.tobytes())
        elif not isinstance(call, Query) or call.request != request:
            raise self._journal.refuse(call, f"gate gradient {request}")
        self._journal.add(call)
        return GateGradient(call.loss, np.frombuffer(call.gradient, dtype=np.float64).copy())


class MeteredOracle(Wrapper):
    """Charges a ledger for every scheme and gradient, whoever computes the answer.

    Args:
        inner: answers.
        ledger: of the lane, whatever the fidelity.
        fidelity: evaluations that an answer of ``inner`` costs.
    """

    def __init__(self, inner: Oracle, ledger: Ledger, *, fidelity: Fraction = FULL) -> None:
        super().__init__(inner)
        self.ledger = ledger
        self._fidelity = fidelity

    def at(self, fidelity: Fraction) -> "MeteredOracle":
        return MeteredOracle(self.inner.at(fidelity), self.ledger, fidelity=fidelity)

    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            LaneError: the schemes exceed the ledger's budget; nothing is asked.
        """
        self.ledger.charge(len(schemes) * self._fidelity)
        return self.inner.score(schemes)

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        """See `Oracle.gate_gradient`.

        Raises:
            LaneError: the question is none, or its charge exceeds the ledger's budget; nothing
                is asked.
        """
        try:
            charge = checked_question(question, self.blocks).charge
        except Exception as error:  # whatever a strategy may have put into it
            raise LaneError(f"asked for gradients in vain: {error}") from error
        self.ledger.charge(charge)
        return self.inner.gate_gradient(question)


class ShardedOracle(Wrapper):
    """Spreads schemes over worker processes, each with a copy of the inner oracle.

    Shards are contiguous in sorted order, which keeps shared prefixes together.

    Args:
        inner: answers where there is one worker or too little to share out.
        make: makes the copy inside a worker; picklable.
        workers: the processes.
    """

    def __init__(self, inner: Oracle, make: Callable[[], Oracle], workers: WorkerPool) -> None:
        super().__init__(inner)
        self._make = make
        self._workers = workers

    def at(self, fidelity: Fraction) -> "ShardedOracle":
        make = partial(_part, self._make, fidelity)
        return ShardedOracle(self.inner.at(fidelity), make, self._workers)

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


def _part(make: Callable[[], Oracle], fidelity: Fraction) -> Oracle:
    return make().at(fidelity)


def _score_shard(job: tuple[Callable[[], Oracle], Schemes]) -> Scores:
    make, schemes = job
    return make().score(schemes)


def _pairs(scores: Scores) -> list[Answer]:
    # Zeros are positive from the first time on: the store will not know their sign.
    pairs = zip((scores.accuracy + 0.0).tolist(), (scores.loss + 0.0).tolist(), strict=True)
    return list(pairs)


def _scores(answers: list[Answer]) -> Scores:
    accuracy, loss = answer_arrays(answers)
    return Scores(accuracy=accuracy, loss=loss)


def _shown(call: Call | Query) -> str:
    if isinstance(call, Query):
        return f"gate gradient {call.request}"
    return ", ".join(call.bits) + ("" if call.fidelity == 1 else f" at fidelity {call.fidelity}")


def _digest(question: GateQuestion) -> str:
    about = f"{question.share} {question.part} {question.virtual_rate!r} ".encode()
    return hashlib.sha256(about + question.gates.tobytes()).hexdigest()[:16]

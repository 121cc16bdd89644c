"""Oracles around oracles change what is computed, never what is answered."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.oracle.base import SCORES, Oracle, Schemes, Scores
from benchmark.records.run import LaneKey
from benchmark.records.schemes import all_schemes
from benchmark.search.budget import Ledger
from benchmark.search.wrappers import (
    CachedOracle,
    Journal,
    MeteredOracle,
    RecordedOracle,
    ShardedOracle,
)
from benchmark.storage.calls import bits_of
from benchmark.storage.store import Store
from benchmark.workers.engine import Engine
from benchmark.workers.pool import WorkerPool
from strategies.base import GateGradient, GateQuestion, Need
from tests.benchmark.storage.store_model import exact

ALL = all_schemes(3)
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 0.1]
"""Answers that are easily changed on their way."""


@dataclass
class Arbitrary(Oracle):
    """Answers whatever the scheme and the fidelity hash to, and counts what it is asked."""

    fidelity: Fraction = Fraction(1)
    asked: Counter[tuple[str, Fraction]] = field(default_factory=Counter)
    questions: list[GateQuestion] = field(default_factory=list)

    @property
    def identity(self) -> str:
        return f"arbitrary at {self.fidelity}"

    @property
    def blocks(self) -> int:
        return 3

    @property
    def offers(self) -> frozenset[Need]:
        return SCORES | {"fidelity", "gradients"}

    def at(self, fidelity: Fraction) -> Oracle:
        return Arbitrary(fidelity, self.asked, self.questions)

    def score(self, schemes: Schemes) -> Scores:
        self.asked.update((bits, self.fidelity) for bits in bits_of(schemes))
        rows = [_hashed(f"{bits} {self.fidelity}") for bits in bits_of(schemes)]
        pairs = np.array(rows, dtype=np.float64).reshape(-1, 2)
        return Scores(accuracy=pairs[:, 0].copy(), loss=pairs[:, 1].copy())

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        self.questions.append(question)
        loss, first = _hashed(repr(question))
        return GateGradient(loss, np.array([first, np.nan, -0.0]))


def _hashed(text: str) -> tuple[float, float]:
    digest = hashlib.sha256(text.encode()).digest()
    known = ODD[digest[0] % len(ODD)]
    return known, int.from_bytes(digest[1:9], "big") / 2**64


@dataclass
class Backwards(Engine):
    """Does jobs here, the last one first, as workers of unequal speed may."""

    def places(self, count: int, device: str, work: str) -> int:  # noqa: ARG002 - an engine's
        return count

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], **_: Any
    ) -> Iterator[tuple[int, Any]]:
        for index in reversed(range(len(jobs))):
            yield index, function(jobs[index])


@dataclass(frozen=True)
class Ask:
    """A request for scores."""

    rows: list[int]
    fidelity: Fraction

    def of(self, oracle: Oracle) -> Any:
        """The oracle's answers, as bits; zeros without their sign, which no store keeps."""
        schemes = ALL[self.rows]
        scores = oracle.at(self.fidelity).score(schemes)
        assert np.array_equal(schemes, ALL[self.rows])
        return exact([(scores.accuracy + 0.0).tolist(), (scores.loss + 0.0).tolist()])

    @property
    def charge(self) -> Fraction:
        """What it costs."""
        return len(self.rows) * self.fidelity

    @property
    def named(self) -> set[tuple[str, Fraction]]:
        """Schemes with their fidelity."""
        return {(bits, self.fidelity) for bits in bits_of(ALL[self.rows])}


@dataclass(frozen=True)
class Look:
    """A question for a gradient."""

    gates: list[float]
    share: Fraction

    def of(self, oracle: Oracle) -> Any:
        """The oracle's gradient, as bits."""
        found = oracle.gate_gradient(GateQuestion(np.array(self.gates), self.share))
        return exact([found.loss + 0.0, found.gradient.tolist()])

    @property
    def charge(self) -> Fraction:
        """What it costs."""
        return 3 * self.share


FIDELITIES = st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(1, 1000)])
ASKS = st.builds(Ask, st.lists(st.integers(0, 7), max_size=10), FIDELITIES)
LOOKS = st.builds(Look, st.lists(st.floats(0, 1), min_size=3, max_size=3), FIDELITIES)
SCRIPTS = st.lists(ASKS | LOOKS, max_size=6)

Wrap = Callable[[Oracle], Oracle]


def wraps(store: Store, ledger: Ledger) -> dict[str, Wrap]:
    """Every way of wrapping an oracle."""
    lane = store.lane(LaneKey("x", 0, 0))
    return {
        "cached": lambda inner: CachedOracle(inner, store),
        "metered": lambda inner: MeteredOracle(inner, ledger),
        "recorded": lambda inner: RecordedOracle(inner, Journal(store, lane)),
        "sharded": lambda inner: ShardedOracle(inner, Arbitrary, WorkerPool(2, Backwards())),
    }


def wrapped(inner: Oracle, order: Sequence[str], store: Store, ledger: Ledger) -> Oracle:
    known = wraps(store, ledger)
    for name in order:
        inner = known[name](inner)
    return inner


@settings(max_examples=40)
@given(st.lists(ASKS, max_size=6), st.integers(0, 6))
def test_the_cache_gives_the_bare_answers_and_asks_for_each_once(
    asks: list[Ask], restart: int
) -> None:
    inner = Arbitrary()
    with closing(Store(Path(":memory:"))) as store:
        oracle = CachedOracle(inner, store)
        for number, ask in enumerate(asks):
            if number == restart:  # as another process finds it
                oracle = CachedOracle(inner, store)
            assert ask.of(oracle) == ask.of(Arbitrary())
        every = set[tuple[str, Fraction]]().union(*(ask.named for ask in asks))
        assert inner.asked == dict.fromkeys(every, 1)
        for row, bits in enumerate(bits_of(ALL)):
            assert len(oracle.missing(ALL[[row]])) == ((bits, Fraction(1)) not in every)


@settings(max_examples=60)
@given(st.permutations(["cached", "metered", "recorded", "sharded"]), SCRIPTS)
def test_wrappers_in_any_order_answer_as_the_bare_oracle(
    order: list[str], script: list[Ask | Look]
) -> None:
    with closing(Store(Path(":memory:"))) as store:
        oracle = wrapped(Arbitrary(), order, store, Ledger(1000))
        for step in script:
            assert step.of(oracle) == step.of(Arbitrary())


@settings(max_examples=40)
@given(st.permutations(["metered", "recorded"]), SCRIPTS)
def test_whoever_computes_an_answer_it_is_charged_and_written_down(
    outer: list[str], script: list[Ask | Look]
) -> None:
    with closing(Store(Path(":memory:"))) as store:
        ledger = Ledger(1000)
        oracle = wrapped(Arbitrary(), ["sharded", "cached", *outer], store, ledger)
        for step in script:
            step.of(oracle)
        assert ledger.charged == sum(step.charge for step in script)
        calls = store.calls(store.lane(LaneKey("x", 0, 0)))
        assert sum(call.charge for call in calls) == ledger.charged
        assert len(calls) == sum(step.charge > 0 for step in script)


@settings(max_examples=40)
@given(SCRIPTS, st.integers(0, 6))
def test_from_any_prefix_of_the_log_a_search_goes_on_as_if_it_had_never_stopped(
    script: list[Ask | Look], stop: int
) -> None:
    expected = [step.of(Arbitrary()) for step in script]
    with closing(Store(Path(":memory:"))) as store:
        lane = store.lane(LaneKey("x", 0, 0))
        before, after = Arbitrary(), Arbitrary()
        first = RecordedOracle(before, Journal(store, lane))
        assert [step.of(first) for step in script[:stop]] == expected[:stop]
        journal = Journal(store, lane)
        again = RecordedOracle(after, journal)
        assert [step.of(again) for step in script] == expected
        assert not journal.replaying
        rest = script[stop:]
        asked = Counter(
            (bits, step.fidelity)
            for step in rest
            if isinstance(step, Ask)
            for bits in bits_of(ALL[step.rows])
        )
        assert after.asked == asked
        assert len(after.questions) == sum(isinstance(step, Look) for step in rest)
        whole = RecordedOracle(Arbitrary(), Journal(store, lane))
        assert [step.of(whole) for step in script] == expected

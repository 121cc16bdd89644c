from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.basics.errors import LaneError, ReplayError, UsageError
from benchmark.oracle.base import checked_fraction
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
from benchmark.storage.store import Store
from benchmark.workers.pool import WorkerPool
from strategies.base import GateQuestion
from tests.benchmark.formula import Formula, PartialFormula

WEIGHTS = [0.1, 0.2, 0.4]
ALL = all_schemes(3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite")


def test_the_cache_asks_each_scheme_once(store: Store) -> None:
    inner = Formula(WEIGHTS)
    oracle = CachedOracle(inner, store)
    rows = [1, 2, 1, 5]
    assert oracle.score(ALL[rows]).loss.tolist() == inner.score(ALL[rows]).loss.tolist()
    oracle.score(ALL[[5, 6]])
    assert inner.asked == [3, 4, 1]  # 4 is the comparison above


def test_the_cache_outlives_its_process(store: Store) -> None:
    CachedOracle(Formula(WEIGHTS), store).score(ALL)
    inner = Formula(WEIGHTS)
    again = CachedOracle(inner, Store(store.path))
    assert again.score(ALL).accuracy.tolist() == Formula(WEIGHTS).score(ALL).accuracy.tolist()
    assert inner.asked == []


def test_the_cache_tells_oracles_apart(store: Store) -> None:
    CachedOracle(Formula(WEIGHTS), store).score(ALL)
    other = CachedOracle(Formula([0.3, 0.3, 0.3]), store).score(ALL)
    assert other.accuracy.tolist() == Formula([0.3, 0.3, 0.3]).score(ALL).accuracy.tolist()


def test_the_cache_knows_what_it_is_missing(store: Store) -> None:
    oracle = CachedOracle(Formula(WEIGHTS), store)
    oracle.score(ALL[:6])
    assert oracle.missing(ALL).tolist() == ALL[6:].tolist()


def test_the_ledger_is_charged_for_duplicates_too() -> None:
    oracle = MeteredOracle(Formula(WEIGHTS), Ledger(budget=5))
    oracle.score(ALL[[1, 1, 1]])
    assert oracle.ledger.charged == 3
    assert oracle.ledger.left == 2


def test_overspending_is_refused_before_anything_is_asked() -> None:
    inner = Formula(WEIGHTS)
    oracle = MeteredOracle(inner, Ledger(budget=2))
    with pytest.raises(LaneError, match="asked for 3 evaluations with 2 of 2 left"):
        oracle.score(ALL[:3])
    assert inner.asked == []
    assert oracle.ledger.charged == 0


def test_a_journal_is_replayed_before_the_oracle_is_asked(store: Store) -> None:
    lane = store.lane(LaneKey("x", 0, 0))
    first = RecordedOracle(Formula(WEIGHTS), Journal(store, lane))
    expected = [first.score(ALL[:3]).loss.tolist(), first.score(ALL[3:4]).loss.tolist()]
    inner = Formula(WEIGHTS)
    journal = Journal(store, lane)
    resumed = RecordedOracle(inner, journal)
    assert [resumed.score(ALL[:3]).loss.tolist(), resumed.score(ALL[3:4]).loss.tolist()] == expected
    assert inner.asked == []
    assert not journal.replaying
    resumed.score(ALL[4:6])
    assert inner.asked == [2]
    assert len(store.calls(lane)) == 3


def test_another_request_than_the_journals_is_an_error(store: Store) -> None:
    lane = store.lane(LaneKey("x", 0, 0))
    RecordedOracle(Formula(WEIGHTS), Journal(store, lane)).score(ALL[[1, 2]])
    resumed = RecordedOracle(Formula(WEIGHTS), Journal(store, lane))
    with pytest.raises(ReplayError, match=r"request 0 .* expected 001, 010, received 010, 001"):
        resumed.score(ALL[[2, 1]])


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 8])
def test_shards_give_what_one_process_gives(rows: int) -> None:
    # Two workers share out four schemes or more.
    oracle = ShardedOracle(Formula(WEIGHTS), partial(Formula, WEIGHTS), WorkerPool(2))
    schemes = np.concatenate([ALL[:rows], ALL[:rows][::-1]])
    expected = Formula(WEIGHTS).score(schemes)
    scores = oracle.score(schemes)
    assert scores.loss.tolist() == expected.loss.tolist()
    assert scores.accuracy.tolist() == expected.accuracy.tolist()


QUARTER = Fraction(1, 4)


def test_partial_answers_are_cached_beside_the_full_ones_and_never_mixed(store: Store) -> None:
    inner = PartialFormula(WEIGHTS)
    oracle = CachedOracle(inner, store)
    full, part = oracle.score(ALL), oracle.at(QUARTER).score(ALL)
    assert part.accuracy.tolist() == pytest.approx(full.accuracy - 0.75)
    oracle.at(QUARTER).score(ALL)
    assert inner.asked == inner.parts[QUARTER].asked == [8]
    again = CachedOracle(PartialFormula(WEIGHTS), Store(store.path))
    assert again.score(ALL).accuracy.tolist() == full.accuracy.tolist()
    assert again.at(QUARTER).score(ALL).accuracy.tolist() == part.accuracy.tolist()


def test_partial_answers_are_sharded_as_full_ones_are() -> None:
    make = partial(PartialFormula, WEIGHTS)
    oracle = ShardedOracle(make(), make, WorkerPool(2))
    expected = make().at(QUARTER).score(ALL)
    assert oracle.at(QUARTER).score(ALL).accuracy.tolist() == expected.accuracy.tolist()


def test_fractions_of_evaluations_add_up_exactly() -> None:
    oracle = MeteredOracle(PartialFormula(WEIGHTS), Ledger(budget=1))
    for _ in range(3):
        oracle.at(Fraction(1, 3)).score(ALL[:1])
    assert oracle.ledger.charged == 1
    with pytest.raises(LaneError, match="asked for 1/1000 evaluations with 0 of 1 left"):
        oracle.at(Fraction(1, 1000)).score(ALL[:1])


@pytest.mark.parametrize("inexact", [0.25, "1/4", None])
def test_a_fraction_that_is_not_exact_is_refused(inexact: object) -> None:
    with pytest.raises(UsageError, match=r"a fidelity such as Fraction\(1, 4\), received"):
        checked_fraction("fidelity", inexact)


@given(st.fractions(0, 2))
def test_fractions_from_a_thousandth_to_all_are_taken(fraction: Fraction) -> None:
    if Fraction(1, 1000) <= fraction <= 1:
        assert checked_fraction("share", fraction) == fraction
    else:
        with pytest.raises(UsageError, match="a share from 1/1000 to 1, received"):
            checked_fraction("share", fraction)


def test_a_gradient_costs_three_passes_and_twelve_in_second_order() -> None:
    inner = PartialFormula(WEIGHTS)
    oracle = MeteredOracle(inner, Ledger(budget=4))
    oracle.gate_gradient(GateQuestion(np.zeros(3), share=QUARTER))
    assert oracle.ledger.charged == Fraction(3, 4)
    oracle.gate_gradient(GateQuestion(np.zeros(3), share=QUARTER, virtual_rate=0.1))
    assert oracle.ledger.charged == Fraction(15, 4)
    with pytest.raises(LaneError, match="asked for 3/4 evaluations with 1/4 of 4 left"):
        oracle.gate_gradient(GateQuestion(np.zeros(3), share=QUARTER))
    assert len(inner.questions) == 2


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (GateQuestion(np.zeros(3), share=Fraction(-1)), "share from 1/1000 to 1, received -1"),
        (GateQuestion(np.zeros(2)), "expected 3 gates in .0, 1., received .0.0, 0.0."),
        (GateQuestion(np.full(3, np.nan)), "expected 3 gates"),
    ],
)
def test_a_question_that_can_not_be_is_refused_before_it_is_charged(
    question: GateQuestion, message: str
) -> None:
    oracle = MeteredOracle(PartialFormula(WEIGHTS), Ledger(budget=4))
    with pytest.raises(LaneError, match=message):
        oracle.gate_gradient(question)
    assert oracle.ledger.charged == 0


def test_gradients_and_fidelities_are_replayed_in_their_place(store: Store) -> None:
    lane = store.lane(LaneKey("x", 0, 0))
    question = GateQuestion(np.array([0.5, 0.25, 1.0]), part=1)

    def talk(inner: PartialFormula) -> list[object]:
        oracle = RecordedOracle(inner, Journal(store, lane))
        gradient = oracle.gate_gradient(question)
        scores = oracle.at(QUARTER).score(ALL[:2])
        return [gradient.loss, gradient.gradient.tolist(), scores.accuracy.tolist()]

    first = talk(PartialFormula(WEIGHTS))
    inner = PartialFormula(WEIGHTS)
    assert talk(inner) == first
    assert inner.questions == []
    assert inner.parts[QUARTER].asked == []


def test_another_question_or_fidelity_than_the_journals_is_an_error(store: Store) -> None:
    def replayed() -> RecordedOracle:
        return RecordedOracle(PartialFormula(WEIGHTS), Journal(store, lane))

    lane = store.lane(LaneKey("x", 0, 0))
    first = replayed()
    first.gate_gradient(GateQuestion(np.zeros(3)))
    first.score(ALL[:1])
    with pytest.raises(ReplayError, match=r"expected gate gradient .*, received 000;"):
        replayed().score(ALL[:1])
    with pytest.raises(ReplayError, match=r"expected gate gradient .*, received gate gradient"):
        replayed().gate_gradient(GateQuestion(np.ones(3)))
    resumed = replayed()
    resumed.gate_gradient(GateQuestion(np.zeros(3)))
    with pytest.raises(ReplayError, match="expected 000, received 000 at fidelity 1/4"):
        resumed.at(QUARTER).score(ALL[:1])


def test_an_oracle_says_what_it_lacks() -> None:
    oracle = CachedOracle(Formula(WEIGHTS), Store(Path(":memory:")))
    with pytest.raises(UsageError, match="offers fidelity, received Formula with scores only"):
        oracle.at(QUARTER)
    with pytest.raises(UsageError, match="offers gradients"):
        oracle.gate_gradient(GateQuestion(np.zeros(3)))
    with pytest.raises(UsageError, match="offers weights"):
        oracle.attention_weights()

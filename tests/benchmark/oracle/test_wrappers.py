from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmark.budget import Ledger
from benchmark.errors import LaneError, ReplayError
from benchmark.oracle.wrappers import (
    CachedOracle,
    MeteredOracle,
    RecordedOracle,
    ShardedOracle,
)
from benchmark.records import LaneKey
from benchmark.schemes import all_schemes
from benchmark.store import Store
from benchmark.workers import Workers
from tests.benchmark.formula import Formula

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
    first = RecordedOracle(Formula(WEIGHTS), store, lane)
    expected = [first.score(ALL[:3]).loss.tolist(), first.score(ALL[3:4]).loss.tolist()]
    inner = Formula(WEIGHTS)
    resumed = RecordedOracle(inner, store, lane)
    assert [resumed.score(ALL[:3]).loss.tolist(), resumed.score(ALL[3:4]).loss.tolist()] == expected
    assert inner.asked == []
    assert not resumed.replaying
    resumed.score(ALL[4:6])
    assert inner.asked == [2]
    assert len(store.calls(lane)) == 3


def test_another_request_than_the_journals_is_an_error(store: Store) -> None:
    lane = store.lane(LaneKey("x", 0, 0))
    RecordedOracle(Formula(WEIGHTS), store, lane).score(ALL[[1, 2]])
    resumed = RecordedOracle(Formula(WEIGHTS), store, lane)
    with pytest.raises(ReplayError, match=r"request 0 .* expected 001, 010, received 010, 001"):
        resumed.score(ALL[[2, 1]])


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 8])
def test_shards_give_what_one_process_gives(rows: int) -> None:
    # Two workers share out four schemes or more.
    oracle = ShardedOracle(Formula(WEIGHTS), partial(Formula, WEIGHTS), Workers(2))
    schemes = np.concatenate([ALL[:rows], ALL[:rows][::-1]])
    expected = Formula(WEIGHTS).score(schemes)
    scores = oracle.score(schemes)
    assert scores.loss.tolist() == expected.loss.tolist()
    assert scores.accuracy.tolist() == expected.accuracy.tolist()

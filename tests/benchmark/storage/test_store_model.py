"""A store against dictionaries: whatever is done to both, both hold the same."""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from benchmark.basics.errors import StoreError
from benchmark.records.run import LaneKey, StandaloneRecord
from benchmark.storage.calls import Call, Query
from benchmark.storage.store import Store
from tests.benchmark.storage.store_model import WRITES, Model, Write, check, exact

_QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where a disk needn't be waited for: what a kill leaves is tested elsewhere."""
WHO = st.integers(0, 1)
SEVERAL = st.lists(WRITES, min_size=1, max_size=4)


class _Undone(BaseException):
    """Like a Ctrl-C in the middle of a transaction."""


class StoreMachine(RuleBasedStateMachine):
    """Two connections to one file, each of which writes now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir=_QUICK)
        self.path = Path(self.folder.name) / "run.sqlite"
        self.stores = [Store(self.path), Store(self.path)]
        self.model = Model()

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    @rule(who=WHO, write=WRITES)
    def write(self, who: int, write: Write) -> None:
        write(self.stores[who], self.model)

    @rule(who=WHO, writes=SEVERAL)
    def write_together(self, who: int, writes: list[Write]) -> None:
        with self.stores[who].transaction():
            for write in writes:
                write(self.stores[who], self.model)

    @rule(who=WHO, writes=SEVERAL)
    def begin_and_take_back(self, who: int, writes: list[Write]) -> None:
        draft = deepcopy(self.model)
        with suppress(_Undone), self.stores[who].transaction():
            for write in writes:
                write(self.stores[who], draft)
            check(self.stores[who], draft)
            check(self.stores[1 - who], self.model)
            raise _Undone
        self.model.without(draft)

    @rule(who=WHO)
    def reopen(self, who: int) -> None:
        self.stores[who].close()
        self.stores[who] = Store(self.path)

    @rule()
    def look(self) -> None:
        with closing(Store(self.path, read_only=True)) as viewer:
            check(viewer, self.model)

    @invariant()
    def both_connections_see_what_was_written(self) -> None:
        for store in self.stores:
            check(store, self.model)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=12, stateful_step_count=15)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "run.sqlite")) as opened:
        yield opened


LANE = LaneKey("ga", 0, 0)


def test_large_gradients_come_back_byte_for_byte(store: Store) -> None:
    values = np.random.default_rng(0).standard_normal(500_000)
    values[:4] = [np.nan, np.inf, -np.inf, -0.0]
    query = Query("digest", Fraction(1), np.inf, values.tobytes())
    store.add_call(store.lane(LANE), 0, query)
    assert store.calls(store.lane(LANE)) == [query]


def test_many_rows_of_one_request_keep_their_order(store: Store) -> None:
    order = np.random.default_rng(0).permutation(3000)
    call = Call([f"{row:012b}" for row in order], [(float(row), 1 / (row + 1)) for row in order])
    store.add_call(store.lane(LANE), 0, call)
    assert store.calls(store.lane(LANE)) == [call]


def test_of_a_request_all_rows_are_written_or_none(store: Store) -> None:
    twice = Call(["1", "0"], [(0.5, 1.0), (0.5, 1.0)])
    forged = Call(["1", "\udcff"], [(0.5, 1.0)] * 2)
    with pytest.raises(UnicodeEncodeError):
        store.add_call(store.lane(LANE), 0, forged)
    assert store.calls(store.lane(LANE)) == []
    store.add_call(store.lane(LANE), 0, twice)
    assert store.calls(store.lane(LANE)) == [twice]


@pytest.mark.parametrize("text", ["\udcff", "half \ud83d a pair"])
def test_messages_that_are_no_unicode_are_written_down_escaped(store: Store, text: str) -> None:
    # As errors are that name a file whose name isn't UTF-8.
    lane = store.lane(LANE)
    store.end_lane(lane, "failed", text, traceback=text)
    store.add_standalone("x", StandaloneRecord("1", 0, 0.5, 0.5, 0.5, 1.0, failure=text))
    escaped = text.encode("utf-8", "backslashreplace").decode()
    assert store.lane_end(LANE) == ("failed", escaped)
    assert store.lane_traceback(lane) == escaped
    assert store.standalone("x")["1", 0].failure == escaped


def test_what_can_not_be_kept_is_refused_and_not_dropped(store: Store) -> None:
    with pytest.raises(StoreError, match=r"NOT NULL .* answers\.seconds"):
        store.add_answers("oracle", ["1"], [(0.5, 1.0)], seconds=float("nan"))
    with pytest.raises(StoreError, match=r"NOT NULL .* standalone\.seconds"):
        store.add_standalone("x", StandaloneRecord("1", 0, 0.5, 0.5, 0.5, float("nan")))


def test_of_a_zero_the_sign_is_not_kept(store: Store) -> None:
    store.add_answers("oracle", ["1"], [(-0.0, -0.0)], seconds=0.1)
    assert exact(store.answers("oracle")) == exact({"1": (0.0, 0.0)})

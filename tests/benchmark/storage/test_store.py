import math
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from benchmark.basics.errors import BenchmarkWarning, StoreError, UsageError
from benchmark.records.run import Interval, LaneKey, StandaloneRecord
from benchmark.storage.calls import Call, Query
from benchmark.storage.schema import SCHEMA_VERSION
from benchmark.storage.store import Store
from tests.costs import cost_record

KEY = LaneKey("ga", 1, 0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run.sqlite")


def test_facts_come_back_as_they_were_set(store: Store) -> None:
    store.set_fact("settings", {"budget": 3, "names": ["a", "b"]})
    assert store.fact("settings") == {"budget": 3, "names": ["a", "b"]}
    assert store.fact("absent", default=7) == 7


def test_a_lane_keeps_its_number(store: Store) -> None:
    other = store.lane(LaneKey("ea", 1, 0))
    assert store.lane(KEY) == store.lane(KEY) != other


def test_a_lane_record_holds_its_calls_in_order(store: Store) -> None:
    lane = store.lane(KEY)
    store.add_call(lane, 0, Call(["10", "11"], [(0.5, 1.0), (0.25, 2.0)]))
    store.add_call(lane, 1, Call(["00"], [(0.75, 0.5)]))
    record = store.lane_record(KEY, blocks=2)
    assert record.schemes.astype(int).tolist() == [[1, 0], [1, 1], [0, 0]]
    assert record.accuracy.tolist() == [0.5, 0.25, 0.75]
    assert record.loss.tolist() == [1.0, 2.0, 0.5]
    assert record.state == "running"
    assert store.calls(lane)[1] == Call(["00"], [(0.75, 0.5)])
    assert record.charged.tolist() == [1, 2, 3]
    assert record.total == 3


def test_partial_answers_and_gradients_are_charged_for_and_count_for_nothing_else(
    store: Store,
) -> None:
    lane = store.lane(KEY)
    calls: list[Call | Query] = [
        Call(["10", "11"], [(0.9, 0.1), (0.8, 0.2)], Fraction(1, 4)),
        Query("digest", Fraction(3, 8), 0.5, np.array([1.0, -0.25]).tobytes()),
        Call(["11"], [(0.5, 1.0)]),
        Call(["00"], [(0.7, 0.1)], Fraction(1, 8)),
    ]
    for number, call in enumerate(calls):
        store.add_call(lane, number, call)
    assert store.calls(lane) == calls
    record = store.lane_record(KEY, blocks=2)
    assert record.schemes.astype(int).tolist() == [[1, 1]]
    assert record.charged.tolist() == [1.875]
    assert record.total == 2
    assert record.answered_by(np.array([1, 2, 3])).tolist() == [0, 1, 1]


def test_a_lane_that_never_asked_has_no_rows(store: Store) -> None:
    assert store.lane_record(KEY, blocks=3).schemes.shape == (0, 3)


def test_a_lane_ends_with_a_message(store: Store) -> None:
    store.end_lane(store.lane(KEY), "failed", "ValueError: no")
    record = store.lane_record(KEY, blocks=2)
    assert (record.state, record.message) == ("failed", "ValueError: no")


def test_failed_answers_come_back_as_nan(store: Store) -> None:
    store.add_answers("oracle", ["1"], [(math.nan, math.nan)], seconds=0.1)
    accuracy, loss = store.answers("oracle")["1"]
    assert np.isnan([accuracy, loss]).all()


def test_answers_belong_to_their_oracle_and_stay(store: Store) -> None:
    store.add_answers("one", ["1"], [(0.5, 1.0)], seconds=0.25)
    store.add_answers("one", ["1"], [(0.9, 0.1)], seconds=9.0)
    assert store.answers("one") == {"1": (0.5, 1.0)}
    assert store.answers("other") == {}
    assert store.answer_seconds("one") == {"1": 0.25}


def test_trainings_and_costs_come_back_as_they_were(store: Store) -> None:
    training = StandaloneRecord("10", 3, 0.5, 0.4, 1.5, 2.0)
    cost = cost_record("10", 20, 10, 99, 1.5, Interval(0.1, 0.0, 0.2), Interval(-0.1, -0.2, 0.0))
    store.add_standalone("training", training)
    store.add_cost("machine", cost)
    assert store.standalone("training") == {("10", 3): training}
    assert store.costs("machine") == {"10": cost}


@pytest.mark.parametrize("forged", ["[", "[]", '{"bits": "10"}', "7"])
@pytest.mark.hostile
def test_forged_costs_and_figures_are_damage(store: Store, forged: str) -> None:
    store.add_standalone("training", StandaloneRecord("10", 3, 0.5, 0.4, 1.5, 2.0))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        db.execute("INSERT INTO costs VALUES ('machine', '10', ?)", (forged,))
        db.execute("UPDATE standalone SET figures = '['")
    with pytest.raises(StoreError, match=r"is damaged \(costs"):
        store.costs("machine")
    with pytest.raises(StoreError, match=r"is damaged \(standalone"):
        store.standalone("training")


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def interrupted() -> None:
        with store.transaction():
            store.set_fact("half", value=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.fact("half") is None


def test_everything_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite")
    store.add_answers("one", ["1"], [(0.5, 1.0)], seconds=0.25)
    again = Store(tmp_path / "run.sqlite")
    assert again.answers("one") == {"1": (0.5, 1.0)}


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    path.write_text("these are not the bytes of a database, whatever the name says")
    with pytest.raises(StoreError, match=r"run\.sqlite can't be used as a store"):
        Store(path)


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE thesis (chapter TEXT)")
    with pytest.raises(StoreError, match="none of ours"):
        Store(path)
    tables = raw.execute("SELECT name FROM sqlite_master").fetchall()
    raw.close()
    assert tables == [("thesis",)]


def test_a_diverged_training_comes_back_as_nan(store: Store) -> None:
    store.add_standalone("x", StandaloneRecord("1", 0, math.nan, math.nan, math.nan, 1.0))
    assert math.isnan(store.standalone("x")["1", 0].test_accuracy)


def test_what_is_known_of_a_training_comes_back(store: Store) -> None:
    best = StandaloneRecord("1", 0, 0.5, 0.25, 1.5, 2.0, "", best_epoch=3, best_test_accuracy=0.375)
    lost = StandaloneRecord("0", 0, 0.5, 0.25, 1.5, 2.0, failure="training diverged in epoch 2")
    for record in (best, lost):
        store.add_standalone("x", record)
    assert list(store.standalone("x").values()) == [lost, best]


def test_a_store_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    Store(path).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    with pytest.raises(StoreError, match=f"schema {SCHEMA_VERSION + 1}.*reads {SCHEMA_VERSION}"):
        Store(path)


def test_a_store_of_schema_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    trained = StandaloneRecord("1", 0, 0.5, 0.25, 1.5, 2.0)
    with closing(Store(path)) as store:
        store.add_standalone("x", trained)
    raw = sqlite3.connect(path)
    for column in ("failure", "best_epoch", "best_test_accuracy", "figures"):
        raw.execute(f"ALTER TABLE standalone DROP COLUMN {column}")
    raw.execute("DROP TABLE queries")
    raw.execute("ALTER TABLE journal DROP COLUMN fidelity")
    raw.execute("INSERT INTO lanes (strategy, strategy_seed, supernet_seed) VALUES ('ga', 1, 0)")
    raw.execute("INSERT INTO journal VALUES (1, 0, 0, '10', 0.5, 1.0)")
    raw.execute("PRAGMA user_version = 1")
    raw.commit()
    raw.close()
    for _ in range(2):  # migrated, and opened again
        with closing(Store(path)) as store:
            assert store.standalone("x") == {("1", 0): trained}
            assert store.calls(1) == [Call(["10"], [(0.5, 1.0)])]


@pytest.mark.parametrize("size", [600, 2000, 4096, 5000, 20_000])
def test_a_store_that_was_cut_off_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "run.sqlite"
    with closing(Store(path)) as store, store.transaction():
        store.add_answers("x", [f"{n:b}" for n in range(500)], [(0.5, 1.0)] * 500, seconds=0.1)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(StoreError, match=r"run\.sqlite (is damaged|can't be used as a store)"):
        Store(path)


def test_a_damaged_page_is_found_when_the_store_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(Store(path)) as store, store.transaction():
        store.add_answers("x", [f"{n:b}" for n in range(500)], [(0.5, 1.0)] * 500, seconds=0.1)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"Z" * 4096
    path.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"damaged.*nothing in it is believed: move it away"):
            Store(path, read_only=read_only)


def test_who_looks_sees_whole_transactions_of_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(Store(path)) as writer:
        writer.set_fact("round", 1)
        with closing(Store(path, read_only=True)) as viewer:
            with writer.transaction():
                writer.set_fact("round", 2)
                assert viewer.fact("round") == 1
            assert viewer.fact("round") == 2
            assert viewer.lane_record(KEY, blocks=2).state == "running"
            with pytest.raises(UsageError, match="readonly"):
                viewer.set_fact("round", 3)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_a_folder_that_cannot_be_written_is_looked_at_by_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "run.sqlite"
    with closing(Store(path)) as store:
        store.set_fact("left in the log", version)
        for suffix in ("", "-wal"):  # as a kill leaves them
            (tmp_path / f"killed.sqlite{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr("benchmark.storage.opening.os.access", lambda _, mode: mode != os.W_OK)
    with closing(Store(tmp_path / "killed.sqlite", read_only=True)) as viewer:
        assert viewer.fact("left in the log") == version
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_on_a_network_a_store_does_without_shared_memory_and_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.storage.opening.on_network", lambda _: True)
    with pytest.warns(BenchmarkWarning, match=r"lies on a network file system .* without WAL"):
        store = Store(tmp_path / "run.sqlite")
    store.set_fact("x", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["run.sqlite"]
    store.close()


_WRITER = """
import sys
from pathlib import Path
from benchmark.records.run import LaneKey
from benchmark.storage.calls import Call
from benchmark.storage.store import Store
store, name = Store(Path(sys.argv[1])), sys.argv[2]
lane = store.lane(LaneKey(name, 0, 0))
for number in range(100):
    with store.transaction():
        store.add_answers("shared", [f"{number:b}", f"{name}{number}"], [(0.5, 1.0)] * 2, seconds=0)
        store.add_call(lane, number, Call([name], [(0.5, 1.0)]))
"""


def test_a_store_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")  # SQLite refuses to change the journal's mode meanwhile
    with closing(maker):
        done = Timer(0.2, maker.execute, ["COMMIT"])
        done.start()
        Store(path).close()
        done.join()


def test_two_processes_write_one_store_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    root = str(Path(__file__).parents[3])
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], cwd=root)
        for name in ("one", "two")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with closing(Store(path)) as store:
        assert len(store.answers("shared")) == 300
        lanes = [store.lane(LaneKey(name, 0, 0)) for name in ("one", "two")]
        assert [len(store.calls(lane)) for lane in lanes] == [100, 100]

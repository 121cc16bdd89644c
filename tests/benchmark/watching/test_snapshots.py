import sqlite3
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from math import isnan, nan
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark.basics.errors import UsageError
from benchmark.records.progress import LaneProgress, Snapshot
from benchmark.records.run import LaneKey, RunRecords
from benchmark.storage.calls import Call, Query
from benchmark.storage.schema import SCHEMA_VERSION
from benchmark.storage.store import Store
from benchmark.watching.observer import Observer
from benchmark.watching.snapshots import Seen, at_work, look, may_start, seconds_left
from reports.tables.progress import duration, progress_table, sentences
from tests.reports.conftest import _records as make_records
from tests.reports.conftest import cut
from tests.stored import store_run


@pytest.fixture(scope="module")
def records() -> RunRecords:
    made = make_records(lanes=2, evaluations=10, seeds=2, tabulated=False)
    return replace(made, settings=made.settings | {"standalone_seeds": 2})


def snapshot(**changes: object) -> Snapshot:
    lanes = (
        LaneProgress(LaneKey("ean", 0, 0), "running", 20.0, 0.9),
        LaneProgress(LaneKey("ga", 0, 0), "finished", 60.0, nan),
        LaneProgress(LaneKey("ga", 1, 0), "failed", 5.5, 0.8, "too <bad>"),
    )
    found = Snapshot(
        *("digits", "0123456789abcdef", "searching", 100, lanes, 70.0, 0, None, nan, 0, None, 2)
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_finished_run_is_seen_as_it_is(records: RunRecords, tmp_path: Path) -> None:
    found = look(store_run(records, tmp_path))
    assert found.stage == "finished"
    assert found.over
    assert found.charged == 60
    assert found.trained == len(records.standalone)
    assert found.to_train == 2 * len({record.bits for record in records.standalone})
    best = {lane.key: lane.best for lane in found.lanes}
    for lane in records.lanes:
        reward = lane.accuracy + 0.02 * (1 - lane.schemes.mean(axis=1))
        assert best[lane.key] == pytest.approx(reward.max())


def test_stages_follow_each_other(records: RunRecords, tmp_path: Path) -> None:
    bare = replace(records, standalone=[], costs=[], candidates={}, finished=False, oracles=[])
    empty = replace(bare, lanes=[cut(lane, 0, state="running") for lane in bare.lanes])
    halfway = replace(bare, lanes=[cut(lane, 5, state="running") for lane in bare.lanes])
    training = replace(
        records, standalone=records.standalone[:5], oracles=records.oracles, finished=False
    )
    stages = []
    for number, made in enumerate([empty, halfway, training, replace(records, finished=False)]):
        stages.append(look(store_run(made, tmp_path / str(number))))
    assert [one.stage for one in stages] == ["preparing", "searching", "training", "measuring"]
    assert stages[1].left == 6 * 5
    assert stages[2].trained == 5
    assert stages[2].seconds == pytest.approx(31)


def test_charged_and_actual_evaluations(records: RunRecords, tmp_path: Path) -> None:
    """Two lanes ask for three schemes of which two are the same, once in part, once a gradient."""
    lanes = [cut(lane, 0, state="running") for lane in records.lanes[:2]]
    bare = replace(records, lanes=lanes, oracles=[], candidates={}, standalone=[], finished=False)
    folder = store_run(bare, tmp_path)
    with closing(Store(folder / "run.sqlite")) as store:
        one, other = (store.lane(lane.key) for lane in lanes)
        store.add_call(one, 0, Call(["1" * 12, "0" * 12], [(0.5, 1.0), (0.25, 1.0)]))
        store.add_call(one, 1, Call(["1" * 12], [(0.5, 1.0)], Fraction(1, 4)))
        store.add_call(other, 0, Call(["1" * 12], [(0.5, 1.0)]))
        store.add_call(other, 1, Query("digest", Fraction(3, 8), 0.5, b""))
    found = look(folder)
    assert [lane.charged for lane in found.lanes] == [2.25, 1.375]
    assert found.actual == 2.25
    assert found.lanes[0].best == pytest.approx(0.5)
    assert found.lanes[1].best == pytest.approx(0.5)


def test_a_run_at_work_is_neither_waited_for_nor_held_up(
    records: RunRecords, tmp_path: Path
) -> None:
    folder = store_run(replace(records, finished=False), tmp_path)
    with closing(Store(folder / "run.sqlite")) as store:
        before = look(folder)
        with store.transaction():
            lane = store.lane(records.lanes[0].key)
            store.add_call(lane, 99, Call(["1" * 12], [(0.99, 0.1)]))
            # Half a round is nobody's business.
            assert look(folder) == before
        assert look(folder).charged == before.charged + 1
        with closing(sqlite3.connect(f"file:{folder / 'run.sqlite'}?mode=ro", uri=True)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM journal").fetchone()
            store.add_call(lane, 100, Call(["0" * 12], [(0.5, 0.1)]))
        assert look(folder).charged == before.charged + 2


def test_nothing_is_left_behind(records: RunRecords, tmp_path: Path) -> None:
    folder = store_run(records, tmp_path / "run")
    content = (folder / "run.sqlite").read_bytes()
    folder.chmod(0o500)
    try:
        look(folder)
        assert [path.name for path in folder.iterdir()] == ["run.sqlite"]
    finally:
        folder.chmod(0o700)
    assert (folder / "run.sqlite").read_bytes() == content


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="no list of locks on this system")
def test_who_holds_the_folder_is_at_work(tmp_path: Path) -> None:
    assert at_work(tmp_path) is None
    with FileLock(tmp_path / "run.lock"):
        assert at_work(tmp_path) is True
    (tmp_path / "run.lock").touch()
    assert at_work(tmp_path) is False
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/runs / nfs4 rw 0 0\n", encoding="utf-8")
    assert at_work(tmp_path, mounts) is None
    with FileLock(tmp_path / "run.lock"):
        assert at_work(tmp_path, mounts) is True


def test_what_is_no_run_is_said(records: RunRecords, tmp_path: Path) -> None:
    assert may_start(tmp_path / "absent")
    assert may_start(tmp_path)
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="holds no run"):
            may_start(folder)
    begun = tmp_path / "begun"
    begun.mkdir()
    Store(begun / "run.sqlite").close()
    assert may_start(begun)
    with pytest.raises(UsageError, match="holds no run yet; start it"):
        look(begun)
    old = store_run(records, tmp_path / "old")
    with closing(sqlite3.connect(old / "run.sqlite")) as store:
        store.execute("PRAGMA user_version = 1")
    with pytest.raises(UsageError, match=f"schema 1, this reads {SCHEMA_VERSION}"):
        look(old)


def test_time_left_of_a_search_comes_from_its_speed() -> None:
    first, last = (
        Seen(snapshot(), 10.0),
        Seen(
            snapshot(lanes=(replace(snapshot().lanes[0], charged=60.0), *snapshot().lanes[1:])),
            30.0,
        ),
    )
    # 40 evaluations in 20 s; the running lane has 40 left.
    assert seconds_left(first, last) == 20
    assert seconds_left(first, first) is None


def test_time_left_of_training_comes_from_networks_trained() -> None:
    training = snapshot(stage="training", trained=4, to_train=10, seconds=30.0)
    seen = Seen(training, 0.0)
    assert seconds_left(seen, seen) == 6 * 30 / 2
    begun = Seen(replace(training, trained=0), 0.0)
    assert seconds_left(begun, begun) is None


def test_an_observer_waits_then_sees(records: RunRecords, tmp_path: Path) -> None:
    observer = Observer(tmp_path / "run")
    assert observer.seen() is None
    store_run(records, tmp_path / "run")
    seen = observer.seen()
    assert seen is not None
    assert seen[0].stage == "finished"


def test_sentences_say_what_is_known() -> None:
    said = sentences(snapshot(working=True), 100.0)
    assert said == [
        "digits 01234567: searching",
        "86 of 300 evaluations charged; the machine had to make 70",
        "best reward so far 90.00 ×100, by ean",
        "about 2 min left of this stage",
    ]
    unseen = sentences(snapshot(), None)[0]
    assert unseen.endswith("whether somebody is at work can't be seen from this machine")
    stopped = sentences(snapshot(working=False, stage="training", trained=3, to_train=9), None)
    assert stopped[0].endswith("but nobody is at work; the same command goes on from here")
    assert "3 of 9 networks trained" in stopped
    assert [duration(s) for s in (5.0, 600.0, 12_000.0)] == ["5 s", "10 min", "3 h 20 min"]


def test_many_lanes_are_one_row_a_strategy() -> None:
    few = progress_table(snapshot()).records()
    assert [row["strategy"] for row in few] == ["ean", "ga", "ga"]
    many = progress_table(snapshot(lanes=snapshot().lanes * 10)).records()
    assert [(row["strategy"], row["running"], row["failed"]) for row in many] == [
        *(("ean", 10, 0), ("ga", 0, 10)),
    ]
    assert many[1]["best"] == 0.8
    assert many[1]["message"] == "too <bad>"
    none = progress_table(snapshot(lanes=(snapshot().lanes[1],) * 30)).records()
    assert isnan(float(str(none[0]["best"])))


def test_whoever_shares_the_best_reward_is_named() -> None:
    lanes = (
        LaneProgress(LaneKey("ean", 0, 0), "running", 20.0, 0.9),
        LaneProgress(LaneKey("ga", 0, 0), "running", 20.0, 0.90001),
        LaneProgress(LaneKey("random", 0, 0), "running", 20.0, 0.8),
    )
    said = sentences(snapshot(lanes=lanes), None)
    assert "best reward so far 90.00 ×100, by ga and ean" in said


def test_before_the_first_number_there_is_no_best(records: RunRecords, tmp_path: Path) -> None:
    silent = [replace(lane, accuracy=lane.accuracy * nan) for lane in records.lanes]
    found = look(store_run(replace(records, lanes=silent), tmp_path))
    assert all(isnan(lane.best) for lane in found.lanes)
    assert not [text for text in sentences(found, None) if "best reward" in text]

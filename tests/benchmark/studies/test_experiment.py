from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from benchmark import Settings, run
from benchmark.basics.errors import OtherExperimentError, UsageError
from benchmark.records.run import RunRecords
from benchmark.storage.folder import RunFolder, read_records
from benchmark.studies.gradcam_run import add_cams
from benchmark.watching.progress import Advance, NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from tests.benchmark.small_runs import small_runs
from tests.costs import flops_of, parameters_of


class Stopping(Progress):
    """Ctrl-C at the first stage whose title holds a word."""

    def __init__(self, word: str) -> None:
        self.word = word

    def stage(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        if self.word in title:
            raise KeyboardInterrupt
        return NoProgress().stage(title, total, unit)


with small_runs():
    QUICK = Settings(
        strategies=("random", "ga"),
        budget=5,
        seeds=2,
        standalone_seeds=2,
        candidates=1,
        supernet_epochs=1,
        standalone_epochs=1,
        smoke=True,
    )


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with small_runs():
        yield


def _records(folder: Path) -> RunRecords:
    return read_records(RunFolder(folder).open())


def _timeless(folder: Path) -> dict[str, object]:
    """Everything in a run's store that is no timing and names no machine."""
    records = _records(folder)
    return {
        "lanes": [(lane.key, lane.schemes.tolist(), lane.loss.tolist()) for lane in records.lanes],
        "standalone": [replace(record, seconds=0.0) for record in records.standalone],
        "candidates": records.candidates,
        "oracles": [(oracle.identity, oracle.original_accuracy) for oracle in records.oracles],
        "parameters": [(cost.bits, parameters_of(cost), flops_of(cost)) for cost in records.costs],
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiment")


@pytest.fixture(scope="module")
def finished(root: Path) -> Path:
    run(QUICK, out=root / "first", cache=root / "cache", workers=2)
    return root / "first"


def test_every_lane_spends_its_budget(finished: Path) -> None:
    records = _records(finished)
    assert [len(lane.schemes) for lane in records.lanes] == [5, 5, 5, 5]
    assert {lane.state for lane in records.lanes} == {"finished"}
    assert records.finished


def test_candidates_original_and_full_sa_are_trained_on_the_same_seeds(finished: Path) -> None:
    records = _records(finished)
    schemes = {"0" * 12, "1" * 12} | {
        bits for found in records.candidates.values() for bits in found
    }
    trained = {(record.bits, record.seed) for record in records.standalone}
    assert trained == {(bits, seed) for bits in schemes for seed in (0, 1)}
    assert {cost.bits for cost in records.costs} == schemes


def test_oracles_answer_for_all_that_was_trained_in_both_modes(finished: Path) -> None:
    records = _records(finished)
    trained = {record.bits for record in records.standalone}
    assert [answers.batch_norm for answers in records.answers] == ["recalibrated", "running"]
    for answers in records.answers:
        assert set(answers.accuracy) == trained
    # One epoch is another recipe than that of the results in docs/evidence.
    assert records.outside == []


def test_strategies_own_time_is_kept(finished: Path) -> None:
    for lane in _records(finished).lanes:
        assert lane.own_seconds is not None
        assert len(lane.own_seconds) == len(lane.accuracy)
        assert np.all(np.diff(lane.own_seconds) >= 0)


def test_a_candidate_is_the_best_that_its_lane_found(finished: Path) -> None:
    records = _records(finished)
    for lane in records.lanes:
        reward = lane.accuracy + 0.02 * (1 - lane.schemes.mean(axis=1))
        best = "".join("1" if bit else "0" for bit in lane.schemes[reward.argmax()])
        assert records.candidates[lane.key] == [best]


def test_the_folder_holds_the_reports(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"run.sqlite", "report.html", "report.md", "ranking.csv", "schemes.csv"} <= names


def test_the_same_command_again_changes_nothing(root: Path, finished: Path) -> None:
    before = {path.name: path.read_bytes() for path in finished.glob("*.[hmc]*")}
    run(QUICK, out=finished, cache=root / "cache", workers=2)
    assert {path.name: path.read_bytes() for path in finished.glob("*.[hmc]*")} == before


def test_an_experiment_repeats_itself_without_cache_and_with_one_worker(
    root: Path, finished: Path
) -> None:
    run(QUICK, out=root / "again", cache=root / "another cache", workers=1)
    assert _timeless(root / "again") == _timeless(finished)


def test_a_run_that_was_stopped_goes_on_to_the_same_end(root: Path, finished: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(
            QUICK,
            out=root / "stopped",
            cache=root / "third cache",
            workers=1,
            progress=Stopping("scratch"),
        )
    unfinished = _records(root / "stopped")
    assert not unfinished.finished
    assert unfinished.standalone == []
    run(QUICK, out=root / "stopped", cache=root / "third cache", workers=1)
    assert _timeless(root / "stopped") == _timeless(finished)


def test_the_folder_of_another_experiment_is_refused_and_left_alone(
    root: Path, finished: Path
) -> None:
    before = (finished / "run.sqlite").read_bytes()
    other = QUICK.model_copy(update={"budget": 6})
    with pytest.raises(OtherExperimentError, match=r"holds experiment \w+, this is \w+ .*choose"):
        run(other, out=finished, cache=root / "cache")
    assert (finished / "run.sqlite").read_bytes() == before


def test_a_folder_with_something_else_in_it_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OtherExperimentError, match="is not empty and holds no run"):
        run(QUICK, out=tmp_path, cache=root / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_device_that_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'cuda:77' was asked for, but"):
        run(Settings(device="cuda:77"), out=tmp_path / "out", cache=tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_needs_no_cache(root: Path, finished: Path) -> None:
    report = run(QUICK, out=finished, cache=root / "empty cache", workers=1)
    assert report.records.finished
    assert not (root / "empty cache" / "supernets").exists()


def test_a_folder_at_work_is_refused(root: Path, finished: Path) -> None:
    with (
        FileLock(finished / "run.lock"),
        pytest.raises(UsageError, match="another process is running in"),
    ):
        run(QUICK, out=finished, cache=root / "cache")


def test_a_run_of_other_code_is_refused(
    root: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.networks.spec.code_version", lambda *_: "other code")
    with pytest.raises(OtherExperimentError, match="other settings, data or code"):
        run(QUICK, out=finished, cache=root / "cache")


def test_a_run_of_another_machine_is_refused(
    root: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.planning.plan.machine_name", lambda _: "an abacus")
    with pytest.raises(OtherExperimentError, match=r"this is an abacus, torch .*: latencies"):
        run(QUICK, out=finished, cache=root / "cache")


def test_networks_are_trained_again_to_show_where_they_look(finished: Path, tmp_path: Path) -> None:
    copytree(finished, tmp_path / "copy")
    with closing(RunFolder(tmp_path / "copy").open()) as store:
        report = add_cams(store, [3, 0], data=None, workers=WorkerPool(1), stage=2)
        found = read_records(store)
    assert len({cam.bits for cam in found.cams}) == 3
    assert [cam.row for cam in found.cams] == [3, 0] * 3
    recorded = {(item.bits, item.seed): item.test_accuracy for item in found.standalone}
    for cam in found.cams:
        assert cam.test_accuracy == recorded[cam.bits, cam.seed]
        assert np.shape(cam.heat) == (4, 4)
        assert np.max(cam.heat) in (0, 1)
    report.write(tmp_path / "copy")
    assert (tmp_path / "copy" / "report.html").read_text(encoding="utf-8").count("<img ") == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [10_000_000]}, r"images: expected rows 0 to \d+ of the test split"),
        ({"stage": 4}, "stage: expected 1 to 3, received 4"),
        ({"schemes": ["10"]}, "expected a scheme of 12 bits"),
    ],
)
def test_pictures_that_cannot_be_are_refused(
    finished: Path, change: dict[str, Any], message: str
) -> None:
    given: dict[str, Any] = {"rows": [0], "data": None, "workers": WorkerPool(1)}
    with (
        closing(RunFolder(finished).open()) as store,
        pytest.raises(UsageError, match=message),
    ):
        add_cams(store, **(given | change))

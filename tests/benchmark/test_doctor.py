"""What the doctor says of stores that are well, at work, stopped or damaged."""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.doctor.findings import Finding
from benchmark.doctor.installation import installation
from benchmark.doctor.stores import cache, run_folder
from benchmark.records.run import LaneKey
from benchmark.storage.folder import Description, RunFolder
from benchmark.storage.store import Store

KEY = LaneKey("ga", 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    described = Description("abc", {}, {}, {"command": "run it"}, [2], [KEY], "training", "machine")
    with RunFolder(tmp_path / "run").claim(described) as store:
        store.lane(KEY)
    return tmp_path / "run"


def changed(folder: Path, change: Callable[[Store], object]) -> None:
    with closing(RunFolder(folder).open()) as store:
        change(store)


def said(findings: Iterable[Finding], state: str) -> str:
    return "\n".join(finding.line() for finding in findings if finding.state == state)


def test_a_run_that_was_stopped_says_how_to_go_on(folder: Path) -> None:
    shown = said(run_folder(folder), "note")
    assert "was stopped; experiment abc, store intact, 0 of 1 searches ended" in shown
    assert f"go on with: run it --out {folder}" in shown


def test_a_run_at_work_is_told_from_one_whose_process_is_dead(folder: Path) -> None:
    with FileLock(folder / "run.lock"):
        assert "a process is at work" in said(run_folder(folder), "ok")
    assert "no process is at work" in said(run_folder(folder), "note")


def test_pictures_are_not_added_to_a_run_at_work(folder: Path) -> None:
    with FileLock(folder / "run.lock"):
        result = CliRunner().invoke(main, ["gradcam", str(folder)])
    assert result.exit_code == 2
    assert "another process is running in" in result.output


@pytest.mark.hostile
def test_a_lock_that_leads_elsewhere_is_neither_emptied_nor_taken(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "letter"
    other.write_text("dear")
    (folder / "run.lock").unlink(missing_ok=True)
    (folder / "run.lock").symlink_to(other)
    list(run_folder(folder))
    with pytest.raises(UsageError, match=r"run\.lock is a link"), RunFolder(folder).change():
        pass
    assert other.read_text() == "dear"


def test_a_finished_run_is_well_and_a_failed_search_is_named(folder: Path) -> None:
    changed(folder, lambda store: store.set_fact("finished", value=True))
    assert "finished; experiment abc" in said(run_folder(folder), "ok")
    changed(folder, lambda store: store.end_lane(store.lane(KEY), "failed", "ValueError: no"))
    assert "ga seed 0: failed: ValueError: no → mend" in said(run_folder(folder), "problem")


def test_damage_is_named_with_a_way_out(folder: Path) -> None:
    (folder / "run.sqlite").write_bytes(b"no database " * 1000)
    assert "can't be used as a store" in said(run_folder(folder), "problem")
    assert "holds no run" in said(run_folder(folder / "elsewhere"), "problem")


def test_what_killed_processes_leave_in_a_cache_is_listed(tmp_path: Path) -> None:
    place = tmp_path / "cache"
    assert "doesn't exist yet" in said(cache(place), "note")
    (place / "supernets").mkdir(parents=True)
    Store(place / "cache.sqlite").close()
    (place / "supernets" / "abc.checkpoint").touch()
    (place / "supernets" / "bad.safetensors").write_bytes(b"torn")
    (place / ".draft.json.4194999.tmp").touch()
    (place / f".mine.json.{os.getpid()}.tmp").touch()
    findings = list(cache(place))
    assert "answers: intact" in said(findings, "ok")
    assert "training abc: was stopped; its last whole epoch is kept" in said(findings, "note")
    assert "1 of killed processes → delete them: " in said(findings, "note")
    assert "bad.safetensors is no intact supernet" in said(findings, "problem")


def test_a_cache_that_can_not_be_listed_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "supernets").symlink_to(tmp_path / "supernets")
    for place in (tmp_path, tmp_path / "file"):
        *_, finding = cache(place)
        assert (finding.state, finding.advice) == ("problem", "name another folder with --cache")
        assert f"can't list the folder {place}" in finding.says


@pytest.fixture
def needed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the installation say that it needs so many distributions, not those that it does."""

    def say(*requirements: str) -> None:
        stated = ["numpy>=1", "scikit-learn", "torch>=2.6", *requirements]
        monkeypatch.setattr("benchmark.doctor.installation.requires", lambda _: stated)

    return say


def test_what_this_installation_lacks_is_a_note_and_no_problem(needed: Callable[..., None]) -> None:
    needed('no-such>=3; extra == "nice"', "no-other; extra == 'test'")
    findings = list(installation())
    assert said(findings, "problem") == ""
    assert "packages: 3 found, torch " in said(findings, "ok")
    assert "no-such is not installed → pip install 'ticket-benchmark[nice]'" in said(
        findings, "note"
    )
    assert "no-other" not in said(findings, "note")


def test_what_every_command_needs_and_is_not_there_is_a_problem(
    needed: Callable[..., None],
) -> None:
    needed("no-such>=3")
    expected = "no-such can't be imported (ModuleNotFoundError: No module named 'no_such')"
    assert expected in said(installation(), "problem")


def test_an_installation_that_is_none_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.doctor.installation._US", "no-such-distribution")
    assert "run without being installed" in said(installation(), "note")


def test_a_package_that_hides_ours_is_named(
    monkeypatch: pytest.MonkeyPatch, needed: Callable[..., None]
) -> None:
    needed()
    monkeypatch.setattr("benchmark.doctor.installation._OURS", ("json",))
    assert "package json: " in said(installation(), "problem")


def test_the_command_ends_with_1_where_something_is_wrong(
    folder: Path, tmp_path: Path, needed: Callable[..., None]
) -> None:
    needed()
    options = ["doctor", str(folder), "--task", "digits", "--cache", str(tmp_path / "c"), "--json"]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    about = [finding["about"] for finding in json.loads(result.output)]
    assert "task digits" in about
    assert f"run {folder}" in about
    result = CliRunner().invoke(main, ["doctor", str(tmp_path), "--cache", str(tmp_path / "c")])
    assert result.exit_code == 1
    assert "holds no run" in result.output
    assert CliRunner().invoke(main, ["doctor", "--data", "x"]).exit_code == 2

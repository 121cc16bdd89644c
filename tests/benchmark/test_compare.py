import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmark import compare_runs, read_report
from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.storage.folder import view_records
from benchmark.studies.reading import run_labels
from tests.reports.conftest import _records as make_records
from tests.reports.stored import make_older
from tests.stored import store_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of one task, of another, and of one that has only begun."""
    folder = tmp_path_factory.mktemp("runs")
    records = make_records(lanes=3, evaluations=20, tabulated=False)
    other = replace(records, facts={"task": "other", "fingerprint": "ff"}, experiment="other")
    store_run(records, folder / "one")
    store_run(other, folder / "two")
    begun = [replace(lane, state="running") for lane in records.lanes]
    store_run(replace(records, lanes=begun, finished=False), folder / "begun")
    return folder


def compared(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def test_compare_writes_a_page_and_prints_the_ranks(runs: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    shown = compared(runs / "one", runs / "two", "--out", tmp_path / "both")
    assert shown.exit_code == 0, shown.output
    assert "Over 6 cells of these 2 problems" in " ".join(shown.output.split())
    assert (tmp_path / "both" / "compare.html").stat().st_size > 10_000
    assert {path: path.read_bytes() for path in before} == before


def test_comparisons_that_judge_otherwise_go_into_folders_of_their_own(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for options in ((), ("--confidence", "0.9"), ("--verdict", "paper"), ("--mix", "code")):
        shown = compared(runs / "one", runs / "two", *options)
        assert shown.exit_code == 0, shown.output
    assert len(list((tmp_path / "runs").glob("compare-*/compare.html"))) == 4


def test_an_unfinished_run_is_compared_and_marked(runs: Path, tmp_path: Path) -> None:
    shown = compared(runs / "two", runs / "begun", "--out", tmp_path)
    assert shown.exit_code == 0, shown.output
    assert "begun is unfinished: 0 of 9 lanes ended" in " ".join(shown.output.split())


def test_bad_input_is_one_line_and_exit_code_2(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    empty = tmp_path / "empty"
    empty.mkdir()
    sqlite3.connect(empty / "run.sqlite").close()
    cases: list[tuple[list[object], str]] = [
        ([runs / "one"], "expected two runs or more to compare, received 1"),
        ([], "received 0"),
        ([runs / "one", tmp_path / "folder"], "holds no run (run.sqlite is missing)"),
        ([runs / "one", tmp_path / "absent"], "holds no run"),
        ([runs / "one", empty], "holds no run yet"),
        ([runs / "one", runs / "two" / ".." / "one"], "is named twice"),
        ([runs / "one", runs / "two", "--mix", "tasks"], "--mix: expected some of splits"),
        ([runs / "one", runs / "two", "--confidence", "1"], "confidence"),
    ]
    for arguments, said in cases:
        shown = compared(*arguments, "--out", tmp_path / "out")
        assert shown.exit_code == 2, (arguments, shown.output)
        assert said in shown.output
        assert shown.output.splitlines()[-1].startswith("Error: ")
    assert not (tmp_path / "out").exists()


def test_a_run_of_an_older_schema_is_read_and_left_as_it_is(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "old" / "run.sqlite"
    path.parent.mkdir()
    path.write_bytes((runs / "one" / "run.sqlite").read_bytes())
    make_older(path)
    before = path.read_bytes()
    old, new = view_records(path.parent), view_records(runs / "one")
    assert [lane.accuracy.tolist() for lane in old.lanes] == [
        lane.accuracy.tolist() for lane in new.lanes
    ]
    assert old.standalone == new.standalone
    assert path.read_bytes() == before


def test_labels_are_folder_names_with_as_many_parents_as_needed(tmp_path: Path) -> None:
    assert run_labels([tmp_path / "a" / "run", tmp_path / "b" / "run"]) == ["a/run", "b/run"]
    assert run_labels([tmp_path / "a" / "run", tmp_path / "b" / "ran"]) == ["run", "ran"]
    with pytest.raises(UsageError, match="is named twice"):
        run_labels([tmp_path / "a", tmp_path / "b" / ".." / "a"])


def test_the_same_from_python(runs: Path) -> None:
    report = read_report(runs / "one")
    assert report._repr_markdown_().startswith("- ")
    assert "## Ranking of strategies" in report._repr_markdown_()
    assert '<img alt="Best reward so far"' in report._repr_html_()
    assert compare_runs(runs / "one", runs / "two").comparison.over_cells.cells == 6
    with pytest.raises(UsageError, match="two runs or more to compare, received 1"):
        compare_runs(runs / "one")

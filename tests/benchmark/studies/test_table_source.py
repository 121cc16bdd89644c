import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from benchmark import Settings, run
from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.records.run import RunRecords
from benchmark.storage.folder import RunFolder, read_records
from benchmark.studies.table_source import _opened
from tests.benchmark.plug_in import SOURCE, write_plug_in
from tests.benchmark.tables import closed_form_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("table") / "table.parquet"
    closed_form_table().write(path)
    return str(path)


def _records(folder: Path) -> RunRecords:
    with closing(RunFolder(folder).open()) as store:
        return read_records(store)


def _settings(table: str | Path, **values: object) -> Settings:
    given = {"strategies": ("random", "ga"), "budget": 40, "seeds": 3} | values
    return Settings(oracle=table, **given)


def test_strategies_are_ranked_by_exact_regret(table: str, tmp_path: Path) -> None:
    report = run(_settings(table, strategies=("ga", "random")), out=tmp_path / "run")
    found = report.analysis.finds
    best = report.analysis.landscapes[0].reward.max()
    for lane in report.records.lanes:
        rewards = lane.accuracy + 0.02 * (1 - lane.schemes.mean(axis=1))
        assert found[lane.key].regret == pytest.approx(best - rewards.max())
        assert len(lane.schemes) == 40
    assert any("Among all 128 schemes" in sentence for sentence in report.headline)
    assert any("no network trained" in sentence for sentence in report.headline)
    assert (tmp_path / "run" / "report.html").exists()


def _written(path: Path, **changes: Any) -> str:
    replace(closed_form_table(), **changes).write(path)
    return str(path)


def test_a_table_without_an_answer_gets_a_report_that_says_so(tmp_path: Path) -> None:
    nothing = np.full(128, np.nan)
    path = _written(tmp_path / "nan.parquet", accuracy=nothing, loss=nothing)
    report = run(_settings(path, budget=10, seeds=2), out=tmp_path / "run", workers=1)
    (first, second, third) = report.headline
    why = "no scheme has an answer, as scoring failed each of the 40 times"
    assert first == f"No strategy can be ranked: {why}."
    assert second == "A table was searched and no network trained: nothing to say about tickets."
    assert third == (
        "4 lanes ended without an answer (2 of random and 2 of ga) and don't count in the ranking."
    )
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Nothing was found." in page
    assert " yet" not in page.partition("</main>")[0].partition('id="words"')[0]
    shown = CliRunner().invoke(main, ["report", str(tmp_path / "run")])
    assert shown.exit_code == 0
    assert "no scheme has an answer" in " ".join(shown.output.split())


def test_facts_that_a_table_does_not_state_are_said_to_be_missing(tmp_path: Path) -> None:
    path = _written(tmp_path / "bare.parquet", facts={}, task={})
    report = run(_settings(path, budget=10, seeds=2), out=tmp_path / "run", workers=1)
    assert "a table, batch norm not stated" in report.ranking.caption


def test_a_flat_table_has_no_top_and_no_leader(tmp_path: Path) -> None:
    flat = np.full(128, 0.5)
    path = _written(tmp_path / "flat.parquet", accuracy=flat, loss=flat)
    settings = _settings(path, budget=10, seeds=2, objective_weight=0.0)
    report = run(settings, out=tmp_path / "run", workers=1)
    assert "share rank 1, as their lanes reached the same" in report.headline[0]
    assert "Level are random and ga: mean best reward 50.00" in report.headline[0]
    (found,) = [text for text in report.headline if "Among all 128 schemes" in text]
    assert found.endswith("By oracle accuracy alone all schemes are equally good.")
    assert [row["top5_lanes"] for row in report.ranking.records()] == [None, None]


def test_workers_and_stops_change_nothing(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.studies.searches._START", 0.0)
    one = run(_settings(table), out=tmp_path / "one", workers=1)
    run(_settings(table), out=tmp_path / "two", workers=2)
    for left, right in zip(one.records.lanes, _records(tmp_path / "two").lanes, strict=True):
        assert left.key == right.key
        assert np.array_equal(left.schemes, right.schemes)
    with closing(sqlite3.connect(tmp_path / "two" / "run.sqlite")) as store, store:
        # As a kill leaves it: some lanes are missing.
        store.execute("DELETE FROM journal WHERE lane >= 3")
        store.execute("UPDATE lanes SET state = 'running' WHERE lane >= 3")
        store.execute("DELETE FROM facts WHERE key = 'finished'")
    run(_settings(table), out=tmp_path / "two", workers=1)
    for left, right in zip(one.records.lanes, _records(tmp_path / "two").lanes, strict=True):
        assert np.array_equal(left.schemes, right.schemes)
        assert right.state == "finished"


@pytest.mark.parametrize(
    ("name", "value"), [("task", "digits"), ("sharing", "share"), ("candidates", 5)]
)
def test_settings_without_effect_are_refused(table: str, name: str, value: object) -> None:
    if value == Settings.model_fields[name].default:
        run(_settings(table, **{name: value}, seeds=1, budget=1), out=Path(table).parent / "run")
        return
    with pytest.raises(UsageError, match=f"--{name} has no effect on a table"):
        run(_settings(table, **{name: value}))


def test_another_table_is_another_experiment(table: str, tmp_path: Path) -> None:
    run(_settings(table), out=tmp_path / "run")
    closed_form_table((3, 4)).write(tmp_path / "other")
    with pytest.raises(UsageError, match="holds experiment"):
        run(_settings(str(tmp_path / "other")), out=tmp_path / "run")


def test_a_table_made_again_at_its_path_is_searched_as_it_is_now(tmp_path: Path) -> None:
    """In one process: what was read for an earlier run must answer none that follows."""
    path = tmp_path / "table.parquet"
    found = []
    for sign in (1, -1):
        table = closed_form_table()
        accuracy = 0.5 + sign * (table.accuracy - 0.5)
        replace(table, accuracy=accuracy).write(path)
        report = run(_settings(path, objective_weight=0), out=tmp_path / str(sign), workers=1)
        for lane in report.records.lanes:
            rows = lane.schemes @ (1 << np.arange(6, -1, -1))
            assert np.array_equal(lane.accuracy, accuracy[rows])
        found.append(report.records.experiment)
    assert found[0] != found[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_table_that_changes_under_a_run_ends_it_in_a_line(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.parquet"
    table = closed_form_table()
    table.write(path)

    def changed(*_: object, **__: object) -> None:
        replace(table, loss=table.loss + 1).write(path)
        _opened.cache_clear()  # as in another process

    monkeypatch.setattr("benchmark.studies.searches._START", 0.0)
    monkeypatch.setattr("benchmark.storage.store.Store.add_answers", changed)
    call = ["run", "--oracle", str(path), "--strategies", "random,ga", "--seeds", "2"]
    call += ["--workers", str(workers), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 2, result.output
    assert f"{path} has changed since the run began: expected the table" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_table_with_holes_is_refused_before_anything_starts(tmp_path: Path) -> None:
    table = closed_form_table()
    kept = np.flatnonzero(table.schemes.sum(axis=1) != 3)
    parts = ("schemes", "accuracy", "loss", "parameters")
    replace(table, **{name: getattr(table, name)[kept] for name in parts}).write(tmp_path / "t")
    call = ["run", "--oracle", str(tmp_path / "t"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, [*call, "--strategies", "random"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "the table lacks 35 of 2^7 schemes, 00|001|11 the first" in result.output
    assert not (tmp_path / "run").exists()


def test_the_order_of_a_tables_rows_is_no_part_of_an_experiment(table: str, tmp_path: Path) -> None:
    first = run(_settings(table), out=tmp_path / "run").records.experiment
    raw = parquet.read_table(table)
    parquet.write_table(raw.take(np.random.default_rng(0).permutation(len(raw))), tmp_path / "t")
    assert run(_settings(tmp_path / "t"), out=tmp_path / "run").records.experiment == first


def test_a_missing_table_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no table"):
        run(_settings(str(tmp_path / "absent")), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "need"), [("darts", "gradients"), ("halving", "fidelity")])
def test_a_strategy_that_needs_more_than_scores_is_refused_before_anything_starts(
    table: str, tmp_path: Path, name: str, need: str
) -> None:
    message = f"strategy '{name}' needs {need}, and a table has scores only; leave it out"
    with pytest.raises(UsageError, match=message):
        run(_settings(table, strategies=("random", name)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_be_written_is_reported_all_the_same(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(_settings(table), out=tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def refused(path: Path) -> Path:
        raise PermissionError(13, "Read-only file system", str(path))

    def allowed(path: Path, mode: int) -> bool:
        return mode != os.W_OK or not Path(path).is_relative_to(tmp_path / "run")

    monkeypatch.setattr("benchmark.storage.opening.os.access", allowed)
    with monkeypatch.context() as closed:
        closed.setattr("benchmark.basics.files.replacing", refused)
        printed = CliRunner().invoke(main, ["report", str(tmp_path / "run")])
    assert printed.exit_code == 0
    assert "can't be written" in printed.stderr
    assert "--out FOLDER puts them elsewhere" in printed.stderr
    options = ["report", str(tmp_path / "run"), "--out", str(tmp_path / "there")]
    elsewhere = CliRunner().invoke(main, options)
    assert (elsewhere.exit_code, elsewhere.stdout) == (0, printed.stdout)
    assert (tmp_path / "there" / "report.md").read_bytes() == before["report.md"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_what_a_strategy_opens_is_shown_beside_its_lane(table: str, tmp_path: Path) -> None:
    data = tmp_path / "answers.csv"
    data.write_text("1,2")
    source = SOURCE.replace(
        "        draws =", f"        open({str(data)!r}).close()\n        draws ="
    )
    settings = _settings(table, strategies=(write_plug_in(tmp_path, source), "random"), seeds=1)
    report = run(settings, out=tmp_path / "run", workers=1)
    opened = {lane.key.strategy: lane.opened for lane in report.records.lanes}
    assert opened == {"flipper": (f"the file {data}",), "random": ()}
    for page in ("report.html", "report.md", "lanes.csv"):
        text = (tmp_path / "run" / page).read_text(encoding="utf-8")
        assert "answers.csv while it searched" in text

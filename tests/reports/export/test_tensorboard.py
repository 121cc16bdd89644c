from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmark.cli import main
from reports.export.tensorboard import write_search_curves
from tests.reports.conftest import _records as make_records
from tests.stored import store_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {"ean": 0.8, "<b>": 0.5}
    records = make_records(strategies=names, lanes=1, evaluations=6, seeds=1, tabulated=False)
    return store_run(records, tmp_path_factory.mktemp("run"))


def export(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def test_searches_are_exported_for_optuna_and_tensorboard(folder: Path, tmp_path: Path) -> None:
    before = (folder / "run.sqlite").read_bytes()
    shown = export(folder, "--optuna", tmp_path / "s.log", "--tensorboard", tmp_path / "curves")
    assert shown.exit_code == 0, shown.output
    assert f"optuna-dashboard {tmp_path / 's.log'}" in shown.output
    assert {path.name for path in (tmp_path / "curves" / "search").iterdir()} == {
        *("ean-seed-0-supernet-0", "_b_-seed-0-supernet-0"),
    }
    assert (folder / "run.sqlite").read_bytes() == before
    again = export(folder, "--tensorboard", tmp_path / "curves")
    assert again.exit_code == 2
    assert "exists; choose another folder" in again.output


def test_curves_are_read_back_by_tensorboard(tmp_path: Path) -> None:
    records = make_records(lanes=1, evaluations=6, seeds=1, tabulated=False)
    (lane, *_) = records.lanes
    (place, *_) = write_search_curves(records, tmp_path)
    read = EventAccumulator(str(place)).Reload()
    assert set(read.Tags()["scalars"]) == {
        f"search/{name}" for name in ("reward", "best reward", "accuracy", "loss", "connections")
    }
    accuracy = read.Scalars("search/accuracy")
    assert [event.step for event in accuracy] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in accuracy] == pytest.approx(lane.accuracy.tolist())
    best = [event.value for event in read.Scalars("search/best reward")]
    assert best == sorted(best)


def test_bad_input_is_one_line_and_exit_code_2(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.db"
    precious.write_text("mine")
    cases: list[tuple[list[object], str]] = [
        ([folder], "say --optuna FILE or --tensorboard FOLDER"),
        ([tmp_path, "--optuna", tmp_path / "a.db"], "holds no run"),
        ([tmp_path / "absent", "--tensorboard", tmp_path / "a"], "holds no run"),
        ([folder, "--optuna", precious], "precious.db exists; choose another file"),
    ]
    for arguments, said in cases:
        shown = export(*arguments)
        assert shown.exit_code == 2, (arguments, shown.output)
        assert said in " ".join(shown.output.split())
    assert precious.read_text() == "mine"

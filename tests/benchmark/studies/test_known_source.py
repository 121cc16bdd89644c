from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark import Settings, run
from benchmark.basics.errors import OtherExperimentError, UsageError
from benchmark.cli import main
from benchmark.oracle.known import BEST, LANDSCAPES, make_landscape
from benchmark.records.schemes import bits_scheme
from benchmark.storage.folder import view_records
from reports.pages.report import Report
from tests.benchmark.tables import closed_form_table


def _settings(oracle: str, **values: Any) -> Settings:
    given = {"strategies": ("random", "local"), "budget": 20, "seeds": 2} | values
    return Settings(oracle=oracle, **given)


def _run(out: Path, oracle: str = "known:trap:6", **values: Any) -> Report:
    report: Report = run(_settings(oracle, **values), out=out, workers=1)
    return report


@pytest.mark.parametrize("name", LANDSCAPES)
def test_every_landscape_is_searched_and_reported(name: str, tmp_path: Path) -> None:
    report = _run(tmp_path, f"known:{name}:6", supernet_seeds=2, seed=3)
    (first, second) = report.records.oracles
    assert [first.facts["seed of the instance"], second.facts["seed of the instance"]] == [3, 4]
    for oracle in (first, second):
        landscape = make_landscape(name, 6, seed=3 + oracle.supernet_seed)
        assert oracle.identity == landscape.identity
        assert np.array_equal(oracle.accuracy, landscape.score(oracle.schemes).accuracy)
        optimum = bits_scheme(oracle.facts["optimum"])
        assert landscape.truth(np.array([optimum]))[0] == pytest.approx(BEST)
    for lane in report.records.lanes:
        landscape = make_landscape(name, 6, seed=3 + lane.key.supernet_seed)
        assert np.array_equal(lane.accuracy, landscape.score(lane.schemes).accuracy)
        assert lane.state == "finished"
        assert lane.own_seconds is not None
    assert any("Among all 64 schemes" in sentence for sentence in report.headline)
    assert any(
        "A known landscape was searched and no network trained" in sentence
        for sentence in report.headline
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 known landscapes" in page
    assert "batch norm recalibrated" not in page


def test_the_regret_is_zero_where_the_optimum_was_found(tmp_path: Path) -> None:
    report = _run(tmp_path, "known:trap:4", strategies=("exhaustive",), objective_weight=0.0)
    assert [lane.accuracy.max() for lane in report.records.lanes] == pytest.approx([BEST] * 2)
    assert {find.regret for find in report.analysis.finds.values()} == {0.0}


def test_a_landscape_without_a_number_has_those_of_races(tmp_path: Path) -> None:
    report = _run(tmp_path, "known:plateau", seeds=1, budget=5)
    assert report.records.blocks_per_stage == (24,)
    assert len(report.records.oracles[0].schemes) == 0  # 2^24 of them
    assert "computed on demand" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("oracle", "message"),
    [
        ("known:trip", "unknown landscape 'trip'"),
        ("known:", "unknown landscape ''"),
        ("known:trap:0", "blocks in --oracle known:trap:0: expected a whole number from 1"),
        ("known:trap:many", "blocks in --oracle known:trap:many: expected a whole number"),
    ],
)
def test_what_is_no_landscape_is_refused_before_anything_starts(
    oracle: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        _run(tmp_path / "run", oracle)
    assert not (tmp_path / "run").exists()


def test_gradients_are_had_where_a_landscape_offers_them(tmp_path: Path) -> None:
    report = _run(tmp_path / "run", "known:additive:6", strategies=("darts", "halving"))
    assert all(lane.state == "finished" for lane in report.records.lanes)
    with pytest.raises(UsageError, match="'darts' needs gradients, and a known landscape has"):
        _run(tmp_path / "other", "known:trap:6", strategies=("darts",))


def test_what_determines_a_run_is_its_identity(tmp_path: Path) -> None:
    first = _run(tmp_path)
    assert view_records(tmp_path).experiment == first.records.experiment
    assert _run(tmp_path).records.experiment == first.records.experiment
    for other in ("known:trap:7", "known:needle:6"):
        with pytest.raises(OtherExperimentError, match="holds experiment"):
            _run(tmp_path, other)
    with pytest.raises(OtherExperimentError, match="holds experiment"):
        _run(tmp_path, supernet_seeds=2)
    with pytest.raises(UsageError, match="--candidates has no effect on a known landscape"):
        _run(tmp_path, candidates=5)


@pytest.mark.parametrize("oracle", ["known:trap:6", "table"])
def test_a_plan_says_what_is_searched_and_runs_nothing(
    oracle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    closed_form_table().write(tmp_path / "table")
    call = ["run", "--oracle", oracle, "--strategies", "random,ga", "--seeds", "2", "--dry-run"]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 0, result.output
    blocks = 7 if oracle == "table" else 6
    assert f"{oracle}, {blocks} blocks; λ 0.02; random, ga" in result.output
    said = " ".join(result.output.split())
    assert "4 runs × 300 evaluations" in said
    assert "Nothing is trained or timed." in said
    assert [path.name for path in tmp_path.iterdir()] == ["table"]

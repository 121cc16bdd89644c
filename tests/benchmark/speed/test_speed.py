import json
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.networks.spec import NetworkSpec
from benchmark.speed.base import Benchmark, Claim, Result, Round, run_benchmark
from benchmark.speed.formats import as_json, as_line, as_markdown
from benchmark.speed.networks import Subject
from benchmark.speed.registry import BENCHMARKS
from benchmark.speed.report_costs import write_run
from benchmark.storage.folder import RunFolder, read_records
from reports.pages.report import Report
from tests.benchmark.small import SMALL, small_data, small_network


class _Counting(Benchmark):
    name = "counting"
    title = "one, four, two"
    claim: ClassVar[Claim | None] = Claim(2, least=True, unit="times")

    def prepare(self, rows: int) -> None:
        assert rows == 7
        self._ratios = iter([1.0, 4.0, 2.0])

    def measure(self) -> Round:
        ratio = next(self._ratios)
        return Round(ratio, {"A, s": 10 * ratio, "B, s": 10.0})


def test_a_result_is_the_median_of_its_rounds() -> None:
    result = run_benchmark(_Counting(), pairs=3, rows=7)
    assert (result.values, result.median, result.part("A, s")) == ([1, 2, 4], 2, 20)
    assert as_line(result).startswith(
        "counting: 1 / 2 / 4 times (lowest / median / highest of 3); claimed ≥ 2 times: kept"
    )
    assert "| one, four, two | ≥ 2 times: kept | 1 / 2 / 4 times | 20.0 s | 10.0 s |" in (
        as_markdown([result], {"repeats": 3})
    )
    (plain,) = json.loads(as_json([result], {}))["benchmarks"]
    assert plain["holds"] is True
    assert [item["value"] for item in plain["rounds"]] == [1, 4, 2]


@pytest.mark.parametrize(("value", "least", "holds"), [(1.9, True, False), (1.9, False, True)])
def test_a_claim_has_a_direction(value: float, *, least: bool, holds: bool) -> None:
    assert Claim(2, least=least, unit="s").holds(value) is holds


def test_what_was_not_run_says_why() -> None:
    result = Result("cuda", "on a GPU", Claim(15, least=False, unit="s"), note="no CUDA device")
    assert as_line(result) == "cuda: not run: no CUDA device\n  on a GPU"
    assert "not run: no CUDA device" in as_markdown([result], {})
    assert result.plain() == {"name": "cuda", "title": "on a GPU", "not run": "no CUDA device"}


def test_the_strong_loop_scores_what_the_plain_one_does() -> None:
    schemes = np.array([[0, 1, 0, 1, 1], [1, 1, 0, 0, 1]], dtype=bool)
    subject = Subject(NetworkSpec(SMALL, "se", 2, "full"), small_network(), small_data())
    assert subject.strong(10).accuracy(schemes) == subject.plain().score(schemes).accuracy.tolist()


def test_the_command_measures_what_it_is_named() -> None:
    run = CliRunner().invoke(main, ["speed", "--pairs", "1", "--json", "runner-overhead"])
    assert run.exit_code == 0
    found = json.loads(run.stdout)
    assert [item["name"] for item in found["benchmarks"]] == ["runner-overhead"]
    assert found["benchmarks"][0]["median"] > 0
    assert {"processor", "torch", "repeats", "load"} <= set(found["circumstances"])


def test_unknown_names_are_refused() -> None:
    run = CliRunner().invoke(main, ["speed", "resnet39-plain"])
    assert run.exit_code == 2
    assert "did you mean 'resnet38-plain'?" in run.output


@pytest.mark.parametrize("name", ["density-window", "density-blocks-memory"])
def test_density_maps_keep_what_is_claimed(name: str) -> None:
    """By a factor of 100 in time, and to the byte in memory."""
    result = run_benchmark(BENCHMARKS[name](), pairs=1, rows=1)
    assert result.claim is not None
    assert result.claim.holds(result.median)


@pytest.mark.long
def test_what_engines_add_is_measured() -> None:
    """In a process of its own, since a process keeps Ray's settings for good."""
    line = [sys.executable, "-m", "benchmark", "speed", "loky-call", "ray-call"]
    run = subprocess.run(
        [*line, "--pairs", "1", "--json"], capture_output=True, text=True, check=True
    )
    loky, ray = json.loads(run.stdout)["benchmarks"]
    for found in (loky, ray) if find_spec("ray") else (loky,):
        assert 0 < found["median"] / 1000 < found["rounds"][0]["start and first call, s"]


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run_benchmark(BENCHMARKS["ray-call"](), pairs=1, rows=1)
    assert result.note == "the extra ray"


def test_everything_has_its_own_name() -> None:
    assert all(kind.name == name and kind.title for name, kind in BENCHMARKS.items())


def test_reports_are_measured_on_runs_that_have_everything(tmp_path: Path) -> None:
    write_run(tmp_path, strategies=3, seeds=2, budget=30)
    with closing(RunFolder(tmp_path).open()) as store:
        records = read_records(store)
    assert records.finished
    assert [len(lane.schemes) for lane in records.lanes] == [30] * 6
    assert len(records.oracles[0].schemes) == 4096
    report = Report(records)
    assert len(report.ranking.rows) == 3
    assert {"ticket", "reference"} <= {row["verdict"] for row in report.schemes.records()}

"""Whole runs with strategies that break their contract: one lane ends, the others go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmark.cli import main
from benchmark.storage.folder import RunFolder, read_records
from tests.benchmark.plug_in import SOURCE, write_plug_in
from tests.benchmark.small_runs import small_runs

QUICK = [
    *("--budget", "24", "--seeds", "1", "--standalone-seeds", "1", "--candidates", "1"),
    *("--supernet-epochs", "1", "--standalone-epochs", "1", "--workers", "1", "--smoke"),
]
ASK = "return np.zeros_like(draws, dtype=bool) if self.fixed else draws < self.share"


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with small_runs():
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


FAULTS = {
    "raises": (
        "raise RuntimeError('out of ideas')",
        "RuntimeError: out of ideas (raises.py, line 39)",
    ),
    "exits": ("raise SystemExit", "SystemExit (exits.py, line 39)"),
    "turned": (
        "return (draws < 0.5).T",
        "expected a boolean matrix of (n, 12) schemes, received bool of (12, 2)",
    ),
    "floats": ("return draws", "(n, 12) schemes, received float64 of (2, 12)"),
    "nothing": ("return None", "(n, 12) schemes, received object of ()"),
    "greedy": (
        "return np.ones((n + 1, 12), dtype=bool)",
        "asked for 25 evaluations with 24 left",
    ),
    "deaf": ("return np.ones((1, 12), dtype=bool)", "repeated itself: all 24 requests were"),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("faulty")
    references = []
    for name, (asks, _) in FAULTS.items():
        path = folder / f"{name}.py"
        path.write_text(SOURCE.replace(ASK, asks).replace("flipper", name), encoding="utf-8")
        references.append(f"{path}:Flipper")
    strategies = ["--strategies", ",".join([*references, "random"])]
    options = [*strategies, *QUICK, "--out", str(folder / "run"), "--cache", str(cache)]
    return CliRunner().invoke(main, ["run", *options]), folder / "run"


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_lane_ends_with_its_message(faulty: tuple[Result, Path], name: str) -> None:
    result, out = faulty
    (lane,) = [
        lane for lane in read_records(RunFolder(out).open()).lanes if lane.key.strategy == name
    ]
    assert lane.state == "failed"
    _, message = FAULTS[name]
    assert message in lane.message
    assert f"{name} (seed 0, supernet 0) failed: {lane.message}" in result.stderr
    assert message.partition(" (")[0] in (out / "report.md").read_text(encoding="utf-8")


def test_the_other_lanes_go_on_and_the_exit_code_says_that_one_failed(
    faulty: tuple[Result, Path],
) -> None:
    result, out = faulty
    assert result.exit_code == 1
    records = read_records(RunFolder(out).open())
    assert records.finished
    (lane,) = [lane for lane in records.lanes if lane.key.strategy == "random"]
    assert (lane.state, len(lane.schemes)) == ("finished", 24)


def test_a_run_goes_on_with_a_plug_in_and_its_hyper_parameters(tmp_path: Path, cache: Path) -> None:
    out = tmp_path / "run"
    strategies = ["--strategies", write_plug_in(tmp_path), "--set", "flipper.batch=5"]
    options = ["run", *strategies, *QUICK, "--out", str(out), "--cache", str(cache)]
    ran = CliRunner().invoke(main, options)
    assert ran.exit_code == 0, ran.output
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "--set flipper.batch=5" in page
    again = CliRunner().invoke(main, options)
    assert again.stdout == ran.stdout
    other = CliRunner().invoke(main, [*options, "--set", "flipper.share=0.1"])
    assert other.exit_code == 2
    assert "other settings, data or code" in " ".join(other.output.split())
    (tmp_path / "mine.py").unlink()
    assert CliRunner().invoke(main, ["report", str(out)]).exit_code == 0

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.oracle.answers_file import read_table
from benchmark.oracle.supernet import SupernetOracle
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from benchmark.storage.calls import bits_of
from benchmark.storage.store import Store
from benchmark.studies.scoring import open_supernet
from benchmark.studies.tabulation import explain_table, tabulate
from benchmark.watching.progress import NoProgress
from benchmark.workers.pool import WorkerPool
from tests.benchmark.tables import closed_form_table

SETTINGS = Settings(smoke=True)


def test_what_is_known_is_not_scored_again_and_the_rest_is(tmp_path: Path) -> None:
    plan = Plan(SETTINGS)
    schemes = all_schemes(plan.blocks)
    known = schemes[2:]
    with closing(Store(tmp_path / "cache.sqlite")) as cache:
        supernet = open_supernet(plan, 0, cache, NoProgress())
        oracle = SupernetOracle(supernet, "recalibrated", kernels=plan.kernels)
        # Stands in for a tabulation that was stopped two schemes before its end.
        invented = [(0.25, 1.5)] * len(known)
        cache.add_answers(oracle.identity(plan.task), bits_of(known), invented, seconds=0.0)
        table = tabulate(SETTINGS, cache=cache, workers=WorkerPool(1), times=1)
        expected = oracle().score(schemes[:2])
    assert np.array_equal(table.schemes, schemes)
    assert table.accuracy.tolist() == [*expected.accuracy.tolist(), *([0.25] * len(known))]
    assert table.loss.tolist() == [*expected.loss.tolist(), *([1.5] * len(known))]
    assert table.identity == oracle.identity(plan.task)
    assert table.parameters[[0, 1, -1]].tolist() == [93_274, 93_826, 96_242]
    assert [bits.count("1") for bits in table.increments] == list(range(13))
    assert all(-1 < increment < 10 for increment in table.increments.values())
    table.write(tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").increments == table.increments


def test_too_many_schemes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.studies.tabulation.LIMIT", 11)
    with (
        closing(Store(tmp_path / "cache.sqlite")) as cache,
        pytest.raises(UsageError, match=r"12 blocks have 2\^12 schemes; .* with --force only"),
    ):
        tabulate(SETTINGS, cache=cache, workers=WorkerPool(1))


def test_what_would_never_end_is_not_begun_even_if_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.studies.tabulation.MOST", 11)
    with (
        closing(Store(tmp_path / "cache.sqlite")) as cache,
        pytest.raises(UsageError, match=r"2\^12 schemes; .* not scored even with --force"),
    ):
        tabulate(SETTINGS, cache=cache, workers=WorkerPool(1), force=True)
    assert not (tmp_path / "supernets").exists()


_TABULATE = """
import sys
from pathlib import Path
from rich.console import Console
import benchmark.studies.scoring
from benchmark.watching.live import LiveProgress
from benchmark.planning.settings import Settings
from benchmark.storage.store import Store
from benchmark.oracle.answers_file import read_table
from benchmark.studies.tabulation import explain_table, tabulate
from benchmark.workers.pool import WorkerPool

benchmark.studies.scoring._AT_A_TIME = 64
folder = Path(sys.argv[1])
live = LiveProgress(Console(width=200))
store = Store(folder / "cache.sqlite")
table = tabulate(Settings(smoke=True), cache=store, workers=WorkerPool(1), progress=live)
table.write(folder / "table.parquet")
"""


def _answers(folder: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{folder / 'cache.sqlite'}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.mark.long
def test_after_a_kill_only_what_is_missing_is_scored_and_the_table_is_the_same(
    tmp_path: Path,
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    command = [sys.executable, "-c", _TABULATE]
    with subprocess.Popen([*command, str(killed)], stdout=subprocess.DEVNULL) as process:
        while _answers(killed) < 200:
            assert process.poll() is None, "it was over before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = _answers(killed)
    assert 200 <= done < 4096
    assert not (killed / "table.parquet").exists()
    again = subprocess.run([*command, str(killed)], capture_output=True, text=True, check=True)
    assert f"Scoring every scheme: {4096 - done:,} schemes in" in again.stdout
    subprocess.run([*command, str(whole)], capture_output=True, check=True)
    tables = [read_table(folder / "table.parquet") for folder in (killed, whole)]
    assert tables[0].fingerprint() == tables[1].fingerprint()
    assert tables[0].identity == tables[1].identity


def test_a_table_without_its_ends_is_not_explained(tmp_path: Path) -> None:
    table = closed_form_table()
    short = replace(
        table,
        schemes=table.schemes[1:],
        accuracy=table.accuracy[1:],
        loss=table.loss[1:],
        parameters=table.parameters[1:],
    )
    with pytest.raises(UsageError, match="lacks Original or Full-SA"):
        explain_table(short, tmp_path / "short.parquet")


def test_report_explains_a_table_anew(tmp_path: Path) -> None:
    path = tmp_path / "landscape.parquet"
    closed_form_table().write(path)
    run = CliRunner().invoke(main, ["report", str(path)])
    assert run.exit_code == 0
    assert (tmp_path / "landscape.html").read_text(encoding="utf-8").count("<svg") == 3
    rows = (tmp_path / "landscape-ratios.csv").read_text().splitlines()
    assert len(rows) == 1 + 8  # a heading, and none to seven connections

import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Timer
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from benchmark.cli import main
from benchmark.commands.serving import ProgressServer
from benchmark.planning.settings import Settings
from benchmark.records.run import RunRecords
from benchmark.storage.store import Store
from benchmark.studies.experiment import run
from benchmark.watching.snapshots import look, may_start
from tests.benchmark.tables import closed_form_table
from tests.reports.conftest import _records as make_records
from tests.stored import store_run


def watch(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["watch", *map(str, arguments)])


@pytest.fixture(scope="module")
def records() -> RunRecords:
    return make_records(lanes=1, evaluations=5, seeds=1, tabulated=False)


def test_once_prints_how_far_it_has_come(records: RunRecords, tmp_path: Path) -> None:
    store_run(replace(records, finished=False), tmp_path)
    shown = watch(tmp_path, "--once")
    assert shown.exit_code == 0, shown.output
    assert "15 of 15 evaluations charged" in shown.output
    assert "random" in shown.output


def test_watching_ends_with_the_run(records: RunRecords, tmp_path: Path) -> None:
    """It waits for a run that hasn't begun, follows it, and leaves when it is over."""
    folder = tmp_path / "later"
    started = Timer(0.2, store_run, (replace(records, finished=True), folder))
    started.start()
    shown = watch(folder)
    started.join()
    assert shown.exit_code == 0, shown.output
    assert "finished" in shown.output


def test_a_run_that_was_broken_off_is_not_waited_for(records: RunRecords, tmp_path: Path) -> None:
    store_run(replace(records, finished=False), tmp_path)
    with FileLock(tmp_path / "run.lock"):
        pass
    (tmp_path / "run.lock").touch()
    shown = watch(tmp_path)
    assert shown.exit_code == 1
    assert "nobody is at work" in " ".join(shown.output.split())


def test_bad_input_is_one_line_and_exit_code_2(records: RunRecords, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thing").touch()
    (tmp_path / "empty").mkdir()
    Store(tmp_path / "empty" / "run.sqlite").close()
    server = ProgressServer(0)
    port = server.address.rpartition(":")[2].strip("/")
    run_folder = store_run(records, tmp_path / "run")
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "other"], "holds no run"),
        ([tmp_path / "other", "--once"], "holds no run"),
        ([tmp_path / "absent", "--once"], "holds no run"),
        ([tmp_path / "empty", "--once"], "holds no run yet"),
        ([run_folder, "--serve", port], "in use"),
        ([run_folder, "--serve", "70000"], "70000"),
    ]
    for arguments, said in cases:
        shown = watch(*arguments)
        assert shown.exit_code == 2, (arguments, shown.output)
        assert said in " ".join(shown.output.split())
    server._server.server_close()  # noqa: SLF001 - it was never run


def test_a_real_run_is_the_same_watched_or_not(tmp_path: Path) -> None:
    """The store that a run leaves is the same to the last byte of its contents."""
    table = tmp_path / "table.parquet"
    closed_form_table((2, 2)).write(table)
    settings = Settings(
        oracle=str(table), strategies=("random", "local"), budget=6, seeds=2, seed=1
    )
    server = ProgressServer(0)
    with server.running():
        server.show(tmp_path / "watched")
        seen: list[bytes] = []

        def looks(_: Path) -> None:
            with urlopen(server.address) as answer:
                seen.append(answer.read())

        run(settings, out=tmp_path / "watched", workers=1, on_folder=looks)
        looks(tmp_path)
    run(settings, out=tmp_path / "alone", workers=1)
    assert b"Waiting for a run in" in seen[0]
    assert b"24 of 24 evaluations charged" in seen[1]
    assert look(tmp_path / "watched") == look(tmp_path / "alone")
    for name in ("report.md", "evaluations.csv"):
        assert (tmp_path / "watched" / name).read_bytes() == (
            tmp_path / "alone" / name
        ).read_bytes()
    with closing(Store(tmp_path / "watched" / "run.sqlite")) as store:
        assert store.fact("finished") is True


def test_run_serves_itself_on_request(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    closed_form_table((2, 2)).write(table)
    words = f"run --oracle {table} --strategies random --budget 3 --seeds 1 --workers 1 --serve 0"
    shown = CliRunner().invoke(main, [*words.split(), "--out", str(tmp_path / "run")])
    assert shown.exit_code == 0, shown.output
    assert re.search(r"http://127\.0\.0\.1:\d+/ shows the run", shown.output)


@pytest.mark.long
def test_two_processes_one_working_one_watching(tmp_path: Path) -> None:
    """A run killed at work is seen to be; the next is followed to its end; both leave the same."""
    table, folder = tmp_path / "table.parquet", tmp_path / "run"
    closed_form_table((4, 4, 4)).write(table)
    words = f"run --oracle {table} --strategies ga,surrogate --budget 200 --seeds 6 --workers 1"
    command = [sys.executable, "-m", "benchmark", *words.split(), "--out", str(folder)]
    looking = [sys.executable, "-m", "benchmark", "watch", str(folder)]
    working = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    watching = subprocess.Popen(looking, stdout=subprocess.PIPE, text=True)
    while not (folder / "run.sqlite").exists() or may_start(folder) or not look(folder).charged:
        time.sleep(0.1)
        assert working.poll() is None
    assert look(folder).working is True
    working.send_signal(signal.SIGKILL)
    working.wait()
    said, _ = watching.communicate(timeout=60)
    assert watching.returncode == 1
    assert "nobody is at work" in " ".join(said.split())
    working = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while look(folder).working is False:
        time.sleep(0.1)
    followed = subprocess.run(looking, capture_output=True, text=True, check=False)
    assert followed.returncode == 0, followed.stdout
    assert working.wait() == 0
    alone = tmp_path / "alone"
    subprocess.run([*command[:-1], str(alone)], capture_output=True, check=True)
    for name in ("report.md", "evaluations.csv"):
        assert (folder / name).read_bytes() == (alone / name).read_bytes()

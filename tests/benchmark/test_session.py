"""Commands in logs: what they say when they are stopped, and how wide their tables are."""

import io
import os
import signal
import subprocess
import sys

import pytest
from rich.console import Console
from rich.table import Table

from benchmark.commands.consoles import console_of
from benchmark.commands.session import stoppable

WAIT = """
import sys, time
from benchmark.commands.consoles import console_of
from benchmark.commands.session import stoppable
with stoppable(console_of(stderr=True), keeps=KEEPS):
    print("up", flush=True)
    time.sleep(60)
"""
KEPT = "Nothing finished is lost: the same command again goes on from here.\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for one process")
@pytest.mark.parametrize(
    ("number", "code", "said", "keeps"),
    [
        (signal.SIGINT, 130, f"Stopped. {KEPT}", True),
        (signal.SIGTERM, 143, f"Stopped by SIGTERM. {KEPT}", True),
        (signal.SIGHUP, 129, f"Stopped by SIGHUP. {KEPT}", True),
        (
            signal.SIGTERM,
            143,
            "Stopped by SIGTERM. With --out what is finished would have been kept.\n",
            False,
        ),
    ],
)
def test_who_is_stopped_says_what_is_kept_and_how_to_go_on(
    number: int,
    code: int,
    said: str,
    keeps: bool,  # noqa: FBT001 - a case
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAIT.replace("KEEPS", str(keeps))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, said)


def test_a_signal_that_is_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stoppable(Console(file=io.StringIO())):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert os.environ["PYTHONWARNINGS"] == "default"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_table_in_a_log_is_as_wide_as_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table("one", "other")
    table.add_row("x" * 90, "y" * 90)
    console_of().print(table)
    assert f"│ {'x' * 90} │ {'y' * 90} │" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "60")
    console_of().print(table)
    assert max(map(len, capsys.readouterr().out.splitlines())) == 60

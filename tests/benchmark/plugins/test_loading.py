"""Strategies of somebody else's that do the worst they can while they are loaded."""

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.basics import fork_server
from benchmark.basics.errors import LaneError, UsageError
from benchmark.cli import main
from benchmark.plugins.chosen import choose, choose_all
from benchmark.plugins.hosted import make_strategy
from benchmark.testing.guarded import check_guarded
from strategies.base import SearchSpace, Strategy
from tests.benchmark.plug_in import SOURCE, write_plug_in

SPACE = SearchSpace((2, 3), budget=9)
FIRST = "import ctypes, os, signal, sys, time\n"
WORST = {
    "hangs": ("time.sleep(600)", r"took longer than 1 s while it was loaded \(mine\.py, line 2\)"),
    "hangs in native code": (
        "ctypes.PyDLL(None).sleep(600)",
        r"took longer than 1 s while it was loaded \(mine\.py, line 2\)",
    ),
    "leaves": ("os._exit(0)", "ended its process with exit code 0 while it was loaded"),
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV while it was loaded"),
    "exits": ("sys.exit(3)", r"can't run .*mine\.py: SystemExit: 3 \(line 2\)"),
    "takes all memory": (
        "bytearray(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') * 3 // 4)",
        r"can't run .*mine\.py: MemoryError:  \(line 2\)",
    ),
    "pretends to be Ctrl-C": ("raise KeyboardInterrupt", r"KeyboardInterrupt \(mine\.py, line 2\)"),
}


@pytest.mark.parametrize("name", WORST)
def test_a_file_is_loaded_where_it_can_do_no_harm_first(name: str, tmp_path: Path) -> None:
    does, message = WORST[name]
    reference = write_plug_in(tmp_path, f"{FIRST}{does}\n{SOURCE}")
    with pytest.raises(UsageError, match=message):
        choose(reference, limit=1.0 if "hangs" in name else 60.0)


def test_a_strategy_with_values_is_made_there_first(tmp_path: Path) -> None:
    evil = SOURCE.replace(
        "        if not 0 <=", "        import os\n\n        os._exit(7)\n        if 0 <="
    )
    reference = write_plug_in(tmp_path, evil)
    with pytest.raises(UsageError, match="ended its process with exit code 7 while it was made"):
        choose_all([reference], {"flipper": {"batch": 3}}, SPACE)


@pytest.mark.parametrize("command", ["race --landscapes additive --seeds 2 --strategies", "check"])
def test_commands_say_so_in_a_line(command: str, tmp_path: Path) -> None:
    reference = write_plug_in(tmp_path, f"{FIRST}time.sleep(600)\n{SOURCE}")
    line = [*command.split(), reference, "--ask-timeout", "0.5"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {reference} took longer than 0.5 s while it was loaded (mine.py, line 2)\n"
    )


@pytest.mark.parametrize("seconds", ["0", "-1"])
@pytest.mark.parametrize("command", ["race --strategies random", "check random"])
def test_a_limit_is_some_time(command: str, seconds: str) -> None:
    result = CliRunner().invoke(main, [*command.split(), "--ask-timeout", seconds])
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: --ask-timeout: expected a number above 0 to 1,000,000, received {seconds}\n"
    )


def test_the_start_of_a_process_is_not_its_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(write_plug_in(tmp_path))
    with pytest.raises(InterruptedError), fork_server.shared(os.getpid()).conversation():
        raise InterruptedError  # so that another one must be started
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(1.5)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    strategy = make_strategy(chosen, SPACE, rng=np.random.default_rng(0), timeout=1.0)
    assert np.asarray(strategy.ask(2)).shape == (2, 5)


TUNED = {
    "hangs": ("time.sleep(600)", r"took longer than 1 s while it was made (mine.py, line 35)"),
    "leaves": ("os._exit(77)", "ended its process with exit code 77 while it was made"),
    "raises": ("batch / 0", "ZeroDivisionError: division by zero (mine.py, line 35)"),
}


@pytest.mark.parametrize("name", TUNED)
def test_what_tuning_makes_is_made_there_too(name: str, tmp_path: Path) -> None:
    does, message = TUNED[name]
    strike = f"        if batch > 3:\n            {does}\n        if not 0 <="
    reference = write_plug_in(tmp_path, f"{FIRST}{SOURCE.replace('        if not 0 <=', strike)}")
    line = ["race", "--tune", reference, "--seeds", "2", "--ask-timeout", "1"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith(f"{message}\n")
    assert result.stderr.count("\n") == 1


LATER = {
    "hangs": ("time.sleep(600)", r"its loading took longer than 0\.5 s \(--ask-timeout\)"),
    "leaves": ("os._exit(7)", "its loading ended its process with exit code 7"),
}


def made(reference: str, timeout: float) -> Strategy:
    return make_strategy(choose(reference), SPACE, rng=np.random.default_rng(0), timeout=timeout)


@pytest.mark.parametrize("name", LATER)
def test_one_that_cannot_be_loaded_any_more_ends_alone(name: str, tmp_path: Path) -> None:
    does, message = LATER[name]
    (tmp_path / "other").mkdir()
    other = made(write_plug_in(tmp_path / "other"), 60.0)
    now = tmp_path / "now"
    source = f"{FIRST}if os.path.exists({str(now)!r}):\n    {does}\n{SOURCE}"
    reference = write_plug_in(tmp_path, source)
    choose(reference)
    now.touch()
    with pytest.raises(LaneError, match=message):
        made(reference, 0.5)
    with pytest.raises(LaneError, match=message):
        check_guarded(choose(reference), limit=0.5)
    assert np.asarray(other.ask(2)).shape == (2, 5)

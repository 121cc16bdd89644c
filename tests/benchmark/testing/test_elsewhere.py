"""The second process: what it finds out comes back whatever lies around and whoever prints."""

from pathlib import Path

import pytest

from benchmark.plugins.chosen import choose
from benchmark.testing.elsewhere import HASH_SEED, observe
from benchmark.testing.search import search
from benchmark.testing.subject import Subject
from tests.benchmark.plug_in import SOURCE, write_plug_in

ASK = "    def ask(self, n: int) -> Schemes:\n"
LOUD = f"""{ASK}
        import atexit, os, sys, threading, time

        if os.environ["PYTHONHASHSEED"] == {HASH_SEED!r}:
            print("[]", flush=True)
            os.write(1, b"[]")
            os.system("echo '[]'; echo '[]' >&2")
            atexit.register(print, "[]", flush=True)
            threading.Thread(target=time.sleep, args=(600,)).start()
            sys.stdout = sys.stderr = None
            assert sys.stdin.read() == ""
"""


@pytest.fixture
def cluttered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with files that are called like modules which are needed."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("benchmark", "json", "numpy", "random", "strategies"):
        (folder / f"{name}.py").write_text("raise SystemExit('of the working folder')")
    for name in ("reports", "tasks", "torch"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('of the working folder')")
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("cluttered")
def test_neither_the_folder_nor_what_a_strategy_prints_changes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")  # here; it says where the strategy is
    chosen = choose(write_plug_in(tmp_path, SOURCE.replace(ASK, LOUD)))
    (found,) = observe([chosen])
    assert (found.error, found.reached, found.drawn) == ("", [], [])
    assert found.bits == search(Subject(chosen).make()).bits()


@pytest.mark.parametrize(
    ("does", "says"),
    [("os._exit(0)", "received exit code 0 and nothing"), ("os.abort()", "received exit code -6")],
)
def test_a_strategy_that_ends_the_process_is_not_taken_for_one_that_searched(
    does: str, says: str, tmp_path: Path
) -> None:
    source = SOURCE.replace(ASK, f"{ASK}        import os\n\n        {does}\n")
    with pytest.raises(AssertionError, match=says):
        observe([choose(write_plug_in(tmp_path, source))])

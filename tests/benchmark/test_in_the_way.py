"""Folders with modules that are called like those which this project, Python or a library has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import benchmark

ROOT = Path(benchmark.__file__).parents[1]
MAP = """
from benchmark.workers.pool import WorkerPool
print(sorted(result for _, result in WorkerPool(2).map(len, ["a", "bb", "ccc"])))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("strategies", "tasks", "reports", "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("MINE = True\n")
    return tmp_path


def python(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (path, str(ROOT))))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_python_interface_says_what_is_in_the_way_and_works(folder: Path) -> None:
    modules = "strategies.hyper_parameters, tasks.errors, reports.pages.html"
    code = f"import benchmark, {modules}; print('up')"
    ran = python(folder, "-c", code)
    assert ran.stdout == "up\n"
    for name in ("strategies", "tasks", "reports"):
        file = folder / name / "__init__.py"
        said = f"{file} is in the way of Ticket Benchmark's own package {name} ({ROOT / name}"
        assert said in ran.stderr
        assert f"rename it, or start Python in another folder; until then import {name}" in (
            ran.stderr
        )


def test_what_has_been_imported_before_is_in_the_way_for_good(folder: Path) -> None:
    ran = python(folder, "-c", "import tasks; from benchmark import Settings")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {folder / 'tasks' / '__init__.py'} is in the way of")
    assert "rename it, or start Python in another folder" in last


def test_nobody_is_warned_where_nothing_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()  # of data, say
    ran = python(tmp_path, "-W", "error", "-c", "import benchmark, tasks.base")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_command_works_in_every_folder(folder: Path) -> None:
    for name in ("random", "signal", "click"):
        (folder / f"{name}.py").write_text("raise SystemExit('of the working folder')")
    ran = python(folder, "-m", "benchmark", "list", "tasks")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "digits" in ran.stdout


def test_workers_start_in_every_folder(folder: Path) -> None:
    for name in ("random", "signal", "joblib"):
        (folder / f"{name}.py").write_text("raise SystemExit('of the working folder')")
    ran = python(folder, "-P", "-c", MAP)
    assert (ran.stdout, ran.stderr) == ("[1, 2, 3]\n", "")


def test_a_strategy_that_imports_a_neighbour_is_told_what_to_do(folder: Path) -> None:
    (folder / "mine.py").write_text("import neighbour\n")
    other = folder / "other"
    other.mkdir()
    ran = python(other, "-m", "benchmark", "check", "../mine.py:Mine")
    assert ran.returncode == 2
    assert ran.stderr == (
        f"Error: can't run {folder / 'mine.py'}: ModuleNotFoundError: No module named 'neighbour' "
        "(line 1); keep a strategy in one file, or install what it imports\n"
    )
    (folder / "mine.py").write_text("import tasks.mine\n")
    ran = python(folder, "-m", "benchmark", "check", "mine.py:Mine")
    assert ran.stderr.endswith("tasks is Ticket Benchmark's own package: call yours otherwise\n")

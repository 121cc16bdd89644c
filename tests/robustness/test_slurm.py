"""The recipe for SLURM: its steps run here, on two nodes that are processes of this machine."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from benchmark.storage.folder import view_records

RECIPE = Path(__file__).parents[2] / "docs" / "slurm.sh"
BIN = Path(sys.executable).parent

_SRUN = """#!/bin/bash
# Runs each of its tasks here; ends them when it is ended, as Slurm's does.
tasks=1
echo "$@" >>"$SRUN_LOG"
while [[ $1 == --* ]]; do
    case $1 in --ntasks=*) tasks=${1#*=} ;; esac
    shift
done
for ((task = 0; task < tasks; task++)); do "$@" & done
trap 'kill $(jobs -p)' TERM
wait
wait
"""


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck isn't installed")
def test_the_recipe_is_clean() -> None:
    found = subprocess.run(["shellcheck", RECIPE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def _submit(folder: Path, *command: str) -> tuple[int, str, str]:
    """Exit code, what was said, and a mark that all processes of the job have."""
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(_SRUN)
    srun.chmod(0o755)
    mark = uuid4().hex
    given = {name: value for name, value in os.environ.items() if "RAY" not in name}
    given |= {
        "PATH": os.pathsep.join([str(srun.parent), str(BIN), given["PATH"]]),
        "PYTHONPATH": str(RECIPE.parents[1]),
        "SRUN_LOG": str(folder / "srun.log"),
        "TICKET_BENCHMARK_MARK": mark,
        "RAY_worker_niceness": "0",
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_NNODES": "2",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURMD_NODENAME": "first",
    }
    script = ["bash", str(RECIPE), *command]
    with (folder / "job.out").open("w") as out:
        ended = subprocess.run(
            script, env=given, cwd=folder, stdout=out, stderr=out, check=False, timeout=400
        )
    return ended.returncode, (folder / "job.out").read_text(), mark


def _alive(mark: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in place.joinpath("environ").read_bytes():
                found.append(place.joinpath("cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def _wait_until_all_have_ended(mark: str) -> None:
    deadline = time.monotonic() + 20
    while (left := _alive(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


@pytest.mark.long
def test_a_job_runs_its_command_on_all_nodes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray isn't installed")
    run = ("run", "--smoke", "--strategies", "random", "--out", "run")
    code, said, mark = _submit(tmp_path, *run)
    assert code == 0, said
    assert view_records(tmp_path / "run").environment["workers"] == 2
    (step,) = (tmp_path / "srun.log").read_text().splitlines()
    asked, started = step.split(" ray ")
    assert asked == "--export=ALL --nodes=1 --ntasks=1 --cpus-per-task=1 --exclude=first"
    assert started.startswith("start --address=")
    _wait_until_all_have_ended(mark)


@pytest.mark.long
def test_a_job_ends_with_the_exit_code_of_its_command(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray isn't installed")
    code, said, mark = _submit(tmp_path, "tabulate", "--task", "nonsense")
    assert code == 2
    assert "unknown task 'nonsense'" in said
    _wait_until_all_have_ended(mark)

"""Whoever works for a process that is killed alone ends, too."""

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL
from time import sleep

import pytest

from benchmark.plugins.nursery import start_child
from benchmark.workers.processes import Processes
from tests.robustness.orphaned import PATIENCE, Remains, belonging


def occupied(connection: Connection, folder: Path) -> None:
    os.environ["TICKET_BENCHMARK_CACHE"] = str(folder / "cache")
    start_child(sit).connection.recv()
    jobs = Processes().run(sit_down, [folder / "mark"], count=1, device="cpu", work="training")
    connection.send(list(jobs))


def sit(connection: Connection) -> None:
    connection.send(None)
    sleep(10 * PATIENCE)


def sit_down(mark: Path) -> None:
    mark.touch()
    sleep(10 * PATIENCE)


def test_nobody_goes_on_for_a_process_that_was_killed_alone(tmp_path: Path) -> None:
    child = start_child(occupied, tmp_path)
    while not (tmp_path / "mark").exists():
        assert not child.connection.poll(0.01)
    os.kill(child.pid, SIGKILL)
    child.end(kill=False)
    remains = Remains(tmp_path)
    assert remains.count >= 3  # a worker, a nursery and its child; perhaps who cleans up
    assert remains.left() == []


def ranks(folder: Path) -> int:
    """How many processes of a group have found each other: gloo names its threads."""
    found = 0
    for pid in belonging(folder):
        with suppress(OSError):
            threads = [path.read_text() for path in Path("/proc", str(pid), "task").glob("*/comm")]
            found += any("gloo" in name for name in threads)
    return found


@pytest.mark.long
def test_processes_of_a_group_end_with_torchrun(tmp_path: Path) -> None:
    line = "-m torch.distributed.run --standalone --nproc-per-node 2 -m benchmark supernet train"
    environment = os.environ | {"TICKET_BENCHMARK_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        [sys.executable, *line.split(), "--supernet-epochs", "9999"], env=environment
    ) as command:
        while ranks(tmp_path) < 2:
            assert command.poll() is None
            sleep(0.5)
        command.kill()
        command.wait()
    remains = Remains(tmp_path)
    assert remains.count >= 2
    assert remains.left() == []

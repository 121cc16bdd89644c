"""Whoever works for a process that is killed alone ends, too."""

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL
from time import monotonic, sleep

import pytest

from benchmark.basics.fork_server import shared, start_child
from benchmark.workers.processes import Processes
from tests.robustness.orphaned import ENDING_SECONDS, Remains, belonging


def occupied(connection: Connection, folder: Path) -> None:
    os.environ["TICKET_BENCHMARK_CACHE"] = str(folder / "cache")
    child = start_child(sit)
    child.connection.recv()
    connection.send({shared(os.getpid()).pid, child.pid})
    jobs = Processes().run(sit_down, [folder], count=1, device="cpu", work="training")
    connection.send(list(jobs))


def sit(connection: Connection) -> None:
    connection.send(None)
    sleep(10 * ENDING_SECONDS)


def sit_down(folder: Path) -> None:
    (folder / "begun").write_text(str(os.getpid()))
    (folder / "begun").rename(folder / "worker")
    sleep(10 * ENDING_SECONDS)


@pytest.mark.long
def test_nobody_goes_on_for_a_process_that_was_killed_alone(tmp_path: Path) -> None:
    child = start_child(occupied, tmp_path)
    workers = child.connection.recv()
    worker = tmp_path / "worker"
    until = monotonic() + 10 * ENDING_SECONDS
    while not worker.exists():
        assert monotonic() < until
        assert not child.connection.poll(0.01)
    working = belonging(tmp_path)
    assert working.keys() >= workers | {int(worker.read_text())}
    child.signal(SIGKILL)
    assert child.end(kill=False) == -SIGKILL
    assert Remains(working).left() == []


def ranks(folder: Path) -> set[int]:
    """Processes of a group that have found each other: gloo names its threads."""
    found = set()
    for pid in belonging(folder):
        with suppress(OSError):
            threads = [path.read_text() for path in Path("/proc", str(pid), "task").glob("*/comm")]
            if any("gloo" in name for name in threads):
                found.add(pid)
    return found


@pytest.mark.long
def test_processes_of_a_group_end_with_torchrun(tmp_path: Path) -> None:
    line = "-m torch.distributed.run --standalone --nproc-per-node 2 -m benchmark supernet train"
    environment = os.environ | {"TICKET_BENCHMARK_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        [sys.executable, *line.split(), "--supernet-epochs", "9999"], env=environment
    ) as command:
        while len(ranks(tmp_path)) < 2:
            assert command.poll() is None
            sleep(0.5)
        working = belonging(tmp_path)
        command.kill()
        command.wait()
    assert len(working) >= 3  # torchrun itself and its ranks
    assert Remains(working).left() == []

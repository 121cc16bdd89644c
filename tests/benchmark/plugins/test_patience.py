"""Limits on what others may take count only time in which this process runs."""

import os
import signal
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from benchmark.plugins import patience
from benchmark.plugins.nursery import start_child
from benchmark.plugins.patience import Countdown, Overdue, Patience, within


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_LOOK", 0.05)


def busy(connection: Connection) -> None:
    patience._LOOK = 0.05  # noqa: SLF001 - another process
    try:
        with Patience(0.5).running():
            connection.send("begun")
            connection.recv()
    except Overdue:
        connection.send("overdue")
    else:
        connection.send("in time")


def test_nobody_is_overdue_because_its_process_was_stopped() -> None:
    child = start_child(busy)
    assert child.connection.recv() == "begun"
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(1.0)
    os.kill(child.pid, signal.SIGCONT)
    child.connection.send("go on")
    assert child.connection.recv() == "in time"
    child.end()


def test_who_loops_or_sleeps_is_overdue() -> None:
    for limit in (0.02, 0.12):  # shorter and longer than a look
        started = time.monotonic()
        with (
            pytest.raises(Overdue, match=f"took longer than {limit:g} s"),
            Patience(limit).running(),
        ):
            time.sleep(60)
        assert time.monotonic() - started >= limit


def test_who_works_beyond_looks_is_overdue() -> None:
    left = Countdown(10.0)
    left.start()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    left.stop()
    assert left.left <= 9.8


def test_what_a_process_didn_t_see_doesn_t_count() -> None:
    left = Countdown(10.0)
    left.start()
    time.sleep(0.3)
    left.stop()
    assert left.left > 9.8


def test_waiting_ends_with_the_time_or_with_what_comes() -> None:
    ours, theirs = Pipe()
    left = Countdown(0.12)
    assert not within(left, ours.poll)
    assert left.left <= 0
    theirs.send("something")
    assert within(left, ours.poll)  # it is there already
    left = Countdown(60.0)
    assert within(left, ours.poll)
    assert left.left > 59

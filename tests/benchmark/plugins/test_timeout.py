"""Limits on what others may take count only time in which this process runs."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from benchmark.basics.fork_server import start_child
from benchmark.plugins import timeout
from benchmark.plugins.error_translation import as_strategy_errors
from benchmark.plugins.timeout import Countdown, TimedOut, Timeout, within


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "_LOOK", 0.05)


def busy(connection: Connection) -> None:
    timeout._LOOK = 0.05  # noqa: SLF001 - another process
    try:
        with Timeout(0.5).running():
            connection.send("begun")
            connection.recv()
    except TimedOut:
        connection.send("timed out")
    else:
        connection.send("in time")


def test_nobody_times_out_because_its_process_was_stopped() -> None:
    child = start_child(busy)
    assert child.connection.recv() == "begun"
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(1.0)
    os.kill(child.pid, signal.SIGCONT)
    child.connection.send("go on")
    assert child.connection.recv() == "in time"
    child.end()


def test_who_loops_or_sleeps_times_out() -> None:
    for limit in (0.02, 0.12):  # shorter and longer than a look
        started = time.monotonic()
        with (
            pytest.raises(TimedOut, match=f"took longer than {limit:g} s"),
            Timeout(limit).running(),
        ):
            time.sleep(60)
        assert time.monotonic() - started >= limit


def test_who_works_beyond_looks_times_out() -> None:
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


@pytest.fixture
def rung() -> Iterator[list[float]]:
    """When the caller's alarm was given."""
    times: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: times.append(time.monotonic()))
    yield times
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def rest(seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(left)


def test_the_caller_s_alarm_goes_on_where_it_was(rung: list[float]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    due = time.monotonic() + 0.4
    signal.setitimer(signal.ITIMER_REAL, 0.4, 7.0)
    with Timeout(60.0).running():
        rest(0.15)
    assert rung == []
    assert signal.getsignal(signal.SIGALRM) is handler
    left, again = signal.getitimer(signal.ITIMER_REAL)
    assert left == pytest.approx(due - time.monotonic(), abs=0.02)
    assert again == pytest.approx(7.0)
    rest(0.3)
    assert len(rung) == 1


def test_the_caller_s_alarm_is_given_in_time_while_somebody_else_works(rung: list[float]) -> None:
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.12, 0.1)
    timeout = Timeout(60.0)
    with timeout.running():
        rest(0.16)
        with timeout.paused():
            rest(0.1)
    seconds = [when - started for when in rung]
    assert seconds == pytest.approx([0.12, 0.22], abs=0.06)


def test_a_caller_who_sets_the_clock_anew_is_heard_again(rung: list[float]) -> None:
    def again(*_: object) -> None:
        rung.append(time.monotonic())
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with Timeout(60.0).running():
        rest(0.23)
    assert 3 <= len(rung) <= 4


def test_without_an_alarm_none_is_left_behind(rung: list[float]) -> None:
    with Timeout(60.0).running():
        rest(0.12)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert rung == []


def goes_on_whatever_happens() -> None:
    with Timeout(60.0).running(), suppress(Exception):
        rest(5.0)


def test_what_the_caller_s_alarm_raises_is_not_the_strategy_s_fault(rung: list[float]) -> None:
    def late(*_: object) -> None:
        raise TimeoutError("the job's time is over")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(TimeoutError, match="the job's time is over"), as_strategy_errors():
        goes_on_whatever_happens()
    assert rung == []


def test_one_limit_inside_another_keeps_both() -> None:
    started = time.monotonic()
    shorter, longer = Timeout(0.2), Timeout(60.0)
    with pytest.raises(TimedOut, match=r"0\.2 s"), shorter.running(), longer.running():
        rest(5.0)
    assert 0.2 <= time.monotonic() - started < 2
    with pytest.raises(TimedOut, match=r"0\.2 s"), longer.running(), shorter.running():
        rest(5.0)


def test_who_goes_on_is_interrupted_again_but_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "_AGAIN", 0.1)
    interrupted: list[float] = []
    with Timeout(0.05).running():
        started = time.monotonic()
        while time.monotonic() < started + 0.4:
            try:
                rest(1.0)
            except TimedOut:
                interrupted.append(time.monotonic() - started)
    assert interrupted[:3] == pytest.approx([0.05, 0.15, 0.25], abs=0.06)

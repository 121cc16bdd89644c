"""Children of the fork server: what they say, how they end, and that none outlives its use."""

import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmark.basics import fork_server
from benchmark.basics.fork_server import start_child
from benchmark.plugins.confined import shown_stack
from benchmark.plugins.timeout import TimedOut, Timeout


def greet(connection: Connection, name: str) -> None:
    connection.send(f"hello {name}, from {os.getppid()}")


def leave(_: Connection, code: int) -> None:
    sys.exit(code)


def vanish(_: Connection, number: int) -> None:
    os.kill(os.getpid(), number)


def stay(connection: Connection) -> None:
    connection.send(os.getpid())
    time.sleep(600)


def close_and_stay(connection: Connection) -> None:
    connection.close()
    time.sleep(600)


def hang() -> None:
    time.sleep(600)


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    return False


def listen(connection: Connection) -> None:
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_a_child_hears_signals_that_its_fork_server_did_not_while_it_was_started() -> None:
    child = start_child(listen)
    assert child.connection.recv() is False
    child.end()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_child_is_not_forked_from_this_process_and_is_quick() -> None:
    first = start_child(greet, "you")
    started = time.perf_counter()
    second = start_child(greet, "again")
    assert time.perf_counter() - started < 1
    parents = [child.connection.recv().split()[-1] for child in (first, second)]
    assert parents[0] == parents[1] != str(os.getpid())
    assert [child.end(kill=False) for child in (first, second)] == [0, 0]


@pytest.mark.parametrize(("work", "value", "code"), [(leave, 3, 3), (leave, 0, 0), (vanish, 9, -9)])
def test_how_a_child_ended_is_known(work: fork_server.Work, value: int, code: int) -> None:
    child = start_child(work, value)
    with pytest.raises(EOFError):
        child.connection.recv()
    assert child.end(kill=False) == code


def test_a_child_that_stays_is_killed() -> None:
    child = start_child(stay)
    assert alive(child.connection.recv())
    assert child.end() == -9
    assert not alive(child.pid)


def test_a_child_that_closes_its_connection_and_stays_is_killed_after_a_while() -> None:
    child = start_child(close_and_stay)
    with pytest.raises(EOFError):
        child.connection.recv()
    assert child.end(kill=False) == -signal.SIGKILL


def test_a_child_dropped_in_the_middle_of_something_is_killed_later() -> None:
    child = start_child(stay)
    kept = fork_server.shared(os.getpid())
    with kept.conversation():
        child.end()
        gc.collect()
    assert not alive(child.pid)
    other = start_child(greet, "you")
    assert other.connection.recv().startswith("hello")
    other.end()


def interrupted() -> fork_server.ForkServer:
    """A fork server that somebody ended by leaving in the middle of a conversation."""
    start_child(greet, "you").end()
    kept = fork_server.shared(os.getpid())
    with pytest.raises(TimedOut), kept.conversation():
        raise TimedOut
    return kept


def test_no_signal_goes_to_the_number_of_a_child_that_went_with_its_fork_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = start_child(stay)
    child.connection.recv()
    gone = interrupted()
    sent: list[int] = []
    for name in ("kill", "killpg"):
        monkeypatch.setattr(os, name, lambda pid, _: sent.append(pid))
    child.signal(signal.SIGUSR1)
    assert shown_stack(child) == ""
    with gone.conversation():
        assert child.end() == -signal.SIGKILL
    child.signal(signal.SIGUSR1)
    assert sent == []


def test_a_fork_server_that_is_replaced_leaves_no_descriptors() -> None:
    interrupted()
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        interrupted()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_fork_server_that_is_gone_takes_its_children_along_and_is_replaced() -> None:
    child = start_child(stay)
    pid = child.connection.recv()
    gone = fork_server.shared(os.getpid())
    os.kill(gone.pid, 9)
    while gone.alive:
        time.sleep(0.01)
    assert start_child(greet, "you").connection.recv().startswith("hello")
    until = time.monotonic() + 5
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive(pid)
    assert child.end() == -9


def test_who_leaves_in_the_middle_of_a_conversation_gets_no_answer_of_before() -> None:
    with pytest.raises(TimedOut), Timeout(0.2).running():
        start_child(greet, "you", before=hang)
    child = start_child(leave, 3)
    with pytest.raises(EOFError):
        child.connection.recv()
    assert child.end(kill=False) == 3


def test_nobody_is_killed_who_was_not_born_there() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        start_child(greet, "you").end()
        assert fork_server.shared(os.getpid()).reap(other.pid, kill=True) == -9
        assert other.poll() is None
    assert other.returncode == 1  # by itself, when nobody could type any more
    child = start_child(greet, "you")
    assert child.connection.recv().startswith("hello")
    child.end()

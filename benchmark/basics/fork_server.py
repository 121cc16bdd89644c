"""Child processes for code that may hang, exit or crash, forked from a small clean process.

A process with threads, databases and torch's pools can't be forked safely, and starting Python
anew takes seconds. So one small process is started when it is first needed, and forked from
then on: a child takes milliseconds. Children end with the process that asked for them.

``multiprocessing``'s own fork server doesn't serve here:

- Each of its children runs the caller's main module anew: a script without a guard ends in a
  RuntimeError, or starts children for ever.
- It and its children keep each other alive: a child hung in native code goes on when the process
  that it works for is killed. There is no public way to close the pipe that each child inherits.
- Signals go to a number that may be another process's by then; here the parent alone, who hasn't
  reaped it, ends a child with all that it has started.
- What is imported once for all children is settled when it starts, by names of modules.

A child that starts, answers and is ended took it 2.8 and 3.0 times as long as here (two series of
60 pairs, medians).
"""

import atexit
import ctypes
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any, final

from benchmark.basics.interpreter import python_calling, uninterrupted

Work = Callable[..., None]
"""What a child does: called with its connection and the arguments that were given."""

_LEAVING = 5.0  # seconds for who has closed its connection to end: it may go on without one
_PARENT_DIED = 1  # PR_SET_PDEATHSIG of prctl(2)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


CAN_FORK = hasattr(os, "fork")
"""Elsewhere nothing can be started here, and code of others runs in the process itself."""


@final
class Child:
    """A process that runs one function.

    Attributes:
        pid: its number; it leads a session of its own.
        connection: to the function.
    """

    def __init__(self, fork_server: "ForkServer", pid: int, connection: Connection) -> None:
        self.pid = pid
        self.connection = connection
        self._fork_server = fork_server
        self._end: int | None = None

    def end(self, *, kill: bool = True) -> int:
        """Wait for the end of the process.

        Args:
            kill: it and all that it has started, at once; otherwise after some seconds, in which
                it may end by itself. What it has started and not ended goes on then.

        Returns:
            its exit code, or the negative number of the signal that ended it.
        """
        if self._end is None:
            self._end = self._fork_server.reap(self.pid, kill=kill)
            self.connection.close()
        return self._end

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended: its number may be somebody else's by now."""
        if self._end is None and self._fork_server.alive and self.pid > 1:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@final
class ForkServer:
    """The small process that children of this process are forked from."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with uninterrupted():
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                python_calling(__name__, str(theirs.fileno()), _lasting_parent()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | ONE_THREAD,
            )
        theirs.close()
        self._control = Connection(ours.detach())
        self._turn = threading.RLock()
        self._talking = False
        self._abandoned: list[int] = []

    def start(
        self,
        work: Work,
        *arguments: Any,
        before: Callable[[], object] | None = None,
    ) -> Child:
        """Run ``work(connection, *arguments)`` in a new child.

        Args:
            work: a function that can be pickled.
            arguments: to it, which can be pickled.
            before: done once before the child is forked, so that it needn't be done in each.
                Nothing of somebody else's: what ends or hangs this process ends all children.

        Raises:
            OSError, EOFError: the fork server is gone.
        """
        pickled = pickle.dumps((work, arguments, before))
        ours, theirs = socket.socketpair()
        with ours, theirs, self.conversation():
            self._control.send(("start", pickled))
            send_handle(self._control, theirs.fileno(), self._process.pid)
            return Child(self, self._control.recv(), Connection(ours.detach()))

    def reap(self, pid: int, *, kill: bool) -> int:
        """Wait for the end of the child ``pid``, as `Child.end` says, which calls this."""
        if not self.alive:  # its children are gone with it, and their numbers are free
            return -signal.SIGKILL
        if self._talking:  # garbage was collected in the middle of something
            self._abandoned.append(pid)
            return -signal.SIGKILL
        try:
            with self.conversation():
                return self._reap(pid, kill=kill)
        except (OSError, EOFError):  # the fork server is gone, and its children with it
            return -signal.SIGKILL

    @contextmanager
    def conversation(self) -> Iterator[None]:
        """Talk to the fork server without being interrupted.

        Who leaves in the middle (by an alarm, by Ctrl-C) ends it: its next answer would be taken
        for that to another question, an exit code for the number of a process.
        """
        with self._turn:
            self._talking = True
            try:
                self._reap_abandoned()
                yield
                self._reap_abandoned()
            except BaseException:
                self._end()
                raise
            finally:
                self._talking = False

    def _reap_abandoned(self) -> None:
        while self._abandoned:
            self._reap(self._abandoned.pop(), kill=True)

    def _end(self) -> None:
        self._process.kill()
        self.close()

    def _reap(self, pid: int, *, kill: bool) -> int:
        self._control.send(("reap", pid, kill))
        return int(self._control.recv())

    def close(self) -> None:
        """End the fork server and all its children."""
        self._control.close()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Number of the fork server's own process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the fork server runs, so that it can start children."""
        return self._process.poll() is None


@cache
def shared(process: int) -> ForkServer:  # noqa: ARG001 - a fork needs one of its own
    """The fork server of the process with this number, which is the one that asks."""
    fork_server = ForkServer()
    atexit.register(fork_server.close)
    return fork_server


def start_child(work: Work, *arguments: Any, before: Callable[[], object] | None = None) -> Child:
    """Start a child of this process's fork server; see `ForkServer.start`."""
    kept = shared(os.getpid())
    if not kept.alive:
        atexit.unregister(kept.close)
        kept.close()
        shared.cache_clear()
    return shared(os.getpid()).start(work, *arguments, before=before)


def _lasting_parent() -> str:
    """The number of this process for who may ask the kernel to be told of its end."""
    # What the kernel tells of is the end of the thread that asked for a process.
    lasts = threading.current_thread() is threading.main_thread()
    return str(os.getpid() if lasts else 0)


def main() -> None:
    """Be the fork server; arguments: the socket's number, and see `_lasting_parent`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our parent decides what Ctrl-C means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # for those that are forked
    with suppress(OSError):
        os.dup2(2, 1)  # what others print is no part of what a command prints
    control = Connection(int(sys.argv[1]))
    children: set[int] = set()
    if parent := int(sys.argv[2]):
        _end_with(parent, children)
    with suppress(EOFError, ConnectionError):
        while True:
            kind, *values = control.recv()
            if kind == "start":
                children.add(_start(control, values[0]))
            elif values[0] in children:  # only who was born here dies here
                control.send(_reap(*values))
                children.discard(values[0])
            else:
                break
    for pid in children:
        _kill(pid)


def _end_with(parent: int, children: set[int]) -> None:
    """Notice the parent's end in the middle of something too."""

    def end(*_: object) -> None:
        for pid in children:
            _kill(pid)
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    _ask_for(signal.SIGTERM)
    if os.getppid() != parent:
        end()


def _ask_for(number: int) -> None:
    """Have the kernel send this signal when the parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, number)


def _start(control: Connection, pickled: bytes) -> int:
    handle = recv_handle(control)
    work, arguments, before = pickle.loads(pickled)  # noqa: S301 - our parent made it
    if before is not None:
        with suppress(Exception, SystemExit):  # the child will meet it again, and tell
            before()
    fork_server = os.getpid()
    pid = os.fork()
    if pid == 0:
        control.close()
        _live(fork_server, handle, work, arguments)
    os.close(handle)
    control.send(pid)
    return pid


def _live(fork_server: int, handle: int, work: Work, arguments: tuple[Any, ...]) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _ask_for(signal.SIGKILL)
        if os.getppid() == fork_server:
            work(Connection(handle), *arguments)
            code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def _reap(pid: int, kill: bool) -> int:  # noqa: FBT001 - from a message
    ended, status = 0, 0
    until = time.monotonic() + _LEAVING
    while not kill and not ended and time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0 if ended else 0.01)
    if not ended:
        _kill(pid)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _kill(pid: int) -> None:
    if pid <= 1:
        raise ValueError(f"expected the number of a process, received {pid}: it means everybody")
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

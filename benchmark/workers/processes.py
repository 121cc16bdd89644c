"""Worker processes on this machine, forked from a process that has imported what they need.

That takes milliseconds a worker instead of the seconds in which each would import torch; what
they have in common lies in memory once. `benchmark.basics.fork_server` ends them with the process
that they work for, whatever that dies of.
"""

import atexit
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from typing import Any, final

import cloudpickle

from benchmark.basics.errors import WorkerError
from benchmark.basics.fork_server import ONE_THREAD, Child, ForkServer
from benchmark.workers.dispatch import Dispatcher, WorkerLostError
from benchmark.workers.engine import Job, Result, Work, done

_IDLE = 300  # seconds after which workers without jobs end


@final
class Processes(Dispatcher[Child, Connection]):
    """As many processes as asked for; they stay for the next jobs, and end with this process."""

    def __init__(self) -> None:
        super().__init__()
        self._server: ForkServer | None = None
        self._before: Callable[[], object] | None = None

    def places(self, count: int, device: str, work: Work) -> int:  # noqa: ARG002 - all the same here
        return count

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        """Do jobs in processes of this machine, as `Dispatcher.run` says."""
        # Nobody idle has anything to say: who can be read from has ended.
        ended = [worker for worker in self._idle if worker.connection.poll()]
        self._dismiss(ended)
        self._idle = [worker for worker in self._idle if worker not in ended]
        self._before = partial(_import_for, cloudpickle.dumps(function))
        yield from super().run(function, jobs, count=count, device=device, work=work)

    def close(self) -> None:
        """End all of these processes, and the one that they are forked from."""
        self._idle, self._starting = [], {}
        if self._server is not None:
            atexit.unregister(self._server.close)
            self._server.close()
            self._server = None

    def _start(self, device: str, work: Work) -> tuple[Child, Connection]:
        del device, work  # all the same here
        if self._server is None or not self._server.alive:
            self.close()
            self._server = ForkServer()
            atexit.register(self._server.close)
        try:
            child = self._server.start(serve, dict(os.environ), sys.path, before=self._before)
        except (OSError, EOFError) as error:
            raise WorkerError(f"no worker process could be started: {error}") from error
        return child, child.connection

    def _send(self, worker: Child, function: Callable[[Any], Any], job: Any) -> Connection:
        pickled = cloudpickle.dumps((os.getcwd(), function, job))  # noqa: PTH109 - of another process
        with suppress(ConnectionError):  # it is lost, which its answer will tell
            worker.connection.send_bytes(pickled)
        return worker.connection

    def _answered(self, pending: Sequence[Connection], seconds: float) -> Connection | None:
        found = wait(pending, timeout=seconds)
        return next((connection for connection in pending if connection in found), None)

    def _answer(self, answered: Connection) -> Any:
        try:
            pickled = answered.recv_bytes()
        except (EOFError, ConnectionError) as error:
            raise WorkerLostError from error
        raised, result = pickle.loads(pickled)  # noqa: S301 - our own process made it
        if raised is not None:
            raise raised
        return result

    def _end(self, worker: Child) -> None:
        worker.end()


@contextmanager
def processes() -> Iterator[Processes]:
    """Processes that nobody else uses meanwhile; they stay for whoever asks next."""
    free = _free(os.getpid())
    taken = free.pop() if free else Processes()
    try:
        yield taken
    finally:
        free.append(taken)


@cache
def _free(process: int) -> list[Processes]:  # noqa: ARG001 - a fork has none of them
    return []


def _import_for(function: bytes) -> None:
    """Import what a function needs, and what `done` does."""
    import benchmark.basics.threads  # noqa: F401, PLC0415 - imports torch

    cloudpickle.loads(function)


def serve(connection: Connection, environment: dict[str, str], path: list[str]) -> None:
    """Be a worker: do what is handed over until nobody has, or nothing has come for long."""
    os.environ.clear()
    os.environ.update(environment | ONE_THREAD)
    sys.path[:] = path
    connection.send_bytes(pickle.dumps((None, None)))
    with suppress(EOFError, ConnectionError):
        while connection.poll(_IDLE):
            connection.send_bytes(_reply(connection.recv_bytes()))


def _reply(pickled: bytes) -> bytes:
    """Error and result of a job, one of them None."""
    try:
        folder, function, job = cloudpickle.loads(pickled)
        os.chdir(folder)
        return cloudpickle.dumps((None, done(function, job)))  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised there
        return _pickled_error(error)


def _pickled_error(error: Exception) -> bytes:
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickled: bytes = cloudpickle.dumps((error, None))
        pickle.loads(pickled)  # noqa: S301 - some can't be made again
    except Exception:  # noqa: BLE001 - a foreign class may raise anything; its words go on
        return pickle.dumps((WorkerError(f"{type(error).__name__}: {error}"), None))
    return pickled

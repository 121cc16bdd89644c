"""Worker processes on this machine, through loky."""

import os
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.resource_tracker import ensure_running
from typing import Any, TypeVar, final

from joblib.externals.loky import get_reusable_executor

from benchmark.basics.errors import WorkerError
from benchmark.basics.interpreter import uninterrupted
from benchmark.workers.engine import Engine, Work, done
from benchmark.workers.orphans import end_with

Job = TypeVar("Job")
Result = TypeVar("Result")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SAFE_PATH = "PYTHONSAFEPATH"
_IDLE = 300  # seconds after which workers without jobs end
_LOOK = 5.0  # seconds between looks at the thread that manages them
_TRIES = 3


@final
class Processes(Engine):
    """As many processes as asked for; they stay for the next jobs, and end with this process.

    When one of them is killed, loky ends the others too: what they were doing is done
    again by new ones, and what is finished stays finished.
    """

    def places(self, count: int, device: str, work: Work) -> int:  # noqa: ARG002 - all the same here
        return count

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,  # noqa: ARG002 - jobs know theirs
        work: Work,  # noqa: ARG002 - all the same here
    ) -> Iterator[tuple[int, Result]]:
        """See `WorkerPool.map`.

        Raises:
            WorkerError: processes died several times without finishing anything.
        """
        waiting = dict(enumerate(jobs))
        fruitless = 0
        while waiting:
            before = len(waiting)
            try:
                for index, result in _round(function, waiting, count):
                    del waiting[index]
                    yield index, result
            except BrokenProcessPool as error:
                fruitless = fruitless + 1 if len(waiting) == before else 0
                if fruitless == _TRIES:
                    raise WorkerError(
                        f"worker processes were killed {_TRIES} times before any of "
                        f"{len(waiting)} jobs was done; if memory ran out, use fewer --workers"
                    ) from error


def _round(
    function: Callable[[Job], Result], waiting: dict[int, Job], count: int
) -> Iterator[tuple[int, Result]]:
    """Results of ``waiting`` until a process dies.

    Raises:
        BrokenProcessPool: one did.
    """
    finished = False
    with warnings.catch_warnings():
        # Loky replaces workers that have grown; nobody has to do anything about it. As an error
        # this warning would end the thread that manages them.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        with _undisturbed():
            executor = get_reusable_executor(
                max_workers=count,
                timeout=_IDLE,
                env=dict.fromkeys(_THREADS, "1") | {_SAFE_PATH: "1"},
                initializer=end_with,
                initargs=(os.getpid(),),
            )
        try:
            with _undisturbed():
                futures = {executor.submit(done, function, job): n for n, job in waiting.items()}
            for future in _completed(futures, executor):
                yield futures[future], future.result()
            finished = True
        finally:
            if not finished:
                _end(executor)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let processes that are started inside not look for modules in the working folder first.

    WorkerPool take over our path once they are up, but import loky and much of Python before; those
    that clean up behind them never do. Ctrl-C isn't for them either.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        if os.name == "posix":
            ensure_running()  # else loky starts it, and Python 3.11 lets signals through afterwards
        with uninterrupted():
            yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _completed(futures: Iterable[Future[Result]], executor: Any) -> Iterator[Future[Result]]:
    pending = set(futures)
    while pending:
        ready, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
        manager = executor._executor_manager_thread  # noqa: SLF001 - nothing public tells
        if not ready and (manager is None or not manager.is_alive()):
            raise BrokenProcessPool("the thread that manages the workers has ended")
        yield from ready


def _end(executor: Any) -> None:
    """End processes whose results nobody wants, or that are broken.

    To loky they were killed by somebody: its own way to shut down with jobs still queued
    may end in an exception in the thread that manages them.
    """
    manager = executor._executor_manager_thread  # noqa: SLF001 - as above
    for process in list((executor._processes or {}).values()):  # noqa: SLF001 - as above
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    if manager is not None and manager.is_alive():
        manager.join()
    executor.shutdown(wait=True)

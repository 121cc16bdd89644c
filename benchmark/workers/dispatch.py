"""Jobs handed to workers one by one, so that a worker that dies costs the job it was doing."""

from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from benchmark.basics.errors import WorkerError
from benchmark.workers.engine import Engine, Job, Result, Work

Worker = TypeVar("Worker")
Pending = TypeVar("Pending", bound=Hashable)

_LOOK = 5.0  # seconds between looks at how many workers there could be
_TRIES = 3


class WorkerLostError(Exception):
    """The worker has died, and with it what it was doing."""


class Dispatcher(Engine, Generic[Worker, Pending]):
    """Workers that stay for the next jobs, so that what jobs need is loaded once a worker.

    Derived classes start them, hand them jobs and end them. Each owes at most one answer, a
    ``Pending``: first that it has started, then the result of each job.
    """

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._starting: dict[Pending, Worker] = {}
        self._failed = 0

    @abstractmethod
    def _start(self, device: str, work: Work) -> tuple[Worker, Pending]:
        """Start a worker for ``work`` on ``device``."""

    @abstractmethod
    def _send(self, worker: Worker, function: Callable[[Any], Any], job: Any) -> Pending:
        """Hand a job to a worker that is idle."""

    @abstractmethod
    def _answered(self, pending: Sequence[Pending], seconds: float) -> Pending | None:
        """One of ``pending`` that is answered, or whose worker is lost, within ``seconds``."""

    @abstractmethod
    def _answer(self, answered: Pending) -> Any:
        """What the worker has answered; what its job has raised is raised here.

        Raises:
            WorkerLostError: there will be no answer.
        """

    @abstractmethod
    def _end(self, worker: Worker) -> None:
        """End a worker, whatever it does, unless it has ended."""

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        """Yield index and result of each job as it finishes, whoever dies meanwhile.

        Raises:
            UsageError: no place is left where the jobs could be done.
            WorkerError: a job's workers died several times, or workers can't start.
        """
        waiting = deque(range(len(jobs)))
        running: dict[Pending, tuple[Worker, int]] = {}
        lost: Counter[int] = Counter()
        self._failed, look = 0, True
        try:
            while waiting or running:
                if look:
                    places = min(count, self.places(count, device, work))
                    self._fill(places - len(running), device, work)
                while self._idle and waiting and len(running) < count:
                    worker, index = self._idle[-1], waiting[0]
                    running[self._send(worker, function, jobs[index])] = worker, index
                    del self._idle[-1], waiting[0]
                found = self._answered([*running, *self._starting], _LOOK)
                look = found is None
                if found in self._starting:
                    look = not self._joined(found)
                elif found is not None:
                    try:
                        result = self._answer(found)
                    except WorkerLostError:
                        look = True
                        worker, index = running.pop(found)
                        self._end(worker)
                        waiting.appendleft(index)
                        lost[index] += 1
                        _check_tries(lost[index], index, len(jobs))
                    else:
                        worker, index = running.pop(found)
                        self._idle.append(worker)
                        yield index, result
        finally:
            # Whoever is still at work does it for nobody.
            self._dismiss([worker for worker, _ in running.values()])

    def _fill(self, count: int, device: str, work: Work) -> None:
        """Start workers until ``count`` are idle or starting."""
        for _ in range(count - len(self._idle) - len(self._starting)):
            worker, pending = self._start(device, work)
            self._starting[pending] = worker

    def _joined(self, answered: Pending) -> bool:
        """Whether a worker has started; some in a row that haven't are an error."""
        try:
            self._answer(answered)
        except WorkerLostError:
            # One lost node may end all that were starting at that moment: that counts once.
            self._dismiss(list(self._starting.values()))
            self._starting.clear()
            self._failed += 1
            if self._failed == _TRIES:
                raise WorkerError(
                    f"{_TRIES} workers in a row could not start: is this project, of the same "
                    "version, installed on every machine that has one?"
                ) from None
            return False
        self._idle.append(self._starting.pop(answered))
        self._failed = 0
        return True

    def _dismiss(self, workers: Sequence[Worker]) -> None:
        for worker in workers:
            self._end(worker)


def _check_tries(lost: int, index: int, jobs: int) -> None:
    if lost == _TRIES:
        raise WorkerError(
            f"job {index + 1} of {jobs} was lost {_TRIES} times with the worker that did it; if "
            "memory ran out there, let fewer --workers share a machine"
        )

"""Workers for independent jobs, one torch thread each: processes here, or a cluster's."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar, final

from benchmark.workers.threads import single_thread

Job = TypeVar("Job")
Result = TypeVar("Result")

Work = Literal["scoring", "training"]
"""What jobs do, which decides how many of them share a GPU."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(ABC):
    """Processes that jobs are done in, wherever they are.

    A process that dies costs what it was doing: its jobs are done again elsewhere.
    """

    @abstractmethod
    def places(self, count: int, device: str, work: Work) -> int:
        """How many of ``count`` processes can do ``work`` on ``device`` at a time.

        Raises:
            UsageError: none ever can.
        """

    @abstractmethod
    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        """See `Workers.map`; with at most ``count`` jobs at a time."""


@final
class Workers:
    """Runs jobs in ``count`` processes; with one, and no engine, in this process.

    Args:
        count: processes, at least 1.
        engine: has them; None for processes of this machine.
        device: that jobs use.
        work: what they do.
    """

    def __init__(
        self,
        count: int,
        engine: Engine | None = None,
        *,
        device: str = "cpu",
        work: Work = "scoring",
    ) -> None:
        self.count = count
        self._engine = engine
        self._device = device
        self._work: Work = work

    @classmethod
    def of(cls, workers: "int | Workers | None") -> "Workers":
        """These workers; or so many processes of this machine, None for one a core."""
        if isinstance(workers, Workers):
            return workers
        return cls(available_cores() if workers is None else workers)

    def on(self, device: str, work: Work = "scoring") -> "Workers":
        """Those of them that can do ``work`` on ``device``.

        Raises:
            UsageError: none ever can.
        """
        if self._engine is not None:
            count = self._engine.places(self.count, device, work)
            return Workers(count, self._engine, device=device, work=work)
        # A GPU of this machine answers one process at a time; processes are for cores.
        alone = device != "cpu" and work == "scoring"
        return Workers(1 if alone else self.count, device=device, work=work)

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job]
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(jobs[index]))`` in the order in which jobs finish.

        ``function`` and jobs must be picklable. What a job raises is raised here.

        Raises:
            WorkerError: jobs end the processes that do them, again and again.
        """
        if self._engine is None and (self.count == 1 or len(jobs) < 2):  # noqa: PLR2004 - one job needs no company
            with single_thread():
                for index, job in enumerate(jobs):
                    yield index, function(job)
            return
        engine = self._engine or _processes()
        yield from engine.run(
            function,
            jobs,
            count=min(self.count, len(jobs)),
            device=self._device,
            work=self._work,
        )


def _processes() -> Engine:
    from benchmark.workers.processes import Processes  # noqa: PLC0415 - it needs an `Engine`

    return Processes()


def done(function: Callable[[Job], Result], job: Job) -> Result:
    """What a worker does: ``function(job)`` on one thread."""
    with single_thread():
        return function(job)

"""WorkerPool for independent jobs, one torch thread each: processes here, or a cluster's."""

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import final

from benchmark.basics.bounds import WORKERS
from benchmark.basics.threads import single_thread
from benchmark.workers.engine import Engine, Job, Result, Work, available_cores


@final
class WorkerPool:
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
    def of(cls, workers: "int | WorkerPool | None") -> "WorkerPool":
        """These workers; or so many processes of this machine, None for one a core.

        Raises:
            UsageError: a number that can't be.
        """
        if isinstance(workers, WorkerPool):
            return workers
        return cls(available_cores() if workers is None else WORKERS.checked("workers", workers))

    def on(self, device: str, work: Work = "scoring") -> "WorkerPool":
        """Those of them that can do ``work`` on ``device``.

        Raises:
            UsageError: none ever can.
        """
        if self._engine is not None:
            count = self._engine.places(self.count, device, work)
            return WorkerPool(count, self._engine, device=device, work=work)
        # A GPU of this machine answers one process at a time; processes are for cores.
        alone = device != "cpu" and work == "scoring"
        return WorkerPool(1 if alone else self.count, device=device, work=work)

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], *, alone: float = 0.0
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(jobs[index]))`` in the order in which jobs finish.

        ``function`` and jobs must be picklable. What a job raises is raised here.

        Args:
            function: does a job.
            jobs: in the order in which they are begun.
            alone: seconds that this process does jobs by itself before it starts others, for
                jobs that may be done sooner than those are up.

        Raises:
            WorkerError: jobs end the processes that do them, again and again.
        """
        done = 0
        if self._engine is None:
            started = perf_counter()
            lonely = self.count == 1 or len(jobs) < 2  # noqa: PLR2004 - one job needs no company
            with single_thread():
                while done < len(jobs) and (lonely or perf_counter() - started < alone):
                    yield done, function(jobs[done])
                    done += 1
        if done == len(jobs):
            return
        from benchmark.workers.processes import Processes  # noqa: PLC0415 - takes a second

        engine = self._engine or Processes()
        rest = jobs[done:]
        for index, result in engine.run(
            function,
            rest,
            count=min(self.count, len(rest)),
            device=self._device,
            work=self._work,
        ):
            yield done + index, result

"""WorkerPool for independent jobs, one torch thread each: processes here, or a cluster's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any, final

from benchmark.basics.bounds import WORKERS
from benchmark.basics.fork_server import CAN_FORK
from benchmark.workers.engine import Engine, Job, Result, Work, available_cores, done
from benchmark.workers.processes import processes


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
        self.engine = engine
        self._device = device
        self._work: Work = work

    @property
    def facts(self) -> dict[str, Any]:
        """What a run's environment says of who did its work."""
        engine = {} if self.engine is None else {"executor": type(self.engine).__name__}
        return {"workers": self.count} | engine

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
        if self.engine is not None:
            count = self.engine.places(self.count, device, work)
            return WorkerPool(count, self.engine, device=device, work=work)
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
        first = 0
        if self.engine is None:
            started = perf_counter()
            lonely = min(self.count, len(jobs)) < 2 or not CAN_FORK  # noqa: PLR2004 - one needs no company
            while first < len(jobs) and (lonely or perf_counter() - started < alone):
                yield first, done(function, jobs[first])
                first += 1
        rest = jobs[first:]
        if not rest:
            return
        with nullcontext(self.engine) if self.engine else processes() as engine:
            count = min(self.count, len(rest))
            for index, result in engine.run(
                function, rest, count=count, device=self._device, work=self._work
            ):
                yield first + index, result

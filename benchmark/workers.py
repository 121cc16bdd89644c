"""Worker processes for independent jobs, one torch thread each."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from joblib import Parallel, delayed

from benchmark.threads import single_thread

# Loky replaces workers that have grown; nobody has to do anything about it.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")

Job = TypeVar("Job")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Runs jobs in ``count`` processes; with one, in this process.

    Args:
        count: processes, at least 1.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job]
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(jobs[index]))`` in the order in which jobs finish.

        ``function`` and jobs must be picklable.
        """
        if self.count == 1 or len(jobs) < 2:  # noqa: PLR2004 - one job needs no company
            with single_thread():
                for index, job in enumerate(jobs):
                    yield index, function(job)
            return
        parallel = Parallel(n_jobs=min(self.count, len(jobs)), return_as="generator_unordered")
        yield from parallel(delayed(_run)(function, index, job) for index, job in enumerate(jobs))


def _run(function: Callable[[Job], Result], index: int, job: Job) -> tuple[int, Result]:
    with single_thread():
        return index, function(job)

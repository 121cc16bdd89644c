"""What every engine of workers can do, and what each worker does."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

from benchmark.basics.threads import single_thread

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
        """See `WorkerPool.map`; with at most ``count`` jobs at a time."""


def done(function: Callable[[Job], Result], job: Job) -> Result:
    """What a worker does: ``function(job)`` on one thread."""
    with single_thread():
        return function(job)

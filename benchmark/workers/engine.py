"""The contract of what does jobs, and what is the same for all who fulfil it.

A further executor is one module with an `Engine` and its line in `registry.py`.
"""

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, final

import cloudpickle

from benchmark.basics.bounds import Range
from benchmark.basics.errors import UsageError
from benchmark.basics.identity import package_version, torch_version

_PACKAGES = ("benchmark", "strategies", "tasks")

Job = TypeVar("Job")
Result = TypeVar("Result")

Work = Literal["scoring", "training"]
"""What jobs do, which decides how many of them share a GPU."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class EngineOption:
    """A word on the command line for an engine: ``gpus_per_training`` is ``--gpus-per-training``.

    Attributes:
        help: what the command line says of it.
        allowed: numbers that it may be; None for text.
        alone: what it means without a value; None where it needs one.
        metavar: how its value is called in help texts.
        default: what it is where it isn't given, if that is worth a word.
    """

    help: str
    allowed: Range | None = None
    alone: str | None = None
    metavar: str | None = None
    default: float | None = None


class Engine(ABC):
    """Processes that jobs are done in, wherever they are.

    A process that dies costs what it was doing: its jobs are done again elsewhere.

    Attributes:
        chosen_by: the option that chooses this engine; it is called as the engine is in the
            registry, and its value is the first argument of the engine.
        options: further ones, by the names of the engine's keyword arguments.
    """

    chosen_by: ClassVar[EngineOption]
    options: ClassVar[dict[str, EngineOption]] = {}

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
        """Yield index and result of each job as it finishes, at most ``count`` of them at a time.

        What a job raises is raised here.
        """


def done(function: Callable[[Job], Result], job: Job) -> Result:
    """What a worker does: ``function(job)`` on one thread."""
    from benchmark.basics.threads import single_thread  # noqa: PLC0415 - imports torch

    with single_thread():
        return function(job)


def versions() -> str:
    """What must be the same everywhere for the same bits."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"code {package_version(*_PACKAGES)}, torch {torch_version()}, Python {python}"


@final
@dataclass(frozen=True)
class RemoteJob:
    """A job for a worker on any machine, which does it by calling this.

    Attributes:
        folder: the command's, where a worker works too if it has it: paths mean the same.
        versions: the command's; see `versions`.
        pickled: function and job. Other code than the command's never gets to read them.
    """

    folder: str
    versions: str
    pickled: bytes

    @classmethod
    def of(cls, function: Callable[[Job], Result], job: Job) -> "RemoteJob":
        """This job of this command."""
        return cls(os.getcwd(), versions(), cloudpickle.dumps((function, job)))  # noqa: PTH109 - of another process

    def __call__(self) -> Any:
        """Do it.

        Raises:
            UsageError: code, torch or Python aren't the command's.
        """
        if (theirs := versions()) != self.versions:
            raise UsageError(
                f"a node of the cluster has {theirs}, here is {self.versions}: install the same "
                "there, or results would differ"
            )
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        return done(*cloudpickle.loads(self.pickled))

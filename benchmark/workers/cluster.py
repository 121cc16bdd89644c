"""WorkerPool on a Ray cluster (extra ``ray``): processes of any number of machines.

Each worker is a Ray actor that stays, so that what a job needs (a frozen supernet, read
by path and held against its hash) is loaded once a worker. Strategies, runner and store
never see any of it.
"""

import os
import secrets
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, final

import torch

from benchmark.basics.errors import UsageError, WorkerError
from benchmark.basics.identity import package_version
from benchmark.workers.engine import Engine, Work, available_cores, done

Job = TypeVar("Job")
Result = TypeVar("Result")

LOCAL = "local"
"""Instead of an address: a cluster of this machine's cores, which ends with the command."""
_LOOK = 5.0  # seconds between looks at what nodes are left
_TRIES = 3
_OBJECTS = 100 * 2**20  # bytes; jobs and results are small


def versions() -> str:
    """What must be the same everywhere for the same bits."""
    python = ".".join(map(str, sys.version_info[:3]))
    code = package_version("benchmark", "strategies", "tasks")
    return f"code {code}, torch {torch.__version__}, Python {python}"


class Hand:
    """A worker: one process on some node."""

    def __init__(self, folder: str) -> None:
        # Paths mean what they mean to the command.
        if Path(folder).is_dir():
            os.chdir(folder)

    def versions(self) -> str:
        """See `versions`."""
        return versions()

    def do(self, function: Callable[[Job], Result], job: Job) -> Result:
        """Do a job."""
        return done(function, job)


@final
class RayCluster(Engine):
    """The workers of a Ray cluster, as many as its CPUs or GPUs serve.

    Args:
        address: of a running cluster, ``auto`` for this machine's, or `LOCAL`.
        training_gpus: what part of a GPU a training takes; scoring takes a whole one.

    Raises:
        UsageError: Ray isn't installed, or no cluster answers.
    """

    def __init__(self, address: str = LOCAL, *, training_gpus: float = 1.0) -> None:
        self._ray = _connected(address)
        self._training_gpus = training_gpus
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._gpus = 0.0

    def places(self, count: int, device: str, work: Work) -> int:
        """See `Engine.places`.

        Raises:
            UsageError: no node has what a job takes, or the device is a certain GPU.
        """
        return min(count, self._places(self._needed(device, work)))

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        """See `WorkerPool.map`.

        Raises:
            UsageError: no node is left that could do the jobs, or one has other code.
            WorkerError: a job's workers died several times.
        """
        gpus = self._needed(device, work)
        if gpus != self._gpus:
            # What they hold is what the others wait for.
            self._dismiss([*self._idle, *self._starting.values()])
            self._idle, self._starting, self._gpus = [], {}, gpus
        shift = _Shift(self._ray, function, jobs, self._idle, self._starting)
        try:
            while shift.open:
                missing = min(count, self._places(gpus)) - shift.hands
                shift.hire([self._hired(gpus) for _ in range(missing)])
                yield from shift.results(_LOOK)
        finally:
            # Whoever is still at work does it for nobody.
            self._dismiss(shift.busy())

    def close(self) -> None:
        """Leave the cluster; a local one ends."""
        self._idle, self._starting = [], {}
        self._ray.shutdown()

    def _needed(self, device: str, work: Work) -> float:
        if device == "cpu":
            return 0.0
        if device != "cuda":
            raise UsageError(f"the cluster hands out its GPUs: expected cuda, received {device}")
        return self._training_gpus if work == "training" else 1.0

    def _places(self, gpus: float) -> int:
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        found = sum(_places(node.get("CPU", 0.0), node.get("GPU", 0.0), gpus) for node in nodes)
        if found == 0:
            need = f"a CPU and {gpus:g} GPUs" if gpus else "a CPU"
            there = "; ".join(
                f"{node.get('CPU', 0):g} CPUs, {node.get('GPU', 0):g} GPUs" for node in nodes
            )
            raise UsageError(
                f"a job takes {need}, which no node of the cluster has ({there or 'no nodes'}): "
                "start one that does (`ray start --num-gpus`), or change --device"
            )
        return found

    def _hired(self, gpus: float) -> Any:
        remote = self._ray.remote(Hand)
        needs = {"num_cpus": 1, "num_gpus": gpus, "scheduling_strategy": "SPREAD"}
        return remote.options(**needs).remote(str(Path.cwd()))

    def _dismiss(self, hands: Sequence[Any]) -> None:
        for hand in hands:
            self._ray.kill(hand)


def _places(cpus: float, gpus: float, share: float) -> int:
    """Jobs that a node can do at a time: a part of a GPU lies on one of them."""
    if share == 0:
        return int(cpus)
    each = int(1 / share + 1e-9) if share <= 1 else 0
    return min(int(cpus), int(gpus) * each if each else int(gpus / share))


class _Shift:
    """Jobs on their way through hands that may die.

    Args:
        ray: the module.
        function: does a job.
        jobs: all of them.
        idle: hands from before, and behind.
        starting: hands that aren't there yet, by their first answer.
    """

    def __init__(
        self,
        ray: Any,
        function: Callable[[Any], Any],
        jobs: Sequence[Any],
        idle: list[Any],
        starting: dict[Any, Any],
    ) -> None:
        self._ray = ray
        self._function = function
        self._jobs = jobs
        self._waiting = deque(range(len(jobs)))
        self._lost: Counter[int] = Counter()
        self._failed = 0
        self._excused: set[Any] = set()
        self._running: dict[Any, tuple[Any, int]] = {}
        self._idle = idle
        self._starting = starting

    @property
    def open(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._waiting or self._running)

    @property
    def hands(self) -> int:
        """How many there are, those that only start among them."""
        return len(self._idle) + len(self._running) + len(self._starting)

    def busy(self) -> list[Any]:
        """Hands that are at work."""
        return [hand for hand, _ in self._running.values()]

    def hire(self, hands: Sequence[Any]) -> None:
        """Take more hands; they get jobs when they are there."""
        self._starting.update({hand.versions.remote(): hand for hand in hands})

    def results(self, seconds: float) -> Iterator[tuple[int, Any]]:
        """Hand out jobs; yield what gets finished until a hand is lost or time is up."""
        while self.open:
            while self._idle and self._waiting:
                hand, index = self._idle.pop(), self._waiting.popleft()
                self._running[hand.do.remote(self._function, self._jobs[index])] = (hand, index)
            pending = [*self._running, *self._starting]
            ready, _ = self._ray.wait(pending, num_returns=1, timeout=seconds)
            if not ready:
                return
            there, value = self._got(ready[0])
            if ready[0] in self._starting:
                hand = self._starting.pop(ready[0])
                if not there:
                    self._fail(ready[0])
                    return
                self._failed = 0
                _check(str(value))
                self._idle.append(hand)
                continue
            hand, index = self._running.pop(ready[0])
            if not there:
                self._lose(index)
                return
            self._idle.append(hand)
            yield index, value

    def _got(self, reference: Any) -> tuple[bool, Any]:
        """Whether there is a result, and the result."""
        errors = self._ray.exceptions
        try:
            return True, self._ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause or error from error
        except errors.RayError:  # the process, its node or its result is gone
            return False, None

    def _fail(self, start: Any) -> None:
        if start in self._excused:
            return
        # One lost node may end all that were starting at that moment.
        self._excused |= self._starting.keys()
        self._failed += 1
        if self._failed == _TRIES:
            raise WorkerError(
                f"{_TRIES} workers in a row could not start: is this project, of the same version, "
                "installed on every node of the cluster?"
            )

    def _lose(self, index: int) -> None:
        self._lost[index] += 1
        if self._lost[index] == _TRIES:
            raise WorkerError(
                f"job {index + 1} of {len(self._jobs)} was lost {_TRIES} times with the worker "
                "that did it; if memory ran out there, let fewer of them share a node"
            )
        self._waiting.appendleft(index)


def _check(theirs: str) -> None:
    if theirs != versions():
        raise UsageError(
            f"a node of the cluster has {theirs}, here is {versions()}: install the same there, "
            "or results would differ"
        )


def _connected(address: str) -> Any:
    # Nothing is reported to Ray's makers unless somebody wants to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A worker without a GPU sees none.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    if address == LOCAL:
        # Ray listens on every interface: nobody gets in without what only this process knows.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("--ray needs Ray: pip install 'ticket-benchmark[ray]'") from error
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address == LOCAL:
        options |= {"num_cpus": available_cores(), "object_store_memory": _OBJECTS}
        options |= {"include_dashboard": False}
    try:
        ray.init(address, **options)
    except Exception as error:  # of no class of its own where a start takes too long
        raise UsageError(
            f"no Ray cluster answers at {address} ({error}); `ray start --head` starts one, "
            "and --ray alone one of this machine's cores"
        ) from error
    return ray

"""Workers on a Ray cluster (extra ``ray``): processes of any number of machines.

Each worker is a Ray actor that stays, so that what a job needs (a frozen supernet, read
by path and held against its hash) is loaded once a worker.

Ray's own retries can't do what `Dispatcher` does here:

- Tasks (``max_retries``) that take a GPU get a process of their own each (Ray's ``max_calls=1``),
  so that every call to an oracle would import torch and load the supernet. Without that limit a
  process that has used one GPU may be handed another, which CUDA ignores once it has started: two
  jobs would share a GPU and one would idle. And tasks that no node can do wait for ever.
- Actors that are restarted (``max_restarts``, ``max_task_retries``) keep the job that they were
  lost with while they wait for a place. Where fewer places are left than before, those that live
  hold all of them: the jobs of the others would wait for ever.
- Neither compares another machine's versions with the command's before it reads jobs.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

from benchmark.basics.bounds import POSITIVE
from benchmark.basics.errors import UsageError
from benchmark.workers.dispatch import Dispatcher, WorkerLostError
from benchmark.workers.engine import (
    EngineOption,
    Job,
    RemoteJob,
    Result,
    Work,
    available_cores,
)

LOCAL = "local"
"""Instead of an address: a cluster of this machine's cores, which ends with the command."""
_SHARE = 1.0  # of a GPU, for a training
_OBJECTS = 100 * 2**20  # bytes; jobs and results are small


class Actor:
    """A worker: one process on some node."""

    def do(self, job: RemoteJob) -> Any:
        """The result of a job."""
        return job()


@final
class RayCluster(Dispatcher[Any, Any]):
    """The workers of a Ray cluster, as many as its CPUs or GPUs serve.

    Args:
        address: of a running cluster, ``auto`` for this machine's, or `LOCAL`.
        gpus_per_training: what part of a GPU a training takes; scoring takes a whole one.

    Raises:
        UsageError: Ray isn't installed, or no cluster answers.
    """

    chosen_by = EngineOption(
        "Workers of the Ray cluster there (auto: of the one on this machine; without "
        "an address, last on the line: one of this machine's cores).",
        alone=LOCAL,
        metavar="[ADDRESS]",
    )
    options = {  # noqa: RUF012 - as `Engine` declares it
        "gpus_per_training": EngineOption(
            "With --ray: so much of a GPU for each stand-alone training.",
            allowed=POSITIVE,
            default=_SHARE,
        )
    }

    def __init__(self, address: str = LOCAL, *, gpus_per_training: float = _SHARE) -> None:
        super().__init__()
        self._ray = _connected(address)
        self._gpus_per_training = gpus_per_training
        self._gpus = 0.0

    def places(self, count: int, device: str, work: Work) -> int:
        """How many of ``count`` jobs the living nodes of the cluster can do at a time.

        Raises:
            UsageError: no node has what a job takes, or the device is a certain GPU.
        """
        gpus = self._needed(device, work)
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
        return min(count, found)

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        """Do jobs on the cluster, as `Dispatcher.run` says.

        Raises:
            UsageError: no node is left that could do the jobs, or one has other code.
        """
        gpus = self._needed(device, work)
        if gpus != self._gpus:
            # What they hold is what the others wait for.
            self._dismiss([*self._idle, *self._starting.values()])
            self._idle, self._starting, self._gpus = [], {}, gpus
        yield from super().run(function, jobs, count=count, device=device, work=work)

    def close(self) -> None:
        """Leave the cluster; a local one ends."""
        self._idle, self._starting = [], {}
        self._ray.shutdown()

    def _needed(self, device: str, work: Work) -> float:
        """What part of a GPU a job takes, or how many."""
        if device == "cpu":
            return 0.0
        if device != "cuda":
            raise UsageError(f"the cluster hands out its GPUs: expected cuda, received {device}")
        return self._gpus_per_training if work == "training" else 1.0

    def _start(self, device: str, work: Work) -> tuple[Any, Any]:
        needs = {"num_cpus": 1, "num_gpus": self._needed(device, work)}
        worker = self._ray.remote(Actor).options(**needs, scheduling_strategy="SPREAD").remote()
        return worker, self._send(worker, abs, 0)

    def _send(self, worker: Any, function: Callable[[Any], Any], job: Any) -> Any:
        return worker.do.remote(RemoteJob.of(function, job))

    def _answered(self, pending: Sequence[Any], seconds: float) -> Any | None:
        ready, _ = self._ray.wait(list(pending), num_returns=1, timeout=seconds)
        return ready[0] if ready else None

    def _answer(self, answered: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(answered)
        except errors.RayTaskError as error:
            raise error.cause or error from error
        except errors.RayError as error:  # the process, its node or its result is gone
            raise WorkerLostError from error

    def _end(self, worker: Any) -> None:
        self._ray.kill(worker)


def _places(cpus: float, gpus: float, share: float) -> int:
    """Jobs that a node can do at a time: a part of a GPU lies on one of them."""
    if share == 0:
        return int(cpus)
    each = int(1 / share + 1e-9) if share <= 1 else 0
    return min(int(cpus), int(gpus) * each if each else int(gpus / share))


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

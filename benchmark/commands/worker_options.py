"""Who does the jobs of a command: processes of this machine, or a cluster's."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from benchmark.basics.errors import UsageError

if TYPE_CHECKING:
    from benchmark.workers.pool import WorkerPool

SHARE = 1.0
"""Of a cluster's GPU, that a training takes where nobody says otherwise."""


@final
@dataclass(frozen=True)
class WorkerOptions:
    """What a command line says of it; nothing is started before it is called together.

    Attributes:
        count: of processes; None for as many as there are cores or, on a cluster, places.
        ray: address of a Ray cluster, or `benchmark.workers.cluster.LOCAL`; None for this machine's
            processes.
        gpus_per_training: what part of a cluster's GPU a training takes; None for a whole one.
    """

    count: int | None
    ray: str | None
    gpus_per_training: float | None

    def assembled(self) -> "WorkerPool":
        """The workers.

        Raises:
            UsageError: Ray isn't installed, or no cluster answers.
        """
        from benchmark.workers.pool import WorkerPool

        if self.ray is None:
            if self.gpus_per_training is not None:
                raise UsageError("--gpus-per-training has no effect without --ray")
            return WorkerPool.of(self.count)
        from benchmark.workers.cluster import RayCluster

        share = self.gpus_per_training
        cluster = RayCluster(self.ray, training_gpus=SHARE if share is None else share)
        there = cluster.places(sys.maxsize if self.count is None else self.count, "cpu", "scoring")
        return WorkerPool(there, cluster)

"""Two workers against one, and what engines add to the work."""

from abc import ABC, abstractmethod
from functools import lru_cache, partial
from importlib.util import find_spec
from time import perf_counter

import numpy as np
import torch
from joblib.externals.loky import get_reusable_executor

from benchmark.basics.seeding import child_generator, child_rng
from benchmark.basics.threads import single_thread
from benchmark.oracle.base import Oracle
from benchmark.oracle.kernels.library import chosen_kernels
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.supernet import oracle_data
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from benchmark.search.wrappers import ShardedOracle
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.studies.scoring import at_a_time
from benchmark.workers.engine import Engine, available_cores
from benchmark.workers.pool import WorkerPool
from benchmark.workers.processes import Processes

_CALLS = 50


@lru_cache(maxsize=1)
def digits_oracle() -> Oracle:
    """Of an untrained supernet on the default task: what it says doesn't matter here."""
    parts = Plan(Settings())
    network = parts.network.build(child_generator(0, "speed")).eval()
    data = oracle_data(parts.task, child_rng(0, "speed"))
    make = partial(PrefixTreeOracle, kernels=chosen_kernels("auto", "cpu", torch.float32))
    return OpenOracle(network, data, "recalibrated", identity="speed", make=make)


class TwoWorkers(Benchmark):
    """Wall time, since workers are processes of their own."""

    name = "two-workers"
    title = "all 4,096 schemes of digits, recalibrated: one worker / two workers, by the clock"
    claim = Claim(1.7, least=True, unit="times")

    def missing(self) -> str:
        return "" if available_cores() > 1 else "two cores"

    def prepare(self, rows: int) -> None:
        del rows  # the task's own
        self._schemes = all_schemes(digits_oracle().blocks)
        self._two = WorkerPool(2)
        self._scored(self._two, self._schemes[:64])
        list(self._two.map(abs, [1, 2]))

    def measure(self) -> Round:
        alone = self._scored(WorkerPool(1), self._schemes)
        shared = self._scored(self._two, self._schemes)
        return Round(alone / shared, {"A, s": alone, "B, s": shared})

    def _scored(self, workers: WorkerPool, schemes: np.ndarray) -> float:
        oracle = ShardedOracle(digits_oracle(), digits_oracle, workers)
        group = at_a_time(workers)
        started = perf_counter()
        with single_thread():
            for start in range(0, len(schemes), group):
                oracle.score(schemes[start : start + group])
        return perf_counter() - started


class EngineCall(Benchmark, ABC):
    """By the clock: starting the engine with two workers, then jobs that do nothing."""

    def prepare(self, rows: int) -> None:
        del rows  # nothing is scored

    def measure(self) -> Round:
        started = perf_counter()
        workers = WorkerPool(2, self.started())
        list(workers.map(abs, [1, 2]))
        first = perf_counter() - started
        started = perf_counter()
        for _ in range(_CALLS):
            list(workers.map(abs, [1, 2]))
        call = (perf_counter() - started) / _CALLS
        self.end()
        return Round(1000 * call, {"start and first call, s": first})

    @abstractmethod
    def started(self) -> Engine:
        """The engine, without any workers yet."""

    @abstractmethod
    def end(self) -> None:
        """Take it down."""


class LokyCall(EngineCall):
    name = "loky-call"
    title = "handing two jobs to two processes (loky) and taking the results, milliseconds"

    def started(self) -> Engine:
        self.end()
        return Processes()

    def end(self) -> None:
        get_reusable_executor().shutdown(wait=True)


class RayCall(EngineCall):
    name = "ray-call"
    title = "handing two jobs to two workers of a Ray cluster on this machine, milliseconds"

    def missing(self) -> str:
        return "" if find_spec("ray") else "the extra ray"

    def started(self) -> Engine:
        from benchmark.workers.cluster import RayCluster  # noqa: PLC0415 - an extra

        self._cluster = RayCluster()
        return self._cluster

    def end(self) -> None:
        self._cluster.close()

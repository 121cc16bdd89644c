"""Two workers against one, and what engines add to the work; all by the clock."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from time import perf_counter

import pytest
import torch

from benchmark.basics.seeding import child_generator, child_rng
from benchmark.basics.threads import single_thread
from benchmark.oracle.base import Oracle, Schemes
from benchmark.oracle.kernels.library import chosen_kernels
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.supernet import oracle_data
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from benchmark.search.wrappers import ShardedOracle
from benchmark.standalone.training import Job, train_standalone
from benchmark.studies.scoring import at_a_time
from benchmark.workers.engine import Engine, available_cores
from benchmark.workers.pool import WorkerPool
from benchmark.workers.processes import Processes
from tests.speed.claims import Claim, Round, Speed, clock

CALLS = 50
TRAININGS = 4  # of each process
two_cores = pytest.mark.skipif(available_cores() < 2, reason="two cores")
a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@lru_cache(maxsize=1)
def digits_oracle() -> Oracle:
    """Of an untrained supernet on the default task: what it says doesn't matter here."""
    parts = Plan(Settings())
    network = parts.network.build(child_generator(0, "speed")).eval()
    data = oracle_data(parts.task, child_rng(0, "speed"))
    make = partial(PrefixTreeOracle, kernels=chosen_kernels("auto", "cpu", torch.float32))
    return OpenOracle(network, data, "recalibrated", identity="speed", make=make)


@two_cores
def test_two_workers(speed: Speed) -> None:
    schemes = all_schemes(digits_oracle().blocks)
    one, two = WorkerPool(1), WorkerPool(2)

    def score(workers: WorkerPool, schemes: Schemes = schemes) -> None:
        oracle = ShardedOracle(digits_oracle(), digits_oracle, workers)
        group = at_a_time(workers)
        with single_thread():
            for start in range(0, len(schemes), group):
                oracle.score(schemes[start : start + group])

    score(two, schemes[:64])  # processes start
    title = "all 4,096 schemes of digits, recalibrated: one worker / two workers, by the clock"
    speed.pairs(title, lambda: score(one), lambda: score(two), Claim(1.7), now=perf_counter)


@pytest.mark.parametrize(
    ("device", "processes"),
    [
        pytest.param("cpu", 2, id="two-processes", marks=two_cores),
        pytest.param("cuda", max(2, available_cores()), id="cuda-processes", marks=a_gpu),
    ],
)
def test_standalone(speed: Speed, device: str, processes: int) -> None:
    """With a GPU the same is measured there, with one process a core of the machine."""
    training = replace(Plan(Settings()).training, device=device)
    together, alone = WorkerPool(processes), WorkerPool(1)

    def train(workers: WorkerPool, count: int, epochs: int | None = None) -> None:
        recipe = training.recipe.lasting(epochs) if epochs else training.recipe
        job = replace(training, recipe=recipe)
        jobs = [Job(job, f"{5 * number + 7:012b}", number) for number in range(count)]
        list(workers.map(train_standalone, jobs))

    # Processes start and load torch and the data once in a run of hours: not counted.
    train(together, processes, epochs=1)
    title = (
        f"{TRAININGS * processes} stand-alone trainings of the default task on {device}: one after "
        f"another ({TRAININGS}, scaled) / {processes} processes, by the clock"
    )
    speed.pairs(
        title,
        lambda: train(alone, TRAININGS),
        lambda: train(together, TRAININGS * processes),
        scale=processes,
        now=perf_counter,
    )


def engine_call(
    speed: Speed, title: str, start: Callable[[], Engine], end: Callable[[], object]
) -> None:
    """Start the engine with two workers, then jobs that do nothing."""

    def turn() -> Round:
        end()
        with clock(perf_counter) as first:
            workers = WorkerPool(2, start())
            list(workers.map(abs, [1, 2]))
        with clock(perf_counter) as calls:
            for _ in range(CALLS):
                list(workers.map(abs, [1, 2]))
        milliseconds = 1000 * calls.seconds / CALLS
        return Round(milliseconds, {"start and first call, s": first.seconds})

    speed.turns(title, turn)
    end()


def test_processes_call(speed: Speed) -> None:
    title = "handing two jobs to two processes and taking the results, milliseconds"
    engine = Processes()
    engine_call(speed, title, lambda: engine, engine.close)


def test_ray_call(speed: Speed) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray")
    cluster = pytest.importorskip("benchmark.workers.ray_cluster")
    title = "handing two jobs to two workers of a Ray cluster on this machine, milliseconds"
    engine_call(speed, title, cluster.RayCluster, ray.shutdown)

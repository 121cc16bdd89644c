"""Stand-alone trainings of the default task: two processes against one after another, in pairs.

Run with ``tox -e speed``; nothing is asserted about time. With a GPU the same is measured
there, with one process a core of the machine.
"""

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.standalone.training import Job, Training, train_standalone
from benchmark.workers.engine import available_cores
from benchmark.workers.pool import WorkerPool

PAIRS = 3
TRAININGS = 4  # of each process
DEVICES = [
    pytest.param("cpu", 2, id="two cores"),
    pytest.param(
        "cuda",
        max(2, available_cores()),
        id="one GPU",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
    ),
]


def _jobs(training: Training, count: int) -> list[Job]:
    return [Job(training, f"{5 * number + 7:012b}", number) for number in range(count)]


@pytest.mark.parametrize(("device", "processes"), DEVICES)
def test_throughput_of_trainings(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], device: str, processes: int
) -> None:
    """One pair: some trainings one after another, then as many for each of the processes."""
    training = replace(Plan(Settings()).training, device=device)
    together = WorkerPool(processes)
    # Processes start and load torch and the data once in a run of hours: not counted.
    warm = replace(training, recipe=training.recipe.lasting(1))
    list(together.map(train_standalone, _jobs(warm, processes)))
    apart: list[float] = []
    joint: list[float] = []

    def one_after_another() -> None:
        started = perf_counter()
        list(WorkerPool(1).map(train_standalone, _jobs(training, TRAININGS)))
        apart.append(TRAININGS / (perf_counter() - started))

    def side_by_side() -> None:
        started = perf_counter()
        jobs = _jobs(training, TRAININGS * processes)
        list(together.map(train_standalone, jobs))
        joint.append(len(jobs) / (perf_counter() - started))

    benchmark.pedantic(side_by_side, setup=one_after_another, rounds=PAIRS)  # type: ignore[no-untyped-call]  # the plug-in's own
    ratios = sorted(fast / slow for fast, slow in zip(joint, apart, strict=True))
    benchmark.extra_info |= {"apart, 1/s": apart, "together, 1/s": joint, "ratios": ratios}
    with capsys.disabled():
        print(  # noqa: T201 - a person reads the ratios
            f"\n{device}, torch {torch.__version__}, {PAIRS} pairs: one after another "
            f"{60 * np.median(apart):.1f} trainings a minute, {processes} processes "
            f"{60 * np.median(joint):.1f}, ratio {ratios[0]:.2f} / {np.median(ratios):.2f} / "
            f"{ratios[-1]:.2f} (lowest / median / highest)"
        )

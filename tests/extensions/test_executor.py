"""Change request: another executor. Two files: its engine, and its line in the registry.

It is dask's client where dask is installed; elsewhere the standard library's executor, whose
futures dask's are made after, stands in its place.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click
import pytest
from click.testing import CliRunner

from benchmark.basics.bounds import WORKERS
from benchmark.basics.errors import UsageError
from benchmark.commands.options import command_line, worker_options
from benchmark.commands.worker_options import WorkerOptions
from benchmark.workers.engine import Engine, EngineOption, Job, RemoteJob, Result, Work
from benchmark.workers.registry import ENGINES
from tests.extensions.conftest import Written


class Dask(Engine):
    """Workers that take futures.

    Args:
        address: of dask's scheduler, or ``local`` for processes of this machine.
        dask_workers: of a local one.
    """

    chosen_by = EngineOption("Workers of the dask cluster there.", alone="local")
    options = {"dask_workers": EngineOption("With --dask alone: so many.", allowed=WORKERS)}  # noqa: RUF012 - as `Engine` declares it

    def __init__(self, address: str, *, dask_workers: int = 1) -> None:
        self.jobs = 0
        self._count = dask_workers
        if find_spec("distributed"):
            dask: Any = import_module("distributed")
            local = {"n_workers": dask_workers, "threads_per_worker": 1, "dashboard_address": None}
            self._client = dask.Client(**local) if address == "local" else dask.Client(address)
            self._as_completed: Callable[..., Any] = dask.as_completed
            self._close = self._client.close
        else:
            spawn = multiprocessing.get_context("spawn")
            self._client = futures.ProcessPoolExecutor(dask_workers, mp_context=spawn)
            self._as_completed = futures.as_completed
            self._close = self._client.shutdown

    def places(self, count: int, device: str, work: Work) -> int:
        if device != "cpu":
            raise UsageError(f"expected cpu, received {device}, to do {work} on")
        return min(count, self._count)

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        del count, device, work  # its scheduler knows
        done = {
            self._client.submit(RemoteJob.of(function, job)): index
            for index, job in enumerate(jobs)
        }
        for future in self._as_completed(done):
            self.jobs += 1
            yield done[future], future.result()

    def close(self) -> None:
        self._close()


@pytest.fixture
def dask() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "dask", f"{__name__}:Dask")
        yield "dask"


def chosen(*words: str) -> tuple[WorkerOptions, str]:
    """What a command reads from ``words`` of who does its work, and the line that it records."""
    found: list[tuple[WorkerOptions, str]] = []

    @click.command("work")
    @worker_options
    @click.option("--seed")
    @click.pass_context
    def work(context: click.Context, worker_options: WorkerOptions, seed: str) -> None:
        del seed
        found.append((worker_options, command_line(context)))

    result = CliRunner().invoke(work, words)
    assert result.exit_code == 0, result.output
    return found[0]


def test_a_registered_executor_is_chosen_on_the_command_line_and_does_a_run(
    dask: str, written: Callable[..., Written]
) -> None:
    options, line = chosen("--seed", "3", f"--{dask}", "--dask-workers", "1")
    assert line == "python -m benchmark work --seed 3"  # answers don't depend on who computes them
    pool = options.assembled()
    engine = pool.engine
    assert isinstance(engine, Dask)
    try:
        found = written(workers=pool)
    finally:
        engine.close()
    assert engine.jobs > 0
    assert found.report.records.environment["executor"] == "Dask"
    assert "Dask" in found.page


def test_its_options_need_it_and_one_executor_alone_is_chosen(dask: str) -> None:
    options, _ = chosen("--dask-workers", "1")
    with pytest.raises(UsageError, match="--dask-workers has no effect without --dask"):
        options.assembled()
    options, _ = chosen("--ray", "auto", f"--{dask}")
    with pytest.raises(UsageError, match="expected one of --ray or --dask, received all of them"):
        options.assembled()

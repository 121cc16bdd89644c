import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from benchmark.basics.errors import WorkerError
from benchmark.workers.engine import Engine, Job, Result, Work
from benchmark.workers.pool import WorkerPool


def _described(job: int) -> tuple[int, int, int]:
    return job * job, os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
def test_every_job_is_done_once_with_its_index(count: int, jobs: int) -> None:
    results = dict(WorkerPool(count).map(_described, list(range(jobs))))
    assert {index: square for index, (square, _, _) in results.items()} == {
        job: job * job for job in range(jobs)
    }


def test_jobs_run_on_one_thread_wherever_they_run() -> None:
    for count in (1, 2):
        threads = {
            threads for _, (_, _, threads) in WorkerPool(count).map(_described, [1, 2, 3, 4])
        }
        assert threads == {1}


def test_two_workers_are_other_processes() -> None:
    processes = {process for _, (_, process, _) in WorkerPool(2).map(_described, [1, 2, 3, 4])}
    assert os.getpid() not in processes


def test_no_more_jobs_run_at_a_time_than_workers_were_asked_for() -> None:
    for count in (3, 2):
        done = [process for _, (_, process, _) in WorkerPool(count).map(_described, [*range(12)])]
        assert len(set(done)) <= count


def test_processes_of_jobs_inside_jobs_are_others() -> None:
    pairs = [
        (outer, inner)
        for _, (_, outer, _) in WorkerPool(2).map(_described, [1, 2])
        for _, (_, inner, _) in WorkerPool(2).map(_described, [3, 4])
    ]
    assert len(pairs) == 4
    assert all(outer != inner for outer, inner in pairs)


class UnsaidError(Exception):
    """Can't be made again from its arguments, as pickle does."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{text} {number}")


def _raising_unsaid(job: int) -> int:
    raise UnsaidError(job, "impossible")


def test_an_error_that_cannot_be_pickled_is_told_in_words() -> None:
    with pytest.raises(WorkerError, match=r"UnsaidError: impossible \d"):
        list(WorkerPool(2).map(_raising_unsaid, [1, 2]))


def test_jobs_of_a_script_without_guard_are_done(tmp_path: Path) -> None:
    """A library's own start method would run the script anew in each worker, for ever."""
    script = tmp_path / "script.py"
    script.write_text(
        "from benchmark.workers.pool import WorkerPool\n"
        "def double(job): return 2 * job\n"
        "print(sorted(WorkerPool(2).map(double, [1, 2])))\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("[(0, 2), (1, 4)]\n", "")


def _session(_: int) -> int:
    return os.getsid(0)


def test_ctrl_c_is_for_the_process_that_has_workers_not_for_them() -> None:
    """A terminal tells all processes of its session; workers' tracebacks would be in the way."""
    sessions = {session for _, session in WorkerPool(2).map(_session, [1, 2])}
    assert os.getsid(0) not in sessions


def _failing(job: int) -> int:
    raise ValueError(f"job {job} is impossible")


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_job_raises_reaches_the_caller(count: int) -> None:
    with pytest.raises(ValueError, match=r"job \d is impossible"):
        list(WorkerPool(count).map(_failing, [1, 2]))


def _killed_once(job: tuple[Path, int]) -> int:
    mark, number = job
    if number == 2:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_worker_is_replaced_and_its_jobs_are_done_again(tmp_path: Path) -> None:
    jobs = [(tmp_path / "mark", number) for number in range(5)]
    results = list(WorkerPool(2).map(_killed_once, jobs))
    assert sorted(results) == [(number, number) for number in range(5)]


def _killed(job: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_job_that_always_kills_its_worker_ends_in_an_error() -> None:
    with pytest.raises(
        WorkerError, match=r"job \d of 2 was lost 3 times with the worker that did it"
    ):
        list(WorkerPool(2).map(_killed, [1, 2]))
    assert dict(WorkerPool(2).map(abs, [-1, -2])) == {0: 1, 1: 2}


def test_a_gpu_of_this_machine_scores_in_one_process_and_trains_in_all() -> None:
    workers = WorkerPool(3)
    assert workers.on("cpu").count == 3
    assert workers.on("cuda:1").count == 1
    assert workers.on("cuda:1", "training").count == 3


class Recording(Engine):
    """Does jobs on the spot and says who asked for how much."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str, str]] = []

    def places(self, count: int, device: str, work: Work) -> int:  # noqa: ARG002 - all the same
        return min(count, 2 if device == "cuda" else 8)

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Sequence[Job],
        *,
        count: int,
        device: str,
        work: Work,
    ) -> Iterator[tuple[int, Result]]:
        self.asked.append((count, device, work))
        yield from ((index, function(job)) for index, job in enumerate(jobs))


def test_an_engine_is_told_what_jobs_need_and_gets_single_jobs_too() -> None:
    engine = Recording()
    workers = WorkerPool(5, engine).on("cuda", "training")
    assert workers.count == 2
    assert dict(workers.map(abs, [-1])) == {0: 1}
    list(WorkerPool(5, engine).map(abs, [1, 2, 3]))
    assert engine.asked == [(1, "cuda", "training"), (3, "cpu", "scoring")]

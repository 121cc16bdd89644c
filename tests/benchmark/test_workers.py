import os

import pytest
import torch

from benchmark.workers import Workers


def _described(job: int) -> tuple[int, int, int]:
    return job * job, os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
def test_every_job_is_done_once_with_its_index(count: int, jobs: int) -> None:
    results = dict(Workers(count).map(_described, list(range(jobs))))
    assert {index: square for index, (square, _, _) in results.items()} == {
        job: job * job for job in range(jobs)
    }


def test_jobs_run_on_one_thread_wherever_they_run() -> None:
    for count in (1, 2):
        threads = {threads for _, (_, _, threads) in Workers(count).map(_described, [1, 2, 3, 4])}
        assert threads == {1}


def test_two_workers_are_other_processes() -> None:
    processes = {process for _, (_, process, _) in Workers(2).map(_described, [1, 2, 3, 4])}
    assert os.getpid() not in processes


def _failing(job: int) -> int:
    raise ValueError(f"job {job} is impossible")


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_job_raises_reaches_the_caller(count: int) -> None:
    with pytest.raises(ValueError, match=r"job \d is impossible"):
        list(Workers(count).map(_failing, [1, 2]))

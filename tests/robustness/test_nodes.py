"""A real Ray cluster of several nodes on this machine, and what happens when one is lost."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.basics.errors import StoreError, UsageError, WorkerError
from benchmark.oracle.supernet import SupernetOracle
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from benchmark.search.wrappers import ShardedOracle
from benchmark.storage.store import Store
from benchmark.studies.experiment import run
from benchmark.studies.scoring import open_supernet
from benchmark.watching.progress import NoProgress
from benchmark.workers.pool import WorkerPool
from benchmark.workers.ray_cluster import Actor, RayCluster
from tests.robustness.commands import COMMANDS, Command, tables
from tests.robustness.harness import between, kill_command, run_command

pytest.importorskip("ray", reason="the extra ray isn't installed")
pytestmark = [
    pytest.mark.long,
    # Of Ray itself, about its own processes and settings.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

_UNTIMED = {"evaluations.csv", "curves.csv", "fronts.csv", "ranks.csv", "trust.csv", "sparsity.csv"}
"""A run's tables that name no seconds."""
_MEMORY = 80 * 2**20  # bytes, of each node's object store


class Nodes:
    """A head and more nodes, each a set of processes of its own."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - an extra

        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "num_gpus": 0,
                "object_store_memory": _MEMORY,
                # A lost node is noticed within seconds.
                "_system_config": {
                    "health_check_initial_delay_ms": 5000,
                    "health_check_period_ms": 2000,
                    "health_check_failure_threshold": 5,
                },
            },
        )
        self.address = str(self._cluster.address)

    def add(self, **resources: float) -> Any:
        return self._cluster.add_node(object_store_memory=_MEMORY, **resources)

    def kill(self, node: Any) -> None:
        self._cluster.remove_node(node, allow_graceful=False)

    def stop(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        found = Nodes()
        yield found
        found.stop()


@pytest.fixture
def cluster(nodes: Nodes) -> Iterator[RayCluster]:
    engine = RayCluster(nodes.address, gpus_per_training=0.5)
    yield engine
    engine.close()


def _slow_square(job: int) -> tuple[int, int]:
    time.sleep(0.7)
    return job * job, os.getpid()


def test_a_lost_node_costs_what_it_was_doing_and_nothing_else(
    nodes: Nodes, cluster: RayCluster
) -> None:
    extra = nodes.add(num_cpus=2)
    workers = WorkerPool(3, cluster).on("cpu")
    assert workers.count == 3
    results: dict[int, int] = {}
    for index, (square, _) in workers.map(_slow_square, range(12)):
        results[index] = square
        if len(results) == 4:  # all three are at work
            nodes.kill(extra)
    assert results == {job: job * job for job in range(12)}
    deadline = time.monotonic() + 60
    while workers.on("cpu").count > 1:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _dies_once(job: tuple[str, int]) -> int:
    mark, number = job
    if number == 1:
        try:
            Path(mark).touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_worker_is_replaced_and_its_job_is_done_again(
    cluster: RayCluster, tmp_path: Path
) -> None:
    jobs = [(str(tmp_path / "mark"), number) for number in range(3)]
    assert dict(WorkerPool(1, cluster).map(_dies_once, jobs)) == {0: 0, 1: 1, 2: 2}


def _dies(job: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_job_that_always_kills_its_worker_ends_in_an_error(cluster: RayCluster) -> None:
    with pytest.raises(WorkerError, match="job 1 of 1 was lost 3 times"):
        list(WorkerPool(1, cluster).map(_dies, [5]))


def _failing(job: int) -> None:
    raise StoreError(f"job {job} is impossible")


def test_workers_that_can_never_start_end_in_an_error(
    cluster: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            raise ImportError("no such project here")

    monkeypatch.setattr("benchmark.workers.ray_cluster.Actor", Broken)
    with pytest.raises(WorkerError, match="3 workers in a row could not start"):
        list(cluster.run(abs, [-1], count=1, device="cpu", work="scoring"))


def test_what_a_job_raises_reaches_the_caller(cluster: RayCluster) -> None:
    with pytest.raises(StoreError, match="job 7 is impossible"):
        list(WorkerPool(1, cluster).map(_failing, [7]))


def test_gpus_that_no_node_has_are_refused_at_once(cluster: RayCluster) -> None:
    started = time.monotonic()
    with pytest.raises(UsageError, match=r"a CPU and 1 GPUs, which no node of the cluster has \("):
        WorkerPool(1, cluster).on("cuda")
    assert time.monotonic() - started < 2
    with pytest.raises(UsageError, match="hands out its GPUs: expected cuda, received cuda:1"):
        WorkerPool(1, cluster).on("cuda:1")


def _visible(_: int) -> str:
    time.sleep(0.3)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def test_scoring_takes_whole_gpus_and_trainings_share_them(
    nodes: Nodes, cluster: RayCluster
) -> None:
    node = nodes.add(num_cpus=4, num_gpus=2)
    scoring = WorkerPool(9, cluster).on("cuda")
    training = WorkerPool(9, cluster).on("cuda", "training")
    assert (scoring.count, training.count) == (2, 4)
    assert {gpu for _, gpu in scoring.map(_visible, range(6))} == {"0", "1"}
    assert {gpu for _, gpu in training.map(_visible, range(8))} == {"0", "1"}
    nodes.kill(node)


def test_losing_the_last_node_with_a_gpu_is_an_error_not_a_wait(
    nodes: Nodes, cluster: RayCluster
) -> None:
    node = nodes.add(num_cpus=1, num_gpus=1)
    workers = WorkerPool(1, cluster).on("cuda")
    results = workers.map(_visible, range(20))
    next(results)
    nodes.kill(node)
    with pytest.raises(UsageError, match="which no node of the cluster has"):
        list(results)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> SupernetOracle:
    """A supernet's oracle as workers make it: from a file's path and hash."""
    plan = Plan(Settings(smoke=True))
    with closing(Store(tmp_path_factory.mktemp("cache") / "cache.sqlite")) as cache:
        return SupernetOracle(open_supernet(plan, 0, cache, NoProgress()), "recalibrated")


def test_a_sharded_oracle_answers_as_one_process_does_while_a_node_is_lost(
    nodes: Nodes, cluster: RayCluster, smoke: SupernetOracle
) -> None:
    extra = nodes.add(num_cpus=1)
    schemes = all_schemes(12)[::3]
    oracle = ShardedOracle(smoke(), smoke, WorkerPool(2, cluster))
    killer = threading.Timer(4.0, nodes.kill, [extra])
    killer.start()
    sharded = [oracle.score(part) for part in np.array_split(schemes, 8)]
    killer.join()
    expected = [smoke().score(part) for part in np.array_split(schemes, 8)]
    for found, alone in zip(sharded, expected, strict=True):
        assert found.accuracy.tobytes() == alone.accuracy.tobytes()
        assert found.loss.tobytes() == alone.loss.tobytes()


def test_a_worker_refuses_a_supernet_of_another_hash(
    cluster: RayCluster, smoke: SupernetOracle
) -> None:
    other = replace(smoke, supernet=replace(smoke.supernet, weights="0" * 16))
    oracle = ShardedOracle(smoke(), other, WorkerPool(2, cluster))
    with pytest.raises(StoreError, match=r"is no intact supernet \(weights .* instead of 0000"):
        oracle.score(all_schemes(12)[:16])


def test_a_run_on_a_cluster_has_the_same_tables(cluster: RayCluster, tmp_path: Path) -> None:
    settings = Settings(smoke=True, strategies=("ean", "random"))
    pages = []
    for name, workers in (("here", WorkerPool(1)), ("there", WorkerPool(2, cluster))):
        run(settings, out=tmp_path / name, cache=tmp_path / f"cache-{name}", workers=workers)
        pages.append(_untimed(tmp_path / name))
    assert pages[0] == pages[1]


def _untimed(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in sorted(_UNTIMED)}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all commands leave behind in one process."""
    place = tmp_path_factory.mktemp("here")
    for command in COMMANDS.values():
        run_command(command, place)
    return place


def test_every_command_leaves_on_a_cluster_what_it_leaves_in_one_process(
    nodes: Nodes, here: Path, tmp_path: Path
) -> None:
    extra = nodes.add(num_cpus=1)
    worker_options = ("--ray", nodes.address, "--workers", "2")
    distributed = [command for command in COMMANDS.values() if command.worker_options]
    assert len(distributed) > 8
    for command in COMMANDS.values():
        run_command(
            replace(command, worker_options=worker_options) if command.worker_options else command,
            tmp_path,
        )
    nodes.kill(extra)
    assert list(between(tables(here), tables(tmp_path))) == []


def test_a_ticket_is_verified_on_a_cluster_as_in_one_process(
    nodes: Nodes, here: Path, tmp_path: Path
) -> None:
    ticket = str(min((here / "run" / "tickets").glob("*.json")))
    repeated = []
    for worker_options in (("--workers", "1"), ("--ray", nodes.address)):
        place = tmp_path / worker_options[0].strip("-")
        place.mkdir()
        # Whether it holds may hang on time, so any verdict will do.
        run_command(
            Command("verify", ("verify", ticket, "--quick"), (), worker_options), place, {0, 1, 2}
        )
        with closing(sqlite3.connect(place / "cache" / "cache.sqlite")) as store:
            question = "SELECT scheme, seed, test_accuracy, test_loss FROM standalone ORDER BY 1, 2"
            repeated.append(store.execute(question).fetchall())
    assert len(repeated[0]) > 1
    assert repeated[0] == repeated[1]


def test_a_killed_command_goes_on_with_the_same_cluster(nodes: Nodes, quick_folder: Path) -> None:
    command = replace(COMMANDS["standalone"], worker_options=("--ray", nodes.address))
    outcome = kill_command(command, quick_folder, kills=2, seed=0)
    assert outcome.wrong == []
    assert outcome.kills == 2


_LOCAL = """
import os, subprocess, sys
from benchmark.workers.pool import WorkerPool
from benchmark.workers.ray_cluster import Actor, RayCluster
cluster = RayCluster()
print(sorted(WorkerPool(2, cluster).map(abs, [-1, -2, -3])))
intruder = {name: value for name, value in os.environ.items() if "RAY" not in name}
code = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False)"
address = cluster._ray.get_runtime_context().gcs_address
child = [sys.executable, "-c", code, address]
refused = subprocess.run(child, env=intruder | {"HOME": sys.argv[1]}, capture_output=True)
print(refused.returncode, b"token" in refused.stderr.lower())
"""


def test_a_cluster_of_this_machine_lets_in_nobody_else(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "RAY" not in name}
    child = subprocess.run(
        [sys.executable, "-c", _LOCAL, str(tmp_path)],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
    )
    assert child.stdout.splitlines()[-2:] == ["[(0, 1), (1, 2), (2, 3)]", "1 True"]

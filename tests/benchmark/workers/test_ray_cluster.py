"""What can be said of clusters without one; `tests/robustness/test_nodes.py` has one."""

import re
import sys
from pathlib import Path

import pytest

from benchmark.basics.errors import UsageError
from benchmark.workers.ray_cluster import RayCluster, _places

PACKAGES = ("benchmark", "strategies", "tasks", "reports")


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "expected"),
    [
        (8.0, 0.0, 0.0, 8),
        (8.0, 0.0, 1.0, 0),
        (8.0, 2.0, 1.0, 2),
        (8.0, 2.0, 0.5, 4),
        (8.0, 2.0, 0.4, 4),  # what is left of two GPUs makes no third of one
        (3.0, 2.0, 0.25, 3),  # a job takes a CPU too
        (8.0, 3.0, 2.0, 1),
        (8.0, 1.0, 0.1, 8),
    ],
)
def test_parts_of_gpus_lie_on_one_gpu_each(
    cpus: float, gpus: float, share: float, expected: int
) -> None:
    assert _places(cpus, gpus, share) == expected


def test_without_ray_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"needs Ray: pip install 'ticket-benchmark\[ray\]'"):
        RayCluster()


def test_nothing_imports_ray_unasked() -> None:
    root = Path(__file__).parents[3]
    sources = [path for name in PACKAGES for path in (root / name).rglob("*.py")]
    naming = {
        path.name: line
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(import|from) ray\b", line)
    }
    assert list(naming) == ["ray_cluster.py"]
    assert naming["ray_cluster.py"].startswith("        import ray")  # inside a function

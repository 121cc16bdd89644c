"""The engines of workers by the option that chooses each: a further one is a line here."""

from pkgutil import resolve_name

from benchmark.workers.engine import Engine

ENGINES: dict[str, str] = {
    "ray": "benchmark.workers.ray_cluster:RayCluster",
}
"""Module and class of each; `benchmark.workers.processes`, which serves without any, is none."""


def engines() -> dict[str, type[Engine]]:
    """All registered engines by name; none of their modules imports what it may lack."""
    return {name: resolve_name(place) for name, place in ENGINES.items()}

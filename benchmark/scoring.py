"""Supernets and their oracles, opened where an experiment or a tabulation needs them."""

from benchmark.oracle.supernet import FrozenSupernet, SupernetOracle, frozen_supernet
from benchmark.oracle.wrappers import CachedOracle, ShardedOracle
from benchmark.plan import Plan
from benchmark.progress import Progress
from benchmark.schemes import all_schemes
from benchmark.sizes import parse_size
from benchmark.store import Store
from benchmark.workers import Workers

_AT_A_TIME = 1024


def open_supernet(plan: Plan, seed: int, cache: Store, progress: Progress) -> FrozenSupernet:
    """The supernet of ``seed``, found beside ``cache`` or trained."""
    title = f"Training supernet {seed + 1} of {plan.settings.supernet_seeds}"
    with progress.stage(title, plan.supernet_recipe.epochs, "epochs") as advance:
        return frozen_supernet(
            plan.supernet(seed),
            plan.task,
            cache.path.parent / "supernets",
            on_epoch=lambda _: advance(1),
        )


def open_oracle(
    plan: Plan, supernet: FrozenSupernet, cache: Store, workers: Workers
) -> CachedOracle:
    """The oracle on ``supernet``, which remembers its answers in ``cache``."""
    settings = plan.settings
    memory = settings.oracle_memory
    recipe = SupernetOracle(
        supernet,
        settings.batch_norm,
        settings.device,
        dtype=settings.oracle_dtype,
        memory=None if memory is None else parse_size(memory),
    )
    # A GPU is one worker; processes are for cores.
    crew = workers if plan.settings.device == "cpu" else Workers(1)
    return CachedOracle(ShardedOracle(recipe(), recipe, crew), cache)


def score_all(oracle: CachedOracle, progress: Progress) -> None:
    """Have ``oracle`` answer every scheme, and remember it."""
    missing = oracle.missing(all_schemes(oracle.blocks))
    with progress.stage("Scoring every scheme", len(missing), "schemes") as advance:
        for start in range(0, len(missing), _AT_A_TIME):
            group = missing[start : start + _AT_A_TIME]
            oracle.score(group)
            advance(len(group))

"""Supernets and their oracles, opened where an experiment or a tabulation needs them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from benchmark.basics.sizes import parse_size
from benchmark.oracle.base import BATCH_NORM_MODES, BatchNormMode
from benchmark.oracle.supernet import SupernetOracle
from benchmark.planning.plan import Plan
from benchmark.records.run import OracleAnswers
from benchmark.records.schemes import all_schemes, bits_scheme
from benchmark.search.wrappers import CachedOracle, ShardedOracle
from benchmark.storage.store import Store
from benchmark.supernet.train import FrozenSupernet, frozen_supernet
from benchmark.training.watch import Watch
from benchmark.watching.progress import Progress
from benchmark.workers.pool import WorkerPool

_AT_A_TIME = 1024


@contextmanager
def watched(plan: Plan, seed: int, progress: Progress) -> Iterator[Watch]:
    """A watch that shows the training of the supernet of ``seed``."""
    title = f"Training supernet {seed + 1} of {plan.settings.supernet_seeds}"
    size = plan.task.epoch_size
    with progress.stage(title, plan.supernet_recipe.epochs * size, "images") as advance:
        yield Watch(resumed=lambda epochs, _: advance(epochs * size), images=advance)


def open_supernet(plan: Plan, seed: int, cache: Store, progress: Progress) -> FrozenSupernet:
    """The supernet of ``seed``, found beside ``cache`` or trained."""
    folder = cache.path.parent / "supernets"
    with watched(plan, seed, progress) as watch:
        return frozen_supernet(plan.supernet(seed), plan.task, folder, watch=watch)


def open_oracle(
    plan: Plan,
    supernet: FrozenSupernet,
    cache: Store,
    workers: WorkerPool,
    batch_norm: BatchNormMode | None = None,
) -> CachedOracle:
    """The oracle on ``supernet``, which remembers its answers in ``cache``.

    Args:
        plan: device, and the batch-norm mode unless ``batch_norm`` is given.
        supernet: frozen.
        cache: where answers are kept for all experiments.
        workers: processes.
        batch_norm: another mode than the plan's.
    """
    settings = plan.settings
    memory = settings.oracle_memory
    recipe = SupernetOracle(
        supernet,
        batch_norm or settings.batch_norm,
        settings.device,
        dtype=settings.oracle_dtype,
        kernels=plan.kernels,
        memory=None if memory is None else parse_size(memory),
    )
    return CachedOracle(ShardedOracle(recipe(), recipe, workers.on(settings.device)), cache)


def ask_in_both_modes(
    plan: Plan, bits: Sequence[str], *, cache: Store, workers: WorkerPool, progress: Progress
) -> list[OracleAnswers]:
    """What every supernet of ``plan`` says of schemes in both batch-norm modes, mode by mode."""
    schemes = np.array([bits_scheme(text) for text in bits])
    seeds = range(plan.settings.supernet_seeds)
    supernets = [open_supernet(plan, seed, cache, progress) for seed in seeds]
    answers = []
    for mode in BATCH_NORM_MODES:
        for seed, supernet in zip(seeds, supernets, strict=True):
            oracle = open_oracle(plan, supernet, cache, workers, mode)
            with progress.stage(f"Asking it ({mode})", len(bits), "schemes") as advance:
                accuracy = oracle.score(schemes).accuracy
                advance(len(bits))
            answers.append(
                OracleAnswers(mode, seed, dict(zip(bits, accuracy.tolist(), strict=True)))
            )
    return answers


def at_a_time(workers: WorkerPool) -> int:
    """Schemes that are asked for together: enough that each worker's share prefixes."""
    return _AT_A_TIME * -(-workers.count // 4)


def score_all(oracle: CachedOracle, workers: WorkerPool, progress: Progress) -> None:
    """Have ``oracle`` answer every scheme, a group for all ``workers`` at a time."""
    missing = oracle.missing(all_schemes(oracle.blocks))
    with progress.stage("Scoring every scheme", len(missing), "schemes") as advance:
        size = at_a_time(workers)
        for start in range(0, len(missing), size):
            group = missing[start : start + size]
            oracle.score(group)
            advance(len(group))

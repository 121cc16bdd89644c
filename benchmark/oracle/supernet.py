"""Fast oracles on frozen supernets."""

from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from benchmark.basics.devices import torch_dtype
from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_rng
from benchmark.oracle.base import BatchNormMode, Oracle
from benchmark.oracle.data import OracleData
from benchmark.oracle.kernels.library import TORCH, named_kernels
from benchmark.oracle.memory import footprint_of
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.supernet.train import FrozenSupernet
from tasks.base import Task
from tasks.registry import load_task


@dataclass(frozen=True)
class SupernetOracle:
    """Recipe of a fast oracle on a frozen supernet; picklable, made where it is needed.

    Attributes:
        supernet: the frozen weights.
        batch_norm: statistics at scoring time.
        device: where scoring runs.
        dtype: name of torch's type of features.
        kernels: what computes block passes: ``torch``, or the name of compiled kernels, which
            every machine that takes part must have.
        memory: bytes that scoring may hold; None for no limit.
    """

    supernet: FrozenSupernet
    batch_norm: BatchNormMode
    device: str = "cpu"
    dtype: str = "float32"
    kernels: str = TORCH
    memory: int | None = None

    def identity(self, task: Task) -> str:
        """Content hash of weights, validation data, batch-norm mode, dtype and code."""
        spec = self.supernet.spec
        return content_hash(
            supernet=self.supernet.identity,
            weights=self.supernet.weights,
            data=task.facts(),
            batch_norm=self.batch_norm,
            calibration=[task.calibration_draws, spec.root_seed],
            dtype=self.dtype,
            kernels=self.kernels,
            piece=footprint_of(
                spec.network,
                task.image_shape,
                dtype=self.dtype,
                device=self.device,
                memory=self.memory,
            ).piece,
            device=self.device.partition(":")[0],
            code=spec.network.code(spec.task, __name__),
        )

    def __call__(self) -> Oracle:
        """The oracle; made once in each process."""
        return _made(self)


@lru_cache(maxsize=4)
@numerical_state()
def _made(recipe: SupernetOracle) -> Oracle:
    spec = recipe.supernet.spec
    task = load_task(spec.task)
    dtype = torch_dtype(recipe.dtype)
    kernels = named_kernels(recipe.kernels)
    return OpenOracle(
        recipe.supernet.load().to(recipe.device),
        oracle_data(task, child_rng(spec.root_seed, "calibration"), device=recipe.device),
        recipe.batch_norm,
        identity=recipe.identity(task),
        make=partial(PrefixTreeOracle, dtype=dtype, kernels=kernels, memory=recipe.memory),
    )


def oracle_data(task: Task, rng: np.random.Generator, *, device: str = "cpu") -> OracleData:
    """What an oracle may see of ``task``: validation data and training draws."""
    validation = task.validation()
    draws = task.training_batches(task.calibration_draws, rng=rng, device=device)
    with closing(draws) as batches:
        calibration, targets = next(batches)
    return OracleData(
        validation=validation.to(device),
        calibration=calibration.to(device),
        metric=task.metric,
        targets=targets.to(device),
        loss=task.loss,
    )

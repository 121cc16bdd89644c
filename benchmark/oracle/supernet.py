"""Supernets: trained once, frozen, known by a content hash; and the oracles they give.

A supernet is the backbone with all SAMs, trained with a fresh Bernoulli(p) scheme
for each mini-batch ("The Lottery Ticket Hypothesis for Self-attention in CNN",
Algorithm 1).
"""

import hashlib
import json
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from benchmark.errors import StoreError
from benchmark.files import replacing
from benchmark.identity import code_version, content_hash
from benchmark.networks.connect import AttentionNetwork, Sharing, build_network, outline_network
from benchmark.networks.resnet import Backbone
from benchmark.oracle.base import BatchNormMode, Oracle, OracleData
from benchmark.oracle.memory import Footprint
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.seeding import child_generator, child_rng
from benchmark.training import OnEpoch, train
from tasks.base import Recipe, Task, TaskSpec
from tasks.registry import load_task

CALIBRATION_DRAWS = 900
"""Training draws on which batch norms are recalibrated."""


@dataclass(frozen=True)
class NetworkSpec:
    """A network up to its weights.

    Attributes:
        backbone: the ResNet.
        attention: name of the SAM.
        reduction: what channels are divided by: into the hidden width of SE and DIA, into
            the groups of SGE.
        sharing: one SAM for each block or for each stage.
    """

    backbone: Backbone
    attention: str
    reduction: int
    sharing: Sharing

    def build(self, generator: torch.Generator) -> AttentionNetwork:
        """The network with initial weights drawn from ``generator``."""
        return build_network(
            self.backbone,
            attention=self.attention,
            reduction=self.reduction,
            sharing=self.sharing,
            generator=generator,
        )

    def footprint(
        self, image_shape: tuple[int, int, int], *, dtype: str, device: str, memory: int | None
    ) -> Footprint:
        """What scoring its schemes holds in memory."""
        return Footprint(
            self.backbone,
            (image_shape[1], image_shape[2]),
            itemsize=torch_dtype(dtype).itemsize,
            recurrent=self.attention == "dia",
            device=device.partition(":")[0],
            limit=memory,
        )

    def outline(self) -> AttentionNetwork:
        """The network without weights, on torch's meta device.

        Raises:
            UsageError: backbone, SAM and sharing don't fit.
        """
        return outline_network(
            self.backbone,
            attention=self.attention,
            reduction=self.reduction,
            sharing=self.sharing,
        )


@dataclass(frozen=True)
class SupernetSpec:
    """Everything that the weights of a supernet depend on.

    Attributes:
        task: data and splits.
        network: backbone and SAMs.
        recipe: how it is trained.
        retain: probability of a connection in a training scheme.
        root_seed: root of the supernets' seeds.
        seed: tells initial weights, draws and schemes from those of other supernets.
    """

    task: TaskSpec
    network: NetworkSpec
    recipe: Recipe
    retain: float
    root_seed: int
    seed: int

    def identity(self, task: Task) -> str:
        """Content hash of this description, the data and the code."""
        return content_hash(spec=self.described(), data=task.facts(), code=code_version())

    def described(self) -> dict[str, Any]:
        """This description as JSON values, without the places of data."""
        return asdict(self) | {"task": self.task.identifying()}


def train_supernet(spec: SupernetSpec, task: Task, *, on_epoch: OnEpoch) -> AttentionNetwork:
    """Train the supernet of ``spec`` from scratch."""
    seeds = (spec.root_seed, "supernet", spec.seed)
    network = spec.network.build(child_generator(*seeds, "weights"))
    schemes = child_rng(*seeds, "schemes")
    train(
        network,
        task,
        spec.recipe,
        rng=child_rng(*seeds, "draws"),
        extra=lambda: (schemes.random(network.spec.blocks) < spec.retain,),
        on_epoch=on_epoch,
    )
    return network


@dataclass(frozen=True)
class FrozenSupernet:
    """A trained supernet on disk.

    Attributes:
        spec: what it was trained from.
        identity: content hash of what it was trained from, which is also its file's name.
        weights: content hash of the weights themselves.
        path: weights and metadata as safetensors.
        training_seconds: how long training took, whenever that was.
    """

    spec: SupernetSpec
    identity: str
    weights: str
    path: Path
    training_seconds: float

    def load(self) -> AttentionNetwork:
        """The network with the frozen weights.

        Raises:
            StoreError: the file is damaged or isn't this supernet.
        """
        network = self.spec.network.build(torch.Generator())
        try:
            with safe_open(self.path, framework="pt") as file:
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            network.load_state_dict(weights)
        except (SafetensorError, RuntimeError, OSError) as error:
            raise _damaged(self.path, error) from error
        return network.eval()


def frozen_supernet(
    spec: SupernetSpec, task: Task, folder: Path, *, on_epoch: OnEpoch
) -> FrozenSupernet:
    """The supernet of ``spec``, from ``folder`` or trained and put there.

    Raises:
        StoreError: the file in ``folder`` is damaged.
        FloatingPointError: training diverged.
    """
    identity = spec.identity(task)
    path = folder / f"{identity}.safetensors"
    if not path.exists():
        started = perf_counter()
        network = train_supernet(spec, task, on_epoch=on_epoch)
        facts = {"spec": spec.described(), "training seconds": perf_counter() - started}
        with replacing(path) as draft:
            save_file(network.state_dict(), draft, metadata={"supernet": json.dumps(facts)})
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = json.loads(file.metadata()["supernet"])
            weights = _weights_hash({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error
    seconds = float(metadata["training seconds"])
    return FrozenSupernet(spec, identity, weights, path, seconds)


def _weights_hash(weights: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].numpy().tobytes())
    return digest.hexdigest()[:16]


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} is no intact supernet ({error}); delete it to train it again")


@dataclass(frozen=True)
class SupernetOracle:
    """Recipe of a fast oracle on a frozen supernet; picklable, made where it is needed.

    Attributes:
        supernet: the frozen weights.
        batch_norm: statistics at scoring time.
        device: where scoring runs.
        dtype: name of torch's type of features.
        memory: bytes that scoring may hold; None for no limit.
    """

    supernet: FrozenSupernet
    batch_norm: BatchNormMode
    device: str = "cpu"
    dtype: str = "float32"
    memory: int | None = None

    def identity(self, task: Task) -> str:
        """Content hash of weights, validation data, batch-norm mode, dtype and code."""
        return content_hash(
            supernet=self.supernet.identity,
            weights=self.supernet.weights,
            data=task.facts(),
            batch_norm=self.batch_norm,
            calibration=[CALIBRATION_DRAWS, self.supernet.spec.root_seed],
            dtype=self.dtype,
            piece=self.supernet.spec.network.footprint(
                task.image_shape, dtype=self.dtype, device=self.device, memory=self.memory
            ).piece,
            device=self.device.partition(":")[0],
            code=code_version(),
        )

    def __call__(self) -> Oracle:
        """The oracle; made once in each process."""
        return _made(self)


@lru_cache(maxsize=4)
def _made(recipe: SupernetOracle) -> Oracle:
    spec = recipe.supernet.spec
    task = load_task(spec.task)
    return PrefixTreeOracle(
        recipe.supernet.load().to(recipe.device),
        oracle_data(task, child_rng(spec.root_seed, "calibration"), device=recipe.device),
        recipe.batch_norm,
        identity=recipe.identity(task),
        dtype=torch_dtype(recipe.dtype),
        memory=recipe.memory,
    )


def torch_dtype(name: str) -> torch.dtype:
    """Torch's type called ``name``."""
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def oracle_data(task: Task, rng: np.random.Generator, *, device: str = "cpu") -> OracleData:
    """What an oracle may see of ``task``: validation data and training draws."""
    validation = task.validation()
    with closing(task.training_batches(CALIBRATION_DRAWS, rng=rng, device=device)) as batches:
        calibration, _ = next(batches)
    return OracleData(
        validation=validation.to(device),
        calibration=calibration.to(device),
        metric=task.metric,
    )

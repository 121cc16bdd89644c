"""Supernets: trained once, frozen, known by a content hash; and the oracles they give.

A supernet is the backbone with all SAMs, trained with a fresh Bernoulli(p) scheme
for each mini-batch ("The Lottery Ticket Hypothesis for Self-attention in CNN",
Algorithm 1).
"""

import json
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from benchmark.basics.errors import DivergenceError, StoreError, UsageError
from benchmark.basics.files import made_folder
from benchmark.basics.identity import code_version, content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_generator, child_rng
from benchmark.networks.attention import attention_class
from benchmark.networks.backbones import Shape
from benchmark.networks.connect import AttentionNetwork, Sharing, build_network, outline_network
from benchmark.networks.resnet import Backbone
from benchmark.oracle.base import BatchNormMode, Oracle, OracleData
from benchmark.oracle.inner_norms import normalised_channels
from benchmark.oracle.kernels.library import TORCH, named_kernels
from benchmark.oracle.memory import Footprint
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.supernet.file import (
    SupernetFacts,
    damaged,
    read_supernet,
    supernet_path,
    weights_hash,
    write_supernet,
)
from benchmark.training import ALONE, Checkpoint, Group, Watch, train
from tasks.base import Task, TaskSpec
from tasks.parts import Head
from tasks.recipes import Recipe
from tasks.registry import load_task


@dataclass(frozen=True)
class NetworkSpec:
    """A network up to its weights.

    Attributes:
        backbone: the ResNet.
        attention: name of the SAM.
        reduction: what channels are divided by; see `Attention`.
        sharing: one SAM for each block or for each stage.
        head: a task's own, instead of pooling and a linear classifier.
    """

    backbone: Backbone
    attention: str
    reduction: int
    sharing: Sharing
    head: Head | None = None

    @staticmethod
    def on(
        task: Task | type[Task], shape: Shape, *, attention: str, sharing: Sharing
    ) -> "NetworkSpec":
        """The networks for the images, the outputs and the head of ``task``.

        Raises:
            UsageError: the backbone doesn't have what the task uses, or there is no such SAM.
        """
        native = shape.backbone(task.image_shape[0], task.classes)
        try:
            backbone = native.using(**asdict(task.trunk))
        except UsageError as error:
            raise UsageError(f"task {task.name}: {error}") from None
        return NetworkSpec(
            backbone=backbone,
            attention=attention,
            reduction=shape.reduction(attention),
            sharing=sharing,
            head=task.head,
        )

    def described(self) -> dict[str, Any]:
        """This description as JSON values; what only some tasks have is left out elsewhere."""
        values = asdict(self)
        values["backbone"] = {
            name: value
            for name, value in values["backbone"].items()
            if value != () or name not in ("strides", "dilations", "earlier")
        }
        head = values.pop("head")
        return values if head is None else values | {"head": {type(self.head).__name__: head}}

    @numerical_state()
    def build(self, generator: torch.Generator | None) -> AttentionNetwork:
        """The network with initial weights drawn from ``generator``.

        None leaves the backbone's as memory happens to be, where nobody looks at them.

        Raises:
            UsageError: backbone, SAM and sharing don't fit, or a SAM's or the head's code leaves
                values out.
        """
        return build_network(
            self.backbone,
            attention=self.attention,
            reduction=self.reduction,
            sharing=self.sharing,
            generator=generator,
            make_head=None if self.head is None else self.head.build,
            finish_head=None if self.head is None else self.head.initialise,
        )

    def footprint(
        self, image_shape: tuple[int, int, int], *, dtype: str, device: str, memory: int | None
    ) -> Footprint:
        """What scoring its schemes holds in memory."""
        with torch.device("meta"):
            attentions = [
                attention_class(self.attention)(channels, self.reduction)
                for channels in self.backbone.channels
            ]
        norms = [normalised_channels(attention) for attention in attentions]
        return Footprint(
            self.backbone,
            (image_shape[1], image_shape[2]),
            itemsize=torch_dtype(dtype).itemsize,
            recurrent=any(attention.recurrent for attention in attentions),
            inner_norms=tuple(norms[stage] for stage in self.backbone.stage_of),
            maps=self.head is not None,
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
            make_head=None if self.head is None else self.head.build,
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
        device: where it is trained; its kind is what matters.
        processes: that train it together; batch norms see the rows of one of them.
    """

    task: TaskSpec
    network: NetworkSpec
    recipe: Recipe
    retain: float
    root_seed: int
    seed: int
    device: str = "cpu"
    processes: int = 1

    def identity(self, task: Task) -> str:
        """Content hash of this description, the data and the code."""
        return content_hash(spec=self.described(), data=task.facts(), code=code_version())

    def described(self) -> dict[str, Any]:
        """This description as JSON values, without the places of data."""
        places = {"task": self.task.identifying(), "device": self.device.partition(":")[0]}
        return asdict(self) | {"network": self.network.described()} | places


def train_supernet(
    spec: SupernetSpec,
    task: Task,
    *,
    watch: Watch | None = None,
    checkpoint: Checkpoint | None = None,
    group: Group = ALONE,
) -> tuple[AttentionNetwork, float]:
    """Train the supernet of ``spec``, from scratch or from ``checkpoint`` on.

    All processes of ``group`` draw the same schemes.

    Returns:
        The network, on the CPU, and the seconds that its training took.

    Raises:
        DivergenceError: training diverged.
        StoreError: the checkpoint is damaged.
        UsageError: it can't be written; or the group isn't the one ``spec`` asks for.
    """
    if group.size != spec.processes:
        raise UsageError(
            f"expected {spec.processes} processes to train this supernet, received {group.size}: "
            f"`torchrun --nproc-per-node {spec.processes} -m benchmark supernet train` with the "
            "same settings trains it for other commands"
        )
    seeds = (spec.root_seed, "supernet", spec.seed)
    network = spec.network.build(child_generator(*seeds, "weights")).to(spec.device)
    schemes = child_rng(*seeds, "schemes")
    seconds = train(
        network,
        task,
        spec.recipe,
        rng=child_rng(*seeds, "draws"),
        extra=lambda: (schemes.random(network.spec.blocks) < spec.retain,),
        generators={"schemes": schemes},
        watch=watch,
        checkpoint=checkpoint,
        group=group,
    )
    return network.cpu(), seconds


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

    @numerical_state()
    def load(self) -> AttentionNetwork:
        """The network with the frozen weights.

        Raises:
            StoreError: the file is damaged or isn't this supernet.
        """
        network = self.spec.network.build(torch.Generator())
        file = read_supernet(self.path)
        if file.facts.weights != self.weights:
            raise damaged(self.path, f"weights {file.facts.weights} instead of {self.weights}")
        try:
            network.load_state_dict(file.weights())
        except RuntimeError as error:
            raise damaged(self.path, error) from error
        return network.eval()


@numerical_state()
def frozen_supernet(
    spec: SupernetSpec,
    task: Task,
    folder: Path,
    *,
    watch: Watch | None = None,
    group: Group = ALONE,
) -> FrozenSupernet:
    """The supernet of ``spec``, from ``folder`` or trained and put there.

    A training that was stopped goes on from its last epoch. Processes with the same
    ``folder`` that want the same supernet wait for the one that trains it.

    Raises:
        StoreError: a file in ``folder`` is damaged.
        DivergenceError: training diverged; its last checkpoint stays.
        UsageError: a file can't be written, or the group isn't the one of ``spec``.
    """
    identity = spec.identity(task)
    path = supernet_path(folder, identity)
    checkpoint = Checkpoint(folder / f"{identity}.checkpoint", identity)
    made_folder(folder, option="--cache")
    with FileLock(folder / f"{identity}.lock") if group.leads else nullcontext():
        device = torch.device(spec.device)
        if group.agreed(b"found" if path.exists() else None, device) is None:
            _train_and_freeze(spec, task, path, checkpoint, watch=watch, group=group)
        # The others may not see the leader's disk.
        read = _read(path, identity) if group.leads else None
        weights, seconds = json.loads(group.agreed(read, device) or b"")
        if group.leads:
            checkpoint.remove()
    return FrozenSupernet(spec, identity, weights, path, seconds)


def _read(path: Path, identity: str) -> bytes:
    try:
        facts = read_supernet(path).facts
        if facts.identity != identity:
            raise damaged(path, f"it is supernet {facts.identity} under another name")
    except StoreError as error:
        raise StoreError(f"{error}; delete it to train it again") from error
    return json.dumps([facts.weights, facts.training_seconds]).encode()


def _train_and_freeze(
    spec: SupernetSpec,
    task: Task,
    path: Path,
    checkpoint: Checkpoint,
    *,
    watch: Watch | None,
    group: Group,
) -> None:
    try:
        network, seconds = train_supernet(
            spec, task, watch=watch, checkpoint=checkpoint, group=group
        )
    except DivergenceError as error:
        kept = f"the state before that epoch is kept in {checkpoint.path}"
        raise DivergenceError(
            f"{error}; {kept if checkpoint.path.exists() else 'no epoch was finished'}; try a "
            "smaller learning rate (--training supernet.learning_rate=…)"
        ) from error
    if group.leads:
        weights = network.state_dict()
        facts = SupernetFacts(
            spec=spec.described(),
            data=task.facts(),
            code=code_version(),
            torch=str(torch.__version__),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            weights=weights_hash(weights),
            training_seconds=seconds,
        )
        write_supernet(path, weights, facts)


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
        return content_hash(
            supernet=self.supernet.identity,
            weights=self.supernet.weights,
            data=task.facts(),
            batch_norm=self.batch_norm,
            calibration=[task.calibration_draws, self.supernet.spec.root_seed],
            dtype=self.dtype,
            kernels=self.kernels,
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


def torch_dtype(name: str) -> torch.dtype:
    """Torch's type called ``name``."""
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


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

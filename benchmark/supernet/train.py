"""Supernets: trained once, frozen, known by a content hash.

A supernet is the backbone with all SAMs, trained with a fresh Bernoulli(p) scheme
for each mini-batch ("The Lottery Ticket Hypothesis for Self-attention in CNN",
Algorithm 1).
"""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from benchmark.basics.errors import DivergenceError, StoreError, UsageError
from benchmark.basics.files import made_folder
from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_generator, child_rng
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.spec import NetworkSpec
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
from tasks.recipes import Recipe


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
        return content_hash(spec=self.described(), data=task.facts(), code=self.code)

    @property
    def code(self) -> str:
        """Version of the code that trains it."""
        return supernet_code(self.task, self.network)

    def described(self) -> dict[str, Any]:
        """This description as JSON values, without the places of data."""
        places = {"task": self.task.identifying(), "device": self.device.partition(":")[0]}
        return asdict(self) | {"network": self.network.described()} | places


def supernet_code(task: TaskSpec, network: NetworkSpec) -> str:
    """Version of the code that trains supernets of ``network`` on ``task``."""
    return network.code(task, __name__)


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
            code=spec.code,
            torch=str(torch.__version__),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            weights=weights_hash(weights),
            training_seconds=seconds,
        )
        write_supernet(path, weights, facts)

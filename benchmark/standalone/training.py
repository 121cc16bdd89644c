"""Stand-alone networks: one scheme, trained from scratch, scored on the test split.

Trainings of one seed are paired: the same initial weights, data order and draws for
every scheme, so that schemes are compared on what they differ in.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from time import perf_counter

import numpy as np
from jaxtyping import Float64
from torch import Tensor

from benchmark.basics.errors import UsageError
from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_generator, child_rng
from benchmark.networks.connect import SchemeNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.records.run import LaneRecord, StandaloneRecord
from benchmark.records.schemes import bits_scheme, scheme_bits
from benchmark.standalone.kept_networks import (
    load_weights,
    network_path,
    read_weights,
    write_network,
)
from benchmark.storage.store import Store
from benchmark.training import Figures, Watch, train
from benchmark.training.evaluation import evaluate_task
from benchmark.workers.pool import WorkerPool
from tasks.base import Task, TaskSpec
from tasks.metrics import Metric
from tasks.recipes import Recipe
from tasks.registry import load_task


@dataclass(frozen=True)
class Training:
    """What all stand-alone trainings of an experiment have in common; picklable.

    Attributes:
        task: data and splits.
        network: backbone and SAMs.
        recipe: how they are trained.
        root_seed: root of the trainings' seeds.
        device: where they run.
        every_epoch: whether each epoch is scored on the test split, to report the best too.
        start: weights to begin with; None trains from scratch. Schemes are then those of the
            networks that the weights come from: this task may use fewer of their blocks.
    """

    task: TaskSpec
    network: NetworkSpec
    recipe: Recipe
    root_seed: int
    device: str = "cpu"
    every_epoch: bool = False
    start: "Start | None" = None

    def identity(self, task: Task) -> str:
        """Content hash of this description, the data and the code."""
        spec = asdict(self) | {
            "task": self.task.identifying(),
            "network": self.network.described(),
            "start": None if self.start is None else self.start.identity(),
        }
        return content_hash(
            spec=spec, data=task.facts(), code=self.network.code(self.task, __name__)
        )

    def initial_network(self, bits: str, seed: int) -> SchemeNetwork:
        """The network of a scheme before training; weights that schemes share are equal.

        Raises:
            UsageError: the weights to begin with are of another backbone.
            StoreError: their file is damaged.
        """
        network = self.built(bits, seed)
        if self.start is not None:
            weights, _ = read_weights(self.start.path(bits, seed))
            begin_with(network, weights)
        return network

    def built(self, bits: str, seed: int) -> SchemeNetwork:
        """The same with all weights drawn."""
        generator = child_generator(self.root_seed, "standalone", seed, "weights")
        used = bits[: self.network.backbone.blocks]
        return SchemeNetwork(self.network.build(generator), bits_scheme(used))


@dataclass(frozen=True)
class Start:
    """Weights to begin a training with: of the same scheme and seed on another task; picklable.

    Attributes:
        training: what the weights come from.
        folder: where they lie; no part of an identity.
    """

    training: Training
    folder: str

    def identity(self) -> str:
        """Content hash of the training that the weights come from."""
        return self.training.identity(load_task(self.training.task))

    def path(self, bits: str, seed: int) -> Path:
        """File of the network of a scheme and seed."""
        return network_path(Path(self.folder), self.identity(), bits, seed)


def begin_with(network: SchemeNetwork, weights: Mapping[str, Tensor]) -> None:
    """Give ``network`` those of ``weights`` that it has, in place.

    All blocks and SAMs must be there. The head always stays as it was drawn, and so do
    the stem where images have another number of channels, and a projection where the other
    network had none since it kept its resolution there.

    Raises:
        UsageError: they are of another backbone.
    """
    stem, top = "network.backbone.first.", ("network.backbone.own", "network.backbone.classifier")
    state = network.state_dict()
    first = f"{stem}conv.weight"
    same_images = first in weights and weights[first].shape == state[first].shape
    for name, tensor in state.items():
        if name.startswith(top) or (name.startswith(stem) and not same_images):
            continue
        if ".shortcut." in name and name not in weights:
            continue
        if name not in weights or weights[name].shape != tensor.shape:
            found = tuple(weights[name].shape) if name in weights else "nothing"
            raise UsageError(
                f"these weights don't fit: expected {name} of {tuple(tensor.shape)}, received "
                f"{found}; the task must use leading stages of the backbone that they come from"
            )
        tensor.copy_(weights[name])


@numerical_state()
def train_network(
    training: Training, bits: str, seed: int, *, on_epoch: Callable[[SchemeNetwork], None]
) -> SchemeNetwork:
    """The network of a scheme (bits), trained from scratch with one seed, in evaluation mode.

    Args:
        training: task, network, recipe.
        bits: the scheme.
        seed: of initial weights, data order and draws.
        on_epoch: is given the network, in evaluation mode, after each epoch.

    Raises:
        FloatingPointError: training diverged.
    """
    network = training.initial_network(bits, seed).to(training.device)
    rng = child_rng(training.root_seed, "standalone", seed, "draws")

    def show(_: Figures) -> None:
        on_epoch(network.eval())
        network.train()

    task = load_task(training.task)
    train(network, task, training.recipe, rng=rng, watch=Watch(epoch=show))
    return network.eval()


@dataclass(frozen=True)
class Job:
    """One training; picklable.

    Attributes:
        training: task, network, recipe, weights to begin with.
        bits: the scheme.
        seed: of initial weights, data order and draws.
        keep: folder for the trained network; None keeps none.
    """

    training: Training
    bits: str
    seed: int
    keep: str | None = None


@numerical_state()
def train_standalone(job: Job) -> StandaloneRecord:
    """Train one scheme with one seed and score it after the last epoch.

    A training that diverges, or whose head dies, is an outcome too: its scores are NaN and
    ``failure`` says why. A network that was kept by an earlier job is only scored.
    """
    training, bits, seed = job.training, job.bits, job.seed
    task = load_task(training.task)
    path = None
    if job.keep is not None:
        path = network_path(Path(job.keep), training.identity(task), bits, seed)
        if path.exists() and not training.every_epoch:
            network = training.built(bits, seed)
            seconds = load_weights(network, path)
            return _record(job, task, network.to(training.device).eval(), seconds, [])
    tests: list[float] = []

    def keep(network: SchemeNetwork) -> None:
        if training.every_epoch:
            split = task.test().to(training.device)
            tests.append(evaluate_task(network, task, split).score.accuracy)

    started = perf_counter()
    try:
        network = train_network(training, bits, seed, on_epoch=keep)
    except FloatingPointError as error:
        seconds = perf_counter() - started
        return StandaloneRecord(bits, seed, nan, nan, nan, seconds, failure=str(error))
    seconds = perf_counter() - started
    if path is not None:
        write_network(path, network, seconds=seconds)
    return _record(job, task, network, seconds, tests)


def _record(
    job: Job, task: Task, network: SchemeNetwork, seconds: float, tests: list[float]
) -> StandaloneRecord:
    device = job.training.device
    test = evaluate_task(network, task, task.test().to(device))
    if test.failure:
        return StandaloneRecord(job.bits, job.seed, nan, nan, nan, seconds, failure=test.failure)
    validation = evaluate_task(network, task, task.validation().to(device))
    # The last epoch's score is the one that is reported, to its last bit.
    tests[-1:] = [test.score.accuracy] * bool(tests)
    best = int(np.argmax(tests)) if tests else None
    return StandaloneRecord(
        bits=job.bits,
        seed=job.seed,
        validation_accuracy=validation.score.accuracy,
        test_accuracy=test.score.accuracy,
        test_loss=test.score.loss,
        seconds=seconds,
        best_epoch=None if best is None else best + 1,
        best_test_accuracy=None if best is None else tests[best],
        figures=test.figures if task.metric.figures != Metric.figures else {},
    )


def train_all(
    training: Training,
    schemes: Sequence[str],
    seeds: Sequence[int],
    *,
    identity: str,
    cache: Store,
    workers: WorkerPool,
    keep: Path | None = None,
    skip: Collection[tuple[str, int]] = (),
) -> Generator[StandaloneRecord, None, None]:
    """Yield the record of every scheme and seed as it gets known; what is cached comes first.

    Each record is in ``cache``, under ``identity``, before it is yielded. With ``keep`` each
    network is in that folder too: one that isn't is trained again. Schemes and seeds to
    ``skip`` are left out.
    """
    known = cache.standalone(identity)
    missing: list[Job] = []
    for seed in seeds:
        for bits in schemes:
            if (bits, seed) in skip:
                continue
            record = known.get((bits, seed))
            path = None if keep is None else network_path(keep, identity, bits, seed)
            if record is None or not (path is None or record.failure or path.exists()):
                missing.append(Job(training, bits, seed, None if keep is None else str(keep)))
            else:
                yield record
    if not missing:
        return
    for _, record in workers.on(training.device, "training").map(train_standalone, missing):
        with cache.transaction():
            cache.add_standalone(identity, record)
        yield record


def pick_candidates(
    lane: LaneRecord, rewards: Float64[np.ndarray, " evaluations"], count: int
) -> list[str]:
    """The ``count`` best distinct schemes of a lane by reward, best first.

    Ties go to fewer connections, then to the scheme that was found first; a scheme
    whose reward is NaN is no candidate.
    """
    best: dict[str, tuple[float, int, int]] = {}
    for position, (scheme, reward) in enumerate(zip(lane.schemes, rewards, strict=True)):
        if not np.isnan(reward):
            found = (-float(reward), int(scheme.sum()), position)
            best.setdefault(scheme_bits(scheme), found)
    return sorted(best, key=best.__getitem__)[:count]

"""Stand-alone networks: one scheme, trained from scratch, scored on the test split.

Trainings of one seed are paired: the same initial weights, data order and draws for
every scheme, so that schemes are compared on what they differ in.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from math import nan
from time import perf_counter

import numpy as np
from jaxtyping import Float64

from benchmark.evaluation import evaluate
from benchmark.identity import code_version, content_hash
from benchmark.networks.connect import SchemeNetwork
from benchmark.oracle.supernet import NetworkSpec
from benchmark.records import LaneRecord, StandaloneRecord
from benchmark.schemes import bits_scheme, scheme_bits
from benchmark.seeding import child_generator, child_rng
from benchmark.store import Store
from benchmark.training import Figures, Watch, train
from benchmark.workers import Workers
from tasks.base import Recipe, Task, TaskSpec
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
    """

    task: TaskSpec
    network: NetworkSpec
    recipe: Recipe
    root_seed: int
    device: str = "cpu"
    every_epoch: bool = False

    def identity(self, task: Task) -> str:
        """Content hash of this description, the data and the code."""
        spec = asdict(self) | {
            "task": self.task.identifying(),
            "network": self.network.described(),
        }
        return content_hash(spec=spec, data=task.facts(), code=code_version())

    def initial_network(self, bits: str, seed: int) -> SchemeNetwork:
        """The untrained network of a scheme; weights that schemes share are equal."""
        generator = child_generator(self.root_seed, "standalone", seed, "weights")
        return SchemeNetwork(self.network.build(generator), bits_scheme(bits))


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


def train_standalone(job: tuple[Training, str, int]) -> StandaloneRecord:
    """Train one scheme (bits) with one seed and score it after the last epoch.

    A training that diverges is an outcome too: its scores are NaN and ``failure`` says why.
    """
    training, bits, seed = job
    task = load_task(training.task)
    tests: list[float] = []

    def keep(network: SchemeNetwork) -> None:
        if training.every_epoch:
            split = task.test().to(training.device)
            tests.append(evaluate(network, split, task.metric).accuracy)

    started = perf_counter()
    try:
        network = train_network(training, bits, seed, on_epoch=keep)
    except FloatingPointError as error:
        seconds = perf_counter() - started
        return StandaloneRecord(bits, seed, nan, nan, nan, seconds, failure=str(error))
    seconds = perf_counter() - started
    validation = evaluate(network, task.validation().to(training.device), task.metric)
    test = evaluate(network, task.test().to(training.device), task.metric)
    # The last epoch's score is the one that is reported, to its last bit.
    tests[-1:] = [test.accuracy] * training.every_epoch
    best = int(np.argmax(tests)) if tests else None
    return StandaloneRecord(
        bits=bits,
        seed=seed,
        validation_accuracy=validation.accuracy,
        test_accuracy=test.accuracy,
        test_loss=test.loss,
        seconds=seconds,
        best_epoch=None if best is None else best + 1,
        best_test_accuracy=None if best is None else tests[best],
    )


def train_all(
    training: Training,
    schemes: Sequence[str],
    seeds: Sequence[int],
    *,
    identity: str,
    cache: Store,
    workers: Workers,
) -> Generator[StandaloneRecord, None, None]:
    """Yield the record of every scheme and seed as it gets known; what is cached comes first.

    Each record is in ``cache``, under ``identity``, before it is yielded.
    """
    known = cache.standalone(identity)
    missing: list[tuple[Training, str, int]] = []
    for seed in seeds:
        for bits in schemes:
            record = known.get((bits, seed))
            if record is None:
                missing.append((training, bits, seed))
            else:
                yield record
    for _, record in workers.map(train_standalone, missing):
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

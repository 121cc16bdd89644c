"""Supernets and data that speed is measured on; untrained, which changes no path."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from os import times
from time import process_time

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmark.basics.seeding import child_generator
from benchmark.basics.threads import single_thread
from benchmark.networks.backbones import shape_named
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.resnet import ConvNorm
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.base import BatchNormMode, OracleData, Schemes
from benchmark.oracle.kernels.library import chosen_kernels
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.reference import ReferenceOracle
from benchmark.speed.roofline import TreeWork, tree_work
from benchmark.training.evaluation import evaluate
from tasks.metrics import Classification
from tasks.splits import TensorSplit

LARGE, CACHED = 500, 32
"""Images of a forward pass: as in the plain loop; so few that a core's caches hold their maps."""


def subject_spec(backbone: str) -> NetworkSpec:
    """``backbone`` with SE in every block."""
    shape = shape_named(backbone)
    return NetworkSpec(shape.native, "se", shape.reduction("se"), "full")


@dataclass(frozen=True)
class Subject:
    """A network with random images of its own size, on one device."""

    spec: NetworkSpec
    network: AttentionNetwork
    data: OracleData

    @staticmethod
    def make(backbone: str, rows: int, *, draws: int = 100, device: str = "cpu") -> "Subject":
        """``backbone`` with SE in every block; ``draws`` are for calibration."""
        shape, spec = shape_named(backbone), subject_spec(backbone)
        generator = child_generator(0, "speed", backbone)
        network = spec.build(generator).eval()
        size = (shape.native.in_channels, *shape.image_size)
        images = torch.randn(rows, *size, generator=generator)
        targets = torch.randint(shape.native.classes, (rows,), generator=generator)
        calibration = torch.randn(draws, *size, generator=generator)
        data = OracleData(
            TensorSplit(images.to(device), targets.to(device)),
            calibration.to(device),
            Classification(),
        )
        return Subject(spec, network.to(device), data)

    def tree(
        self, mode: BatchNormMode = "running", dtype: torch.dtype | None = None
    ) -> PrefixTreeOracle:
        """The fast oracle, as commands make it."""
        device = self.data.calibration.device.type
        kernels = chosen_kernels("auto", device, dtype or torch.float32)
        return PrefixTreeOracle(
            self.network, self.data, mode, identity="tree", dtype=dtype, kernels=kernels
        )

    def work(
        self,
        schemes: Schemes,
        *,
        rows: int,
        tree: PrefixTreeOracle,
        dtype: torch.dtype = torch.float32,
    ) -> TreeWork:
        """What ``tree`` takes for ``schemes`` on ``rows`` images, its maps in ``dtype``."""
        _, channels, height, width = self.data.calibration.shape
        return tree_work(
            self.spec,
            (channels, height, width),
            schemes,
            rows=rows,
            piece=tree.footprint.piece,
            dtype=dtype,
        )

    def plain(self, mode: BatchNormMode = "running") -> ReferenceOracle:
        """The eager loop, module by module, as the authors evaluate."""
        return ReferenceOracle(self.network, self.data, mode, identity="loop")

    def strong(self, batch: int = LARGE) -> "StrongLoop":
        """A loop that folds batch norms and lays features channels last."""
        return StrongLoop(self, batch)


class StrongLoop:
    """One scheme after the other, through convolutions with their batch norms folded in."""

    def __init__(self, subject: Subject, batch: int) -> None:
        self._batch = batch
        network = deepcopy(subject.network)
        for unit in network.modules():
            if isinstance(unit, ConvNorm):
                unit.conv = fuse_conv_bn_eval(unit.conv, unit.norm)
                unit.norm = nn.Identity()  # type: ignore[assignment]  # folded away
        self._network = network.to(memory_format=torch.channels_last)
        ((images, targets),) = subject.data.validation.batches(len(subject.data.validation))
        laid = images.contiguous(memory_format=torch.channels_last)
        self._split = TensorSplit(laid, targets)
        self._metric = subject.data.metric

    @single_thread()
    @torch.inference_mode()
    def accuracy(self, schemes: Schemes) -> list[float]:
        """Accuracy of each scheme."""
        return [
            evaluate(
                lambda images, scheme=scheme: self._network(images, scheme),  # type: ignore[misc]  # bound now
                self._split,
                self._metric,
                batch_size=self._batch,
            ).accuracy
            for scheme in schemes
        ]


@dataclass
class Elapsed:
    """Seconds, once a `clock` has stopped, and how many of them were the kernel's."""

    seconds: float = 0.0
    kernel: float = 0.0


@contextmanager
def clock() -> Iterator[Elapsed]:
    """Processor time of this process in the block: neighbours on the machine don't count."""
    elapsed = Elapsed()
    kernel = times().system
    started = process_time()
    yield elapsed
    elapsed.seconds = process_time() - started
    elapsed.kernel = times().system - kernel


def random_schemes(number: int, blocks: int, rng: np.random.Generator) -> Schemes:
    """Different schemes, each bit set with probability 1/2."""
    found: set[bytes] = set()
    while len(found) < number:
        found.add((rng.random(blocks) < 0.5).tobytes())  # noqa: PLR2004 - a fair coin
    return np.array([np.frombuffer(bits, dtype=bool) for bits in sorted(found)])

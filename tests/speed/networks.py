"""Supernets and data that speed is measured on; untrained, which changes no path."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmark.basics.seeding import child_generator
from benchmark.basics.threads import single_thread
from benchmark.networks.backbone import ConvNorm, shape_named
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.base import BatchNormMode, Schemes
from benchmark.oracle.data import OracleData
from benchmark.oracle.kernels.library import chosen_kernels
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.reference import ReferenceOracle
from benchmark.training.evaluation import evaluate
from tasks.metrics import Classification
from tasks.splits import TensorSplit
from tests.speed.roofline import TreeWork, tree_work

DRAWS = 100
"""Training draws that batch norms are recalibrated on."""


@dataclass(frozen=True)
class Subject:
    """A network with random images of its own size, on one device."""

    spec: NetworkSpec
    network: AttentionNetwork
    data: OracleData

    @staticmethod
    def make(backbone: str, rows: int, *, device: str = "cpu") -> "Subject":
        """``backbone`` with SE in every block, and so many images for validation."""
        shape = shape_named(backbone)
        spec = NetworkSpec(shape.native, "se", shape.reduction("se"), "full")
        generator = child_generator(0, "speed", backbone)
        network = spec.build(generator).eval().to(device)
        size = (shape.native.in_channels, *shape.image_size)
        images, draws = (torch.randn(n, *size, generator=generator) for n in (rows, DRAWS))
        targets = torch.randint(shape.native.classes, (rows,), generator=generator)
        split = TensorSplit(images.to(device), targets.to(device))
        return Subject(spec, network, OracleData(split, draws.to(device), Classification()))

    def tree(
        self, mode: BatchNormMode = "running", dtype: torch.dtype = torch.float32
    ) -> PrefixTreeOracle:
        """The fast oracle, as commands make it."""
        kernels = chosen_kernels("auto", self.data.calibration.device.type, dtype)
        return PrefixTreeOracle(
            self.network, self.data, mode, identity="tree", dtype=dtype, kernels=kernels
        )

    def plain(self, mode: BatchNormMode = "running") -> ReferenceOracle:
        """The eager loop, module by module, as the authors evaluate."""
        return ReferenceOracle(self.network, self.data, mode, identity="loop")

    def work(
        self, schemes: Schemes, tree: PrefixTreeOracle, dtype: torch.dtype = torch.float32
    ) -> TreeWork:
        """What ``tree`` takes for ``schemes``, its maps in ``dtype``."""
        _, channels, height, width = self.data.calibration.shape
        shape = (channels, height, width)
        rows, piece = len(self.data.validation), tree.footprint.piece
        return tree_work(self.spec, shape, schemes, rows=rows, piece=piece, dtype=dtype)


class StrongLoop:
    """One scheme after the other, batch norms folded into convolutions, channels last."""

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


def random_schemes(number: int, blocks: int, rng: np.random.Generator) -> Schemes:
    """Different schemes, each bit set with probability 1/2."""
    found: set[bytes] = set()
    while len(found) < number:
        found.add((rng.random(blocks) < 0.5).tobytes())
    return np.array([np.frombuffer(bits, dtype=bool) for bits in sorted(found)])

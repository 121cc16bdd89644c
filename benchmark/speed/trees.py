"""The tree of prefixes against loops over schemes."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
import torch

from benchmark.basics.seeding import child_generator, child_rng
from benchmark.basics.threads import single_thread
from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle.base import BatchNormMode, OracleData, Schemes
from benchmark.oracle.passes import Children, Passes, blocks_of
from benchmark.oracle.supernet import oracle_data
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.ceilings import cpu_ceilings
from benchmark.speed.networks import CACHED, LARGE, Subject, clock, random_schemes

_LOOKED_AT = 6
"""Schemes that a loop really scores in a turn; the time of all is scaled from them."""
_TIMES = 12
"""Passes through a block that are timed."""


class _TreeAgainstLoop(Benchmark, ABC):
    """A: a loop over schemes, from a sample. B: the tree on all of them."""

    mode: ClassVar[BatchNormMode] = "running"
    loop: ClassVar[Literal["plain", "strong"]] = "plain"
    batch: ClassVar[int] = LARGE

    @abstractmethod
    def subject(self, rows: int) -> tuple[Subject, Schemes]:
        """Network, data and the schemes that are scored."""

    def prepare(self, rows: int) -> None:
        self._subject, self._schemes = self.subject(rows)
        self._tree = self._subject.tree(self.mode)
        self._plain, self._strong = self._subject.plain(self.mode), self._subject.strong(self.batch)
        self._rng = np.random.default_rng(0)
        images = len(self._subject.data.validation)
        self._work = self._subject.work(self._schemes, rows=images, tree=self._tree)
        self._ceilings = cpu_ceilings()
        some = self._schemes[:2]
        expected = self._plain.score(some).accuracy
        # One right answer more or less is a tie within rounding.
        tie = 1 / len(self._subject.data.validation) + 1e-9
        for found in (self._tree.score(some).accuracy, np.array(self._strong.accuracy(some))):
            if self.mode == "running":
                assert np.abs(found - expected).max() <= tie

    def measure(self) -> Round:
        rows = self._rng.choice(len(self._schemes), size=_LOOKED_AT, replace=False)
        with clock() as loop:
            if self.loop == "plain":
                self._plain.score(self._schemes[rows])
            else:
                self._strong.accuracy(self._schemes[rows])
        with clock() as tree:
            self._tree.score(self._schemes)
        scaled = loop.seconds / _LOOKED_AT * len(self._schemes)
        # Maps that are too large for malloc to keep are handed out anew, page by page.
        kernel = loop.kernel / loop.seconds * scaled
        parts = {"A, s": scaled, "of it in the kernel, s": kernel}
        parts["B, s"] = tree.seconds
        if self.mode == "running":  # what calibration takes is not in the count
            parts |= self._rates(tree.seconds)
        return Round(scaled / tree.seconds, parts)

    def _rates(self, seconds: float) -> dict[str, float]:
        return {
            "B's GFLOP/s": self._work.total_flops / seconds / 1e9,
            "core's GFLOP/s": self._ceilings.flops / 1e9,
            "B's GB/s": self._work.total_bytes / seconds / 1e9,
            "core's GB/s": self._ceilings.bandwidth / 1e9,
        }


class _Digits(_TreeAgainstLoop):
    def subject(self, rows: int) -> tuple[Subject, Schemes]:
        del rows  # the task's own
        plan = Plan(Settings())
        network = plan.network.build(child_generator(0, "speed")).eval()
        data: OracleData = oracle_data(plan.task, child_rng(0, "speed"))
        return Subject(plan.network, network, data), all_schemes(plan.blocks)


class DigitsRecalibrated(_Digits):
    name = "digits-recalibrated"
    title = (
        "all 4,096 schemes of digits, recalibrated: plain loop (6 schemes, scaled) / prefix tree"
    )
    claim = Claim(25, least=True, unit="times")
    mode = "recalibrated"


class DigitsRunning(_Digits):
    name = "digits-running"
    title = "all 4,096 schemes of digits, running: plain loop (6 schemes, scaled) / prefix tree"


class _ResNet38(_TreeAgainstLoop):
    def subject(self, rows: int) -> tuple[Subject, Schemes]:
        return Subject.make("resnet38", rows), all_schemes(12)


class ResNet38Plain(_ResNet38):
    name = "resnet38-plain"
    title = (
        "all 4,096 schemes of ResNet38-SE at 32×32, running: plain eager loop (6 schemes, scaled)"
        " / prefix tree"
    )
    claim = Claim(40, least=True, unit="times")


class ResNet38Recalibrated(_ResNet38):
    name = "resnet38-recalibrated"
    title = (
        "all 4,096 schemes of ResNet38-SE at 32×32, recalibrated on 100 draws: plain eager loop "
        "(6 schemes, scaled) / prefix tree"
    )
    mode = "recalibrated"


class ResNet38Strong(_ResNet38):
    name = "resnet38-strong"
    title = (
        "all 4,096 schemes of ResNet38-SE at 32×32, running: loop with folded batch norms and "
        "channels last, large batches (6 schemes, scaled) / prefix tree"
    )
    claim = Claim(24, least=True, unit="times")
    loop = "strong"


class ResNet38Cached(_ResNet38):
    name = "resnet38-cached"
    title = (
        "all 4,096 schemes of ResNet38-SE at 32×32, running: the same loop in batches of "
        f"{CACHED} images, which caches hold (6 schemes, scaled) / prefix tree"
    )
    loop = "strong"
    batch = CACHED


class _ResNet164(_TreeAgainstLoop):
    def subject(self, rows: int) -> tuple[Subject, Schemes]:
        schemes = random_schemes(64, 54, np.random.default_rng(0))
        return Subject.make("resnet164", rows), schemes


class ResNet164Plain(_ResNet164):
    name = "resnet164-plain"
    title = (
        "64 random schemes of ResNet164-SE at 32×32, running: plain eager loop (6 schemes, scaled)"
        " / prefix tree"
    )
    claim = Claim(2, least=True, unit="times")


class ResNet164Strong(_ResNet164):
    name = "resnet164-strong"
    title = (
        "64 random schemes of ResNet164-SE at 32×32, running: loop with folded batch norms and "
        "channels last, large batches (6 schemes, scaled) / prefix tree"
    )
    claim = Claim(1, least=True, unit="times")
    loop = "strong"


class ResNet38Blocks(Benchmark):
    """A: the tree. B: what its block passes take on their own, each timed some times."""

    name = "resnet38-blocks"
    title = (
        "all 4,096 schemes of ResNet38-SE at 32×32, running: prefix tree / sum of its own block "
        f"passes (each level timed {_TIMES} times, scaled)"
    )
    claim = Claim(1.15, least=False, unit="times")

    def prepare(self, rows: int) -> None:
        self._subject = Subject.make("resnet38", rows)
        self._tree = self._subject.tree()
        self._schemes = all_schemes(12)
        self._tree.score(self._schemes[:2])

    def measure(self) -> Round:
        with clock() as tree:
            self._tree.score(self._schemes)
        passes = 0.0
        piece = self._tree.footprint.piece
        for images, _ in self._subject.data.validation.batches(piece):
            passes += self._passes(images.contiguous(memory_format=torch.channels_last))
        parts = {"A, s": tree.seconds, "B, s": passes}
        return Round(tree.seconds / passes, parts)

    @single_thread()
    @torch.inference_mode()
    def _passes(self, images: torch.Tensor) -> float:
        network, passes = self._subject.network, self._tree.running
        (features,) = passes.enter(network.backbone, [images])
        seconds = 0.0
        for level in range(network.spec.blocks):
            _pass(network, level, features, passes)
            with clock() as block:
                for _ in range(_TIMES):
                    outputs = _pass(network, level, features, passes)
            seconds += block.seconds / _TIMES * 2**level
            features = outputs
        with clock() as head:
            for _ in range(_TIMES):
                network.backbone.head(features)
        return seconds + head.seconds / _TIMES * len(self._schemes)


def _pass(
    network: AttentionNetwork, level: int, features: torch.Tensor, passes: Passes
) -> torch.Tensor:
    """One node: convolutions, and both children."""
    block = blocks_of(network.backbone)[level]
    children = Children(passed=True, attended=True, pooled=level + 1 == network.spec.blocks)
    node = passes.node(block, network.attention_of(level), [features], children)
    node.passed()
    (attended,), _ = node.attended([None])
    return attended

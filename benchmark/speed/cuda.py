"""What is claimed of a GPU of the H200's class, with the device's own ceilings beside it."""

from abc import ABC, abstractmethod
from time import perf_counter
from typing import ClassVar

import numpy as np
import torch

from benchmark.costs import count_flops
from benchmark.networks.connect import SchemeNetwork
from benchmark.oracle.base import Schemes
from benchmark.oracle.prefix_tree import block_passes
from benchmark.schemes import all_schemes
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.networks import Subject, random_schemes

_DTYPE = torch.bfloat16
_FEW = 8


class _OnCuda(Benchmark, ABC):
    """Scores ``schemes`` once; seconds on the clock, the device synchronised."""

    backbone: ClassVar[str]
    images: ClassVar[int]

    def missing(self) -> str:
        return "" if torch.cuda.is_available() else "no CUDA device"

    @abstractmethod
    def schemes(self) -> Schemes:
        """What is scored."""

    def prepare(self, rows: int) -> None:
        del rows  # the claim says how many
        self._subject = Subject.make(self.backbone, self.images, device="cuda")
        self._tree = self._subject.tree(dtype=_DTYPE)
        self._schemes = self.schemes()
        few = self._schemes[:: max(len(self._schemes) // _FEW, 1)][:_FEW]
        exact = self._subject.tree().score(few)
        half = self._tree.score(few)
        self._off = float(np.abs(half.accuracy - exact.accuracy).max())
        self._ceilings = _ceilings()

    def measure(self) -> Round:
        seconds = _seconds(lambda: self._tree.score(self._schemes))
        flops, moved = self._work()
        parts = {
            "B, s": seconds,
            "TFLOP/s": flops / seconds / 1e12,
            "GB/s": moved / seconds / 1e9,
            **self._ceilings,
            "largest difference of accuracy to float32": self._off,
        }
        return self.judged(seconds, parts)

    def judged(self, seconds: float, parts: dict[str, float]) -> Round:
        """What is claimed: the seconds, unless a subclass claims otherwise."""
        return Round(seconds, parts)

    def _work(self) -> tuple[float, float]:
        """Operations of the tree's convolutions, and bytes that its maps are read and written."""
        blocks = self._subject.network.spec.blocks
        shape = tuple(self._subject.data.calibration.shape[1:])
        network = SchemeNetwork(self._subject.tree()._network, [False] * blocks)  # noqa: SLF001 - counts only
        share = block_passes(len(self._schemes), blocks) / blocks
        flops = count_flops(network, (shape[0], shape[1], shape[2])) * share * self.images
        held = self._tree.footprint.peak(2, piece=1) - self._tree.footprint.peak(1, piece=1)
        return flops, 4 * held * share * self.images


class CudaResNet38(_OnCuda):
    name = "cuda-resnet38"
    title = "all 4,096 schemes of ResNet38-SE on 10,000 images of 32×32, running, bfloat16"
    claim = Claim(15, least=False, unit="s")
    backbone, images = "resnet38", 10_000

    def schemes(self) -> Schemes:
        return all_schemes(12)


class CudaResNet50(_OnCuda):
    name = "cuda-resnet50"
    title = "all 65,536 schemes of ResNet50-SE on 1,000 images of 224×224, running, bfloat16"
    claim = Claim(300, least=False, unit="s")
    backbone, images = "resnet50", 1000

    def schemes(self) -> Schemes:
        return all_schemes(16)


class CudaResNet164(_OnCuda):
    name = "cuda-resnet164"
    title = (
        "3,000 random schemes of ResNet164-SE × 10,000 images of 32×32, running: plain float32 "
        f"loop ({_FEW} schemes, scaled) / prefix tree in bfloat16"
    )
    claim = Claim(8, least=True, unit="times")
    backbone, images = "resnet164", 10_000

    def schemes(self) -> Schemes:
        return random_schemes(3000, 54, np.random.default_rng(0))

    def judged(self, seconds: float, parts: dict[str, float]) -> Round:
        loop = self._subject.plain()
        loop.score(self._schemes[:1])
        few = _seconds(lambda: loop.score(self._schemes[:_FEW]))
        scaled = few / _FEW * len(self._schemes)
        return Round(scaled / seconds, {"A, s": scaled} | parts)


def _ceilings() -> dict[str, float]:
    """What the device reaches at most: a large product, a large copy."""
    side, times = 8192, 20
    left = torch.randn(side, side, device="cuda", dtype=_DTYPE)
    large = torch.empty(2**31, device="cuda", dtype=torch.uint8)
    other = torch.empty_like(large)
    torch.mm(left, left)
    other.copy_(large)
    product = _seconds(lambda: [torch.mm(left, left) for _ in range(times)]) / times
    copy = _seconds(lambda: [other.copy_(large) for _ in range(times)]) / times
    return {
        "device's TFLOP/s": 2 * side**3 / product / 1e12,
        "device's GB/s": 2 * large.numel() / copy / 1e9,
    }


def _seconds(work: object) -> float:
    torch.cuda.synchronize()
    started = perf_counter()
    assert callable(work)
    work()
    torch.cuda.synchronize()
    return perf_counter() - started

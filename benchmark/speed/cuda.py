"""What is claimed of a GPU of the H200's class, with the device's own ceilings beside it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from benchmark.oracle.base import Schemes
from benchmark.records.schemes import all_schemes
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.ceilings import ceilings, device_seconds
from benchmark.speed.networks import Subject, random_schemes

_DTYPE = torch.bfloat16
_FEW = 8


class _OnCuda(Benchmark, ABC):
    """Scores ``schemes`` once; seconds on the clock, the device synchronised.

    Args:
        device: another one to try it on.
    """

    backbone: ClassVar[str]
    images: ClassVar[int]

    def __init__(self, device: str = "cuda") -> None:
        self._device = device

    def missing(self) -> str:
        return "" if torch.cuda.is_available() else "no GPU"

    @abstractmethod
    def schemes(self) -> Schemes:
        """What is scored."""

    def prepare(self, rows: int) -> None:
        del rows  # the claim says how many
        self._subject = Subject.make(self.backbone, self.images, device=self._device)
        self._tree = self._subject.tree(dtype=_DTYPE)
        self._schemes = self.schemes()
        few = self._schemes[:: max(len(self._schemes) // _FEW, 1)][:_FEW]
        exact = self._subject.tree().score(few)
        half = self._tree.score(few)
        self._off = float(np.abs(half.accuracy - exact.accuracy).max())
        self._work = self._subject.work(
            self._schemes, rows=self.images, tree=self._tree, dtype=_DTYPE
        )
        self._ceilings = ceilings(self._device, _DTYPE)

    def measure(self) -> Round:
        with _peak(self._device) as peak:
            seconds = device_seconds(lambda: self._tree.score(self._schemes), self._device)
        parts = {
            "B, s": seconds,
            "TFLOP/s": self._work.total_flops / seconds / 1e12,
            "GB/s": self._work.total_bytes / seconds / 1e9,
            "device's TFLOP/s": self._ceilings.flops / 1e12,
            "device's GB/s": self._ceilings.bandwidth / 1e9,
            "operators launched": self._work.launches,
            "least at these ceilings, s": self._work.seconds(self._ceilings),
            "largest difference of accuracy to float32": self._off,
            "memory, GiB": peak.bytes / 2**30,
            "memory by the formula, GiB": self._tree.peak() / 2**30,
        }
        return self.judged(seconds, parts)

    def judged(self, seconds: float, parts: dict[str, float]) -> Round:
        """What is claimed: the seconds, unless a subclass claims otherwise."""
        return Round(seconds, parts)


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
        few = device_seconds(lambda: loop.score(self._schemes[:_FEW]), self._device)
        scaled = few / _FEW * len(self._schemes)
        return Round(scaled / seconds, {"A, s": scaled} | parts)


@dataclass
class _Peak:
    """Most bytes that were held in a block, beside those held before it."""

    bytes: int = 0


@contextmanager
def _peak(device: str) -> Iterator[_Peak]:
    peak = _Peak()
    if device == "cpu":
        yield peak
        return
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    yield peak
    peak.bytes = torch.cuda.max_memory_allocated(device) - before

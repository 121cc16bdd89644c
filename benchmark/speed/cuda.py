"""What is claimed of a GPU of the H200's class, with the device's own ceilings beside it."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch

from benchmark.oracle.base import Schemes
from benchmark.schemes import all_schemes
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.networks import Subject, random_schemes
from benchmark.speed.work import Work, cuda_ceilings, cuda_seconds

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
        image = self._subject.data.calibration[:1]
        self._work = Work.of(self._subject.network, self._schemes, image)
        self._ceilings = cuda_ceilings(_DTYPE)

    def measure(self) -> Round:
        seconds = cuda_seconds(lambda: self._tree.score(self._schemes))
        moved = self._work.numbers * _DTYPE.itemsize * self.images
        parts = {
            "B, s": seconds,
            "TFLOP/s": self._work.flops * self.images / seconds / 1e12,
            "device's TFLOP/s": self._ceilings.flops / 1e12,
            "GB/s": moved / seconds / 1e9,
            "device's GB/s": self._ceilings.bytes / 1e9,
            "largest difference of accuracy to float32": self._off,
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
        few = cuda_seconds(lambda: loop.score(self._schemes[:_FEW]))
        scaled = few / _FEW * len(self._schemes)
        return Round(scaled / seconds, {"A, s": scaled} | parts)

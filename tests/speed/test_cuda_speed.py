"""What is claimed of a GPU of the H200's class, with the device's own ceilings beside it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from benchmark.oracle.base import Schemes
from benchmark.records.schemes import all_schemes
from tests.speed.ceilings import ceilings, device_seconds
from tests.speed.claims import Claim, Round, Speed
from tests.speed.networks import Subject, random_schemes

DTYPE = torch.bfloat16
FEW = 8
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@dataclass(frozen=True)
class Scoring:
    """Schemes that are scored once, the device synchronised.

    Attributes:
        subject: network and images.
        schemes: what is scored.
        device: on which all lies.
    """

    subject: Subject
    schemes: Schemes
    device: str = "cuda"

    def turn(self, *, beside_loop: bool) -> Round:
        """Seconds of the tree or, beside the plain float32 loop, how many times as long that takes.

        The loop scores a few schemes; its time is scaled.
        """
        tree = self.subject.tree(dtype=DTYPE)
        few = self.schemes[:: max(len(self.schemes) // FEW, 1)][:FEW]
        half, exact = tree.score(few).accuracy, self.subject.tree().score(few).accuracy
        held = _reset_peak(self.device)
        seconds = device_seconds(lambda: tree.score(self.schemes), self.device)
        peak = _peak(self.device) - held
        work, device = self.subject.work(self.schemes, tree, DTYPE), ceilings(self.device, DTYPE)
        parts = {
            "B, s": seconds,
            "TFLOP/s": work.total_flops / seconds / 1e12,
            "GB/s": work.total_bytes / seconds / 1e9,
            "device's TFLOP/s": device.flops / 1e12,
            "device's GB/s": device.bandwidth / 1e9,
            "operators launched": work.launches,
            "least at these ceilings, s": work.seconds(device),
            "largest difference of accuracy to float32": float(np.abs(half - exact).max()),
            "memory, GiB": peak / 2**30,
            "memory by the formula, GiB": tree.peak() / 2**30,
        }
        if not beside_loop:
            return Round(seconds, parts)
        loop = self.subject.plain()
        loop.score(few[:1])
        slow = device_seconds(lambda: loop.score(few), self.device) / len(few) * len(self.schemes)
        return Round(slow / seconds, {"A, s": slow} | parts)


def _reset_peak(device: str) -> int:
    """Bytes that are held now, which the peak is counted from."""
    if device == "cpu":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _peak(device: str) -> int:
    return 0 if device == "cpu" else torch.cuda.max_memory_allocated(device)


@needs_gpu
def test_cuda_resnet38(speed: Speed) -> None:
    scoring = Scoring(Subject.make("resnet38", 10_000, device="cuda"), all_schemes(12))
    title = "all 4,096 schemes of ResNet38-SE on 10,000 images of 32×32, running, bfloat16"
    speed.turns(title, lambda: scoring.turn(beside_loop=False), Claim(15, "s", least=False))


@needs_gpu
def test_cuda_resnet50(speed: Speed) -> None:
    scoring = Scoring(Subject.make("resnet50", 1000, device="cuda"), all_schemes(16))
    title = "all 65,536 schemes of ResNet50-SE on 1,000 images of 224×224, running, bfloat16"
    speed.turns(title, lambda: scoring.turn(beside_loop=False), Claim(300, "s", least=False))


@needs_gpu
def test_cuda_resnet164(speed: Speed) -> None:
    schemes = random_schemes(3000, 54, np.random.default_rng(0))
    scoring = Scoring(Subject.make("resnet164", 10_000, device="cuda"), schemes)
    title = (
        "3,000 random schemes of ResNet164-SE × 10,000 images of 32×32, running: plain float32 "
        f"loop ({FEW} schemes, scaled) / prefix tree in bfloat16"
    )
    speed.turns(title, lambda: scoring.turn(beside_loop=True), Claim(8))


def test_a_turn_measures_the_tree_and_the_loop() -> None:
    schemes = random_schemes(9, 12, np.random.default_rng(0))
    found = Scoring(Subject.make("resnet38", 3), schemes, "cpu").turn(beside_loop=True)
    parts = found.parts
    assert found.value == parts["A, s"] / parts["B, s"]
    assert min(parts[name] for name in ("TFLOP/s", "device's TFLOP/s", "device's GB/s")) > 0
    assert parts["largest difference of accuracy to float32"] <= 1 / 3
    assert parts["least at these ceilings, s"] > 0

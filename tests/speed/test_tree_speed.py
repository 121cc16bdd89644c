"""The tree of prefixes against loops over schemes, its own passes and its formula of memory."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
import torch

from benchmark.basics.seeding import child_generator, child_rng
from benchmark.basics.threads import single_thread
from benchmark.networks.backbone import blocks_of
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.base import BatchNormMode, Schemes
from benchmark.oracle.passes import Children
from benchmark.oracle.supernet import oracle_data
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.schemes import all_schemes
from tests.benchmark.small import SMALL, small_data, small_network
from tests.speed.ceilings import cpu_ceilings
from tests.speed.claims import Claim, Round, Speed, clock
from tests.speed.networks import StrongLoop, Subject, random_schemes

ROWS = 128
"""Validation images; `digits` has its own 10,000 draws."""
LARGE, CACHED = 500, 32
"""Images of a forward pass: as in the plain loop; so few that a core's caches hold their maps."""
LOOKED_AT = 6
"""Schemes that a loop really scores in a turn; the time of all is scaled from them."""
TIMES = 12
"""Passes through a block that are timed."""

Network = Literal["digits", "resnet38", "resnet164"]
WHAT = {
    "digits": "all 4,096 schemes of digits",
    "resnet38": "all 4,096 schemes of ResNet38-SE at 32×32",
    "resnet164": "64 random schemes of ResNet164-SE at 32×32",
}


@dataclass(frozen=True)
class Loop:
    """What the tree is held to.

    Attributes:
        network: on which both run.
        batch: images of a pass with norms folded and channels last; None for the plain loop.
        mode: of batch norms.
        claim: how many times as fast the tree is at least.
    """

    network: Network
    batch: int | None = None
    mode: BatchNormMode = "running"
    claim: float | None = None

    @property
    def title(self) -> str:
        plain = "plain eager loop"
        strong = f"loop with folded batch norms and channels last, batches of {self.batch} images"
        loop = plain if self.batch is None else strong
        what = f"{WHAT[self.network]}, {self.mode}"
        return f"{what}: {loop} ({LOOKED_AT} schemes, scaled) / prefix tree"


LOOPS = {
    "resnet38-plain": Loop("resnet38", claim=40),
    "resnet38-strong": Loop("resnet38", LARGE, claim=24),
    "resnet38-cached": Loop("resnet38", CACHED),
    "resnet38-recalibrated": Loop("resnet38", mode="recalibrated"),
    "resnet164-plain": Loop("resnet164", claim=2),
    "resnet164-strong": Loop("resnet164", LARGE, claim=1),
    "digits-recalibrated": Loop("digits", mode="recalibrated", claim=25),
    "digits-running": Loop("digits"),
}


def subject_of(network: Network) -> tuple[Subject, Schemes]:
    if network == "resnet38":
        return Subject.make("resnet38", ROWS), all_schemes(12)
    if network == "resnet164":
        return Subject.make("resnet164", ROWS), random_schemes(64, 54, np.random.default_rng(0))
    plan = Plan(Settings())
    built = plan.network.build(child_generator(0, "speed")).eval()
    data = oracle_data(plan.task, child_rng(0, "speed"))
    return Subject(plan.network, built, data), all_schemes(plan.blocks)


@pytest.mark.parametrize("loop", LOOPS.values(), ids=list(LOOPS))
def test_tree(speed: Speed, loop: Loop) -> None:
    subject, schemes = subject_of(loop.network)
    tree, plain = subject.tree(loop.mode), subject.plain(loop.mode)
    strong = StrongLoop(subject, loop.batch or LARGE)
    slow: Callable[[Schemes], object] = plain.score if loop.batch is None else strong.accuracy
    rng = np.random.default_rng(0)
    work = subject.work(schemes, tree)
    ceilings = cpu_ceilings()
    expected = plain.score(schemes[:2]).accuracy
    if loop.mode == "running":  # one right answer more or less is a tie within rounding
        tie = 1 / len(subject.data.validation) + 1e-9
        for found in (tree.score(schemes[:2]).accuracy, np.array(strong.accuracy(schemes[:2]))):
            assert np.abs(found - expected).max() <= tie

    def turn() -> Round:
        some = schemes[rng.choice(len(schemes), size=LOOKED_AT, replace=False)]
        with clock() as looped:
            slow(some)
        with clock() as climbed:
            tree.score(schemes)
        scale = len(schemes) / LOOKED_AT
        # Maps that are too large for malloc to keep are handed out anew, page by page.
        parts = {"A, s": looped.seconds * scale, "of it in the kernel, s": looped.kernel * scale}
        parts["B, s"] = climbed.seconds
        if loop.mode == "running":  # what calibration takes is not in the count
            parts |= {
                "B's GFLOP/s": work.total_flops / climbed.seconds / 1e9,
                "core's GFLOP/s": ceilings.flops / 1e9,
                "B's GB/s": work.total_bytes / climbed.seconds / 1e9,
                "core's GB/s": ceilings.bandwidth / 1e9,
            }
        return Round(parts["A, s"] / parts["B, s"], parts)

    speed.turns(loop.title, turn, None if loop.claim is None else Claim(loop.claim))


def test_resnet38_blocks(speed: Speed) -> None:
    subject, schemes = subject_of("resnet38")
    tree = subject.tree()
    tree.score(schemes[:2])
    network, passes = subject.network, tree.running
    blocks = blocks_of(network.backbone)

    def node(level: int, features: torch.Tensor) -> torch.Tensor:
        """One node: convolutions, and both children."""
        children = Children(passed=True, attended=True, pooled=level + 1 == len(blocks))
        node = passes.node(blocks[level], network.attention_of(level), [features], children)
        node.passed()
        (attended,), _ = node.attended([None])
        return attended

    @single_thread()
    @torch.inference_mode()
    def alone(images: torch.Tensor) -> float:
        laid = images.contiguous(memory_format=torch.channels_last)
        (features,) = passes.enter(network.backbone, [laid])
        seconds = 0.0
        for level in range(len(blocks)):
            node(level, features)
            with clock() as block:
                for _ in range(TIMES):
                    outputs = node(level, features)
            seconds += block.seconds / TIMES * 2**level
            features = outputs
        with clock() as head:
            for _ in range(TIMES):
                network.backbone.head(features)
        return seconds + head.seconds / TIMES * len(schemes)

    def turn() -> Round:
        with clock() as whole:
            tree.score(schemes)
        pieces = subject.data.validation.batches(tree.footprint.piece)
        parts = {"A, s": whole.seconds, "B, s": sum(alone(images) for images, _ in pieces)}
        return Round(parts["A, s"] / parts["B, s"], parts)

    title = (
        f"{WHAT['resnet38']}, running: prefix tree / sum of its own block passes "
        f"(each level timed {TIMES} times, scaled)"
    )
    speed.turns(title, turn, Claim(1.15, least=False))


# `ru_maxrss` would begin at this process's own peak, which a child keeps through exec.
MEASURE = """
import re
from pathlib import Path

import numpy as np
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from tests.speed.networks import Subject, random_schemes

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

subject = Subject.make("resnet38", 4 * 64)
arguments = subject.network, subject.data, "running"
# By torch's operations: kernels hold no maps of the blocks that they run at once.
oracle = PrefixTreeOracle(*arguments, identity="")
schemes = random_schemes(64, 12, np.random.default_rng(0))
# The same work on pieces of eight rows first: code, packed weights, buffers of kernels.
small = PrefixTreeOracle(*arguments, identity="", group=1, memory=2**26)
small.score(schemes[:1])
before = peak()
oracle.score(schemes)
print(peak() - before, oracle.peak() - small.peak(), oracle.peak())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no resident set as on Linux")
def test_tree_memory(speed: Speed) -> None:
    def turn() -> Round:
        line = [sys.executable, "-c", MEASURE]
        run = subprocess.run(line, capture_output=True, text=True, check=True)
        grown, formula, whole = (int(number) / 2**20 for number in run.stdout.split())
        parts = {"measured, MiB": grown, "formula, MiB": formula, "formula, whole, MiB": whole}
        return Round(grown / formula, parts)

    title = (
        "memory of the prefix tree on ResNet38-SE at 32×32, 64 schemes, by torch's operations: "
        "measured growth of the resident set / formula"
    )
    speed.turns(title, turn, Claim(1.1, least=False))


def test_the_strong_loop_scores_what_the_plain_one_does() -> None:
    schemes = np.array([[0, 1, 0, 1, 1], [1, 1, 0, 0, 1]], dtype=bool)
    subject = Subject(NetworkSpec(SMALL, "se", 2, "full"), small_network(), small_data())
    expected = subject.plain().score(schemes).accuracy.tolist()
    assert StrongLoop(subject, 10).accuracy(schemes) == expected

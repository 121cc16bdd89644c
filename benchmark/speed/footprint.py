"""The memory of a tree, measured in a process of its own beside the formula."""

import subprocess
import sys

from benchmark.speed.base import Benchmark, Claim, Round

_MEASURE = """
import resource, sys
import numpy as np
from benchmark.speed.networks import Subject, random_schemes
from benchmark.oracle.prefix_tree import PrefixTreeOracle

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

subject = Subject.make("resnet38", 4 * 64)
# By torch's operations: kernels hold no maps of the blocks that they run at once.
oracle = PrefixTreeOracle(subject.network, subject.data, "running", identity="")
schemes = random_schemes(64, 12, np.random.default_rng(0))
# The same work on pieces of eight rows first: code, packed weights, buffers of kernels.
small = PrefixTreeOracle(
    subject.network, subject.data, "running", identity="", group=1, memory=2**26
)
small.score(schemes[:1])
before = peak()
oracle.score(schemes)
print(peak() - before, oracle.peak() - small.peak(), oracle.peak())
"""


class TreeMemory(Benchmark):
    """Growth of the resident set at its peak, beside what the formula says it may grow."""

    name = "tree-memory"
    title = (
        "memory of the prefix tree on ResNet38-SE at 32×32, 64 schemes, by torch's operations: "
        "measured growth of the resident set / formula"
    )
    claim = Claim(1.1, least=False, unit="times")

    def missing(self) -> str:
        return "" if sys.platform == "linux" else "no resident set as on Linux"

    def prepare(self, rows: int) -> None:
        """Nothing: the process makes its own."""

    def measure(self) -> Round:
        run = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-P", "-c", _MEASURE], capture_output=True, text=True, check=True
        )
        grown, formula, whole = map(int, run.stdout.split())
        parts = {"measured, MiB": grown / 2**20, "formula, MiB": formula / 2**20}
        return Round(grown / formula, parts | {"formula, whole, MiB": whole / 2**20})

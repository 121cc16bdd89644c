"""The prefix tree against the plain loop over schemes, in pairs, on the default task.

Run with ``tox -e speed``; nothing is asserted about time.
"""

from time import perf_counter

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.reference import ReferenceOracle
from benchmark.oracle.supernet import oracle_data
from benchmark.plan import Plan
from benchmark.schemes import all_schemes
from benchmark.seeding import child_generator, child_rng
from benchmark.settings import Settings

PAIRS = 3
SAMPLE = 12


@pytest.mark.parametrize("batch_norm", ["recalibrated", "running"])
def test_all_schemes_of_digits(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], batch_norm: str
) -> None:
    """One pair: the loop on twelve random schemes (scaled to all), then the tree on all.

    Weights are untrained: neither way takes another path for that.
    """
    settings = Settings(batch_norm=batch_norm)
    parts = Plan(settings)
    network = parts.network.build(child_generator(0, "speed"))
    data = oracle_data(parts.task, child_rng(0, "speed"))
    tree = PrefixTreeOracle(network, data, settings.batch_norm, identity="tree")
    loop = ReferenceOracle(network, data, settings.batch_norm, identity="loop")
    every = all_schemes(parts.network.backbone.blocks)
    rng = np.random.default_rng(0)
    loops: list[float] = []

    def time_loop() -> None:
        rows = rng.choice(len(every), size=SAMPLE, replace=False)
        started = perf_counter()
        answers = loop.score(every[rows])
        loops.append((perf_counter() - started) / SAMPLE * len(every))
        assert np.array_equal(tree.score(every[rows]).accuracy, answers.accuracy)

    trees: list[float] = []

    def time_tree() -> None:
        started = perf_counter()
        tree.score(every)
        trees.append(perf_counter() - started)

    benchmark.pedantic(time_tree, setup=time_loop, rounds=PAIRS)  # type: ignore[no-untyped-call]  # the plug-in's own
    ratios = sorted(slow / fast for slow, fast in zip(loops, trees, strict=True))
    benchmark.extra_info |= {"loop, s": loops, "tree, s": trees, "ratios": ratios}
    with capsys.disabled():
        print(  # noqa: T201 - a person reads the ratios
            f"\n{batch_norm}: {len(every)} schemes x {len(data.validation)} draws, one thread, "
            f"torch {torch.__version__}, {PAIRS} pairs: loop {np.median(loops):.0f} s, tree "
            f"{np.median(trees):.1f} s, ratio {ratios[0]:.1f} / {np.median(ratios):.1f} / "
            f"{ratios[-1]:.1f} (lowest / median / highest)"
        )

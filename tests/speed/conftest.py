"""What benchmarks share: the fixture that measures, and the table at the end."""

import os
import platform
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark import __version__
from benchmark.oracle.kernels.library import chosen_kernels, kernels_name
from benchmark.standalone.costs import machine_name
from tests.speed.claims import Result, Speed, table

RESULTS = pytest.StashKey[list[Result]]()
"""What was measured in a session."""


@pytest.fixture
def speed(
    benchmark: BenchmarkFixture,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Speed]:
    """Measures; its turns are pytest-benchmark's ``--benchmark-min-rounds``."""
    measured = Speed(benchmark, turns=request.config.getoption("benchmark_min_rounds"))
    yield measured
    for result in measured.results:
        request.config.stash.setdefault(RESULTS, []).append(result)
        with capsys.disabled():
            print(f"\n{request.node.name}: {result.line}")  # noqa: T201 - a person reads it


def circumstances() -> dict[str, Any]:
    """Machine, versions and how was measured, by name."""
    return {
        "processor": machine_name("cpu"),
        "cores": len(os.sched_getaffinity(0)),
        "load": f"{os.getloadavg()[0]:.1f}",
        "CUDA device": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "oracle kernels": kernels_name(chosen_kernels("auto", "cpu", torch.float32)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ticket-benchmark": __version__,
        "clock": "processor time of one thread, A and B in turn, unless a row says otherwise; "
        "times on a GPU are on the clock",
    }


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info |= circumstances()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    results = config.stash.get(RESULTS, [])
    if results:
        skipped = {
            report.nodeid.split("::")[-1]: report.longrepr[2].removeprefix("Skipped: ")
            for report in terminalreporter.getreports("skipped")
        }
        left_out = {name: why for name, why in skipped.items() if "non-benchmark" not in why}
        terminalreporter.write_line(f"\n{table(results, left_out, circumstances())}")

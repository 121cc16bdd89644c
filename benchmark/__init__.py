"""Ticket Benchmark: which blocks of a CNN should get an attention module?

From Python, with the words of the command line::

    from benchmark import Settings, run

    report = run(Settings(strategies=("ean", "ga"), budget=100), out="runs/mine")
    print(report.headline)

A `reports.report.Report` shows itself in a notebook. Runs that are there already::

    from benchmark import compare_runs, read_report

    read_report("runs/mine")  # finished or not
    compare_runs("runs/mine", "runs/other")
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["Settings", "__version__", "compare_runs", "read_report", "run"]

_LAZY = {
    "Settings": "benchmark.settings",
    "compare_runs": "benchmark.reading",
    "read_report": "benchmark.reading",
    "run": "benchmark.experiment",
}


def __getattr__(name: str) -> Any:
    # Loaded when used: the command line answers --help without loading torch.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)

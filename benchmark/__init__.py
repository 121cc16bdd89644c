"""Ticket Benchmark: which blocks of a CNN should get an attention module?

From Python, with the words of the command line::

    from benchmark import Settings, run

    report = run(Settings(strategies=("ean", "ga"), budget=100), out="runs/mine")
    print(report.headline)

A `reports.pages.report.Report` shows itself in a notebook. Runs that are there already::

    from benchmark import compare_runs, read_report

    read_report("runs/mine")  # finished or not
    compare_runs("runs/mine", "runs/other")
"""

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

__version__ = "0.1.0"
__all__ = ["Settings", "__version__", "compare_runs", "read_report", "run"]

_LAZY = {
    "Settings": "benchmark.planning.settings",
    "compare_runs": "benchmark.studies.reading",
    "read_report": "benchmark.studies.reading",
    "run": "benchmark.studies.experiment",
}


def _take_what_is_beside() -> None:
    """Import this project's other packages: those beside this one, whatever else is called so.

    Raises:
        ImportError: another module of such a name has been imported already.
    """
    root = str(Path(__file__).parents[1])
    path = sys.path[sys.argv[:1] == ["-m"] :]  # without the working folder, see __main__
    for name in ("strategies", "tasks", "reports"):
        own = PathFinder.find_spec(name, [root])
        assert own is not None
        assert own.loader is not None
        if loaded := sys.modules.get(name):
            if loaded.__spec__ is None or loaded.__spec__.origin != own.origin:
                raise ImportError(_in_the_way(own, getattr(loaded, "__file__", name)), name=name)
            continue
        found = PathFinder.find_spec(name, path)
        if found is not None and found.has_location and found.origin != own.origin:
            from benchmark.basics.errors import BenchmarkWarning  # noqa: PLC0415 - rarely needed

            text = f"{_in_the_way(own, found.origin)}; until then import {name} gives the latter"
            warnings.warn(text, BenchmarkWarning, stacklevel=3)
        sys.modules[name] = module_from_spec(own)
        own.loader.exec_module(sys.modules[name])


def _in_the_way(own: ModuleSpec, other: str | None) -> str:
    return (
        f"{other} is in the way of Ticket Benchmark's own package {own.name} ({own.origin}): "
        "rename it, or start Python in another folder"
    )


_take_what_is_beside()


def __getattr__(name: str) -> Any:
    # Loaded when used: the command line answers --help without loading torch.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)

"""Results of benchmarks as text, JSON and Markdown: one set of numbers."""

import json
import os
import platform
from collections.abc import Sequence
from typing import Any

import torch

from benchmark import __version__
from benchmark.oracle.kernels.library import chosen_kernels, kernels_name
from benchmark.speed.base import Result
from benchmark.standalone.costs import machine_name


def circumstances(*, pairs: int, rows: int) -> dict[str, Any]:
    """Machine, versions and how was measured, by name."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": machine_name("cpu"),
        "cores": len(os.sched_getaffinity(0)),
        "load": f"{os.getloadavg()[0]:.1f}",
        "CUDA device": device,
        "oracle kernels": kernels_name(chosen_kernels("auto", "cpu", torch.float32)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ticket-benchmark": __version__,
        "repeats": pairs,
        "validation images": rows,
        "clock": "processor time of one thread, A and B in turn; times on a GPU and of the "
        "runner are on the clock",
    }


def as_json(results: Sequence[Result], about: dict[str, Any]) -> str:
    """Everything, every round included."""
    whole = {"circumstances": about, "benchmarks": [result.plain() for result in results]}
    return json.dumps(whole, indent=1, ensure_ascii=False)


def as_line(result: Result) -> str:
    """One result for a terminal."""
    if not result.rounds:
        return f"{result.name}: not run: {result.note}\n  {result.title}"
    parts = ", ".join(f"{name} {result.part(name):.3g}" for name in result.rounds[0].parts)
    return (
        f"{result.name}: {_spread(result)} (lowest / median / highest of {len(result.rounds)}); "
        f"claimed {_claimed(result)}\n  {result.title}\n  medians: {parts}"
    )


def as_markdown(results: Sequence[Result], about: dict[str, Any]) -> str:
    """A table with the circumstances under it."""
    lines = ["| what | claimed | lowest / median / highest | A | B |", "|---|---|---|---|---|"]
    for result in results:
        if not result.rounds:
            claim = "" if result.claim is None else str(result.claim)
            lines.append(f"| {result.title} | {claim} | not run: {result.note} | | |")
            continue
        parts = result.rounds[0].parts
        a, b = (f"{result.part(n):.1f} s" if n in parts else "" for n in ("A, s", "B, s"))
        lines.append(f"| {result.title} | {_claimed(result)} | {_spread(result)} | {a} | {b} |")
    facts = "; ".join(f"{name}: {value}" for name, value in about.items())
    return "\n".join([*lines, "", f"{facts}."])


def _spread(result: Result) -> str:
    unit = "" if result.claim is None else f" {result.claim.unit}"
    shown = (result.values[0], result.median, result.values[-1])
    return " / ".join(f"{value:.3g}" for value in shown) + unit


def _claimed(result: Result) -> str:
    if result.claim is None:
        return "nothing"
    return f"{result.claim}: {'kept' if result.claim.holds(result.median) else 'missed'}"

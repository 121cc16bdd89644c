"""What a benchmark of speed is: two ways of the same work, measured in turn."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

Number = int | float
"""Tests check signatures at run time, where an int is no float."""


@dataclass(frozen=True)
class Claim:
    """What is claimed of a measured value.

    Attributes:
        bound: the value.
        least: whether at least the bound is claimed, or at most.
        unit: of the value.
    """

    bound: Number
    least: bool
    unit: str

    def holds(self, value: Number) -> bool:
        """Whether ``value`` keeps it."""
        return value >= self.bound if self.least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:g} {self.unit}"


@dataclass(frozen=True)
class Round:
    """One turn of A and B.

    Attributes:
        value: what is claimed of: a ratio A / B, or a quantity.
        parts: seconds of A and of B, or whatever else was measured, by name.
    """

    value: float
    parts: dict[str, float]


class Benchmark(ABC):
    """One claim and how it is measured; `prepare` once, then `measure` some times."""

    name: ClassVar[str]
    title: ClassVar[str]
    """What A and B are, for readers; says what is estimated from a sample."""
    claim: ClassVar[Claim | None] = None

    def missing(self) -> str:
        """What this machine lacks to run it; empty when nothing."""
        return ""

    @abstractmethod
    def prepare(self, rows: int) -> None:
        """Make what is measured, on ``rows`` validation images, and warm it up."""

    @abstractmethod
    def measure(self) -> Round:
        """One turn."""


@dataclass(frozen=True)
class Result:
    """What came out of a benchmark.

    Attributes:
        name, title, claim: see `Benchmark`.
        rounds: its turns; none where it was not run.
        note: why it was not run.
    """

    name: str
    title: str
    claim: Claim | None
    rounds: list[Round] = field(default_factory=list)
    note: str = ""

    @property
    def values(self) -> list[float]:
        """In ascending order."""
        return sorted(item.value for item in self.rounds)

    @property
    def median(self) -> float:
        """Of the values."""
        return float(np.median(self.values))

    def part(self, name: str) -> float:
        """Median of a part."""
        return float(np.median([item.parts[name] for item in self.rounds]))

    def plain(self) -> dict[str, object]:
        """The result as JSON values."""
        if not self.rounds:
            return {"name": self.name, "title": self.title, "not run": self.note}
        return {
            "name": self.name,
            "title": self.title,
            "claim": None if self.claim is None else str(self.claim),
            "holds": None if self.claim is None else self.claim.holds(self.median),
            "median": self.median,
            "lowest": self.values[0],
            "highest": self.values[-1],
            "repeats": len(self.rounds),
            "rounds": [{"value": item.value, **item.parts} for item in self.rounds],
        }


def run_benchmark(benchmark: Benchmark, *, pairs: int, rows: int) -> Result:
    """Measure ``benchmark`` ``pairs`` times in turn, or say why it can't be."""
    about = (benchmark.name, benchmark.title, benchmark.claim)
    if note := benchmark.missing():
        return Result(*about, note=note)
    benchmark.prepare(rows)
    return Result(*about, rounds=[benchmark.measure() for _ in range(pairs)])

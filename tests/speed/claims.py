"""What is claimed of speed, and what came of measuring it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import times
from time import process_time
from typing import Any

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture


@dataclass(frozen=True)
class Claim:
    """What is claimed of a measured value.

    Attributes:
        bound: the value.
        unit: of the value.
        least: whether at least the bound is claimed, or at most.
    """

    bound: float
    unit: str = "times"
    least: bool = True

    def holds(self, value: float) -> bool:
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
    parts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What came of one benchmark.

    Attributes:
        title: what A and B are; says what is scaled from a sample.
        claim: of the median of the rounds' values, if there is one.
        rounds: at least one.
    """

    title: str
    claim: Claim | None
    rounds: list[Round]

    @property
    def median(self) -> float:
        """Median of the rounds' values."""
        return float(np.median([item.value for item in self.rounds]))

    @property
    def parts(self) -> dict[str, float]:
        """Median of each part."""
        names = self.rounds[0].parts
        return {name: float(np.median([r.parts[name] for r in self.rounds])) for name in names}

    @property
    def spread(self) -> str:
        """Lowest, median and highest value."""
        values = [item.value for item in self.rounds]
        unit = "" if self.claim is None else f" {self.claim.unit}"
        return f"{min(values):.3g} / {self.median:.3g} / {max(values):.3g}{unit}"

    @property
    def claimed(self) -> str:
        """The claim, and whether it was kept."""
        if self.claim is None:
            return "nothing"
        return f"{self.claim}: {'kept' if self.claim.holds(self.median) else 'missed'}"

    @property
    def line(self) -> str:
        """For a terminal."""
        parts = ", ".join(f"{name} {value:.3g}" for name, value in self.parts.items())
        return f"{self.spread}; claimed {self.claimed}\n  {self.title}\n  medians: {parts}"

    @property
    def row(self) -> str:
        """For a Markdown table."""
        parts = self.parts
        a, b = (f"{parts[name]:.3g} s" if name in parts else "" for name in ("A, s", "B, s"))
        return f"| {self.title} | {self.claimed} | {self.spread} | {a} | {b} |"

    def plain(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "title": self.title,
            "claim": None if self.claim is None else str(self.claim),
            "holds": None if self.claim is None else self.claim.holds(self.median),
            "median": self.median,
            "rounds": [{"value": item.value, **item.parts} for item in self.rounds],
        }


@dataclass
class Elapsed:
    """Seconds, once a `clock` has stopped, and how many of them were the kernel's."""

    seconds: float = 0.0
    kernel: float = 0.0


@contextmanager
def clock(now: Callable[[], float] = process_time) -> Iterator[Elapsed]:
    """Processor time of this process in the block: neighbours on the machine don't count."""
    elapsed = Elapsed()
    kernel = times().system
    started = now()
    yield elapsed
    elapsed.seconds = now() - started
    elapsed.kernel = times().system - kernel


class Speed:
    """Measures one benchmark in turns: A B A B, in one process.

    Args:
        benchmark: pytest-benchmark's; keeps the rounds for its JSON.
        turns: of A and B.
    """

    def __init__(self, benchmark: BenchmarkFixture, *, turns: int) -> None:
        self._benchmark = benchmark
        self._turns = turns
        self.results: list[Result] = []

    def turns(self, title: str, turn: Callable[[], Round], claim: Claim | None = None) -> None:
        """Measure ``turn`` some times; nothing is asserted about time."""
        found: list[Round] = []
        pedantic: Any = self._benchmark.pedantic
        pedantic(lambda: found.append(turn()), rounds=self._turns)
        result = Result(title, claim, found)
        self.results.append(result)
        self._benchmark.extra_info |= result.plain()

    def pairs(
        self,
        title: str,
        a: Callable[[], object],
        b: Callable[[], object],
        claim: Claim | None = None,
        *,
        scale: float = 1.0,
        times: int = 1,
        now: Callable[[], float] = process_time,
    ) -> None:
        """Measure how many times as long ``a`` takes as ``b``.

        Args:
            title: what they are.
            a: the slow way, perhaps on a sample.
            b: the fast way.
            claim: of the ratio.
            scale: how many samples the whole has.
            times: ``b`` is called so many times each turn.
            now: what is read before and after.
        """

        def turn() -> Round:
            with clock(now) as slow:
                a()
            with clock(now) as fast:
                for _ in range(times):
                    b()
            whole, each = slow.seconds * scale, fast.seconds / times
            return Round(whole / each, {"A, s": whole, "B, s": each})

        self.turns(title, turn, claim)


def table(results: list[Result], left_out: dict[str, str], about: dict[str, Any]) -> str:
    """Markdown: a row a result, what was not run by name with its reason, and circumstances."""
    lines = ["| what | claimed | lowest / median / highest | A | B |", "|---|---|---|---|---|"]
    lines += [result.row for result in results]
    lines += [f"| {name} | | not run: {reason} | | |" for name, reason in left_out.items()]
    facts = "; ".join(f"{name}: {value}" for name, value in about.items())
    return "\n".join([*lines, "", f"{facts}."])

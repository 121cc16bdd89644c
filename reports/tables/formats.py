"""Numbers as readers see them: accuracy in %, differences in points, a true minus sign."""

from collections.abc import Callable, Sequence
from math import isfinite, isnan
from typing import Any, TypeVar

from benchmark.records.run import Interval

T = TypeVar("T")
MISSING = "–"
Number = int | float
"""Tests check signatures at run time, where an int is no float."""


def signed(value: Number, digits: int = 2) -> str:
    """``+0.31`` or ``−0.31``; zero, also what rounds to it, has no sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", "−")


def plain(value: Number, digits: int = 2) -> str:
    """A number with a true minus sign."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", "−")


def percent(fraction: Number, digits: int = 2) -> str:
    """A fraction in [0, 1] written as percent: ``93.42%``."""
    return MISSING if isnan(fraction) else f"{plain(fraction * 100, digits)}%"


def points(difference: Number) -> str:
    """A difference of fractions in signed percentage points, without the unit."""
    return MISSING if isnan(difference) else signed(difference * 100)


def bounds(interval: Interval, write: Any = points) -> str:
    """``[low, high]`` or the words that there is none."""
    if not isfinite(interval.low) or not isfinite(interval.high):
        return "[no interval]"
    return f"[{write(interval.low)}, {write(interval.high)}]"


def interval_points(interval: Interval) -> str:
    """``+0.31 [+0.10, +0.52]`` in points."""
    return f"{points(interval.center)} {bounds(interval)}"


def level(confidence: Number) -> str:
    """A confidence in (0, 1) written as percent, with no more digits than it has: ``95%``."""
    return f"{100 * confidence:g}%"


def p_value(value: Number) -> str:
    """Three digits, never a zero."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - three digits


def p_equals(value: Number) -> str:
    """``= 0.034`` or ``< 0.001``, to stand behind a p."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def words(items: list[str] | tuple[str, ...]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def some(items: Sequence[str], most: int = 10) -> str:
    """All of a few words; of many the first, and how many more there are."""
    more = len(items) - most
    return words(list(items) if more <= 1 else [*items[:most], f"{more:,} more"])


def leading(items: Sequence[T], shown: Callable[[T], str]) -> list[T]:
    """The first of ``items`` and whoever is shown with the same number: nobody is ahead of them."""
    return [item for item in items if shown(item) == shown(items[0])]


def between(low: int, high: int, noun: str) -> str:
    """``1 lane``, ``3 lanes``, ``3 to 5 lanes``."""
    return count(high, noun) if low == high else f"{low:,} to {count(high, noun)}"


def seconds(value: Number) -> str:
    """Seconds with a unit, to a tenth; of less, that it is less."""
    return f"{plain(value, 1)} s" if value >= 0.05 else "< 0.1 s"  # noqa: PLR2004 - half a tenth


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 lane``, ``2 lanes``, ``4,096 schemes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"

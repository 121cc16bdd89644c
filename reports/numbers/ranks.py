"""Mean ranks over cells (task, supernet, seed), and which of them differ by more than chance.

Demšar, "Statistical comparisons of classifiers over multiple data sets": Friedman's test
asks whether all strategies are alike; Nemenyi's critical difference q·sqrt(k(k + 1)/6N)
is how far two mean ranks of k strategies over N cells must lie apart, for all pairs at
once. For two strategies the exact sign test takes its place. All come from scipy; the
libraries that draw this diagram bring matplotlib and more.

Intervals of mean ranks are half the critical difference to each side (Koning, Franses, Hibon
& Stekler, "The M3 competition: Statistical tests of the results"): two of them overlap exactly
where the strategies can't be told apart. Their width comes from N and k, not from the spread
of the ranks seen: a few cells often agree by chance, and that they do says nothing about how
much others would differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isnan, nan, sqrt

import numpy as np
from jaxtyping import Float64
from scipy.special import bdtr

from benchmark.records.run import Interval
from reports.numbers.statistics import CONFIDENCE, mean_ranks

Cell = tuple[str | int, ...]
"""What a cell is called, e.g. (task, supernet seed, strategy seed)."""
_FEWEST = 3


@dataclass(frozen=True)
class Ranks:
    """Strategies by mean rank, the lowest (best) first.

    Attributes:
        strategies: that have a score in some cell.
        mean: rank over the cells in which all of them have a score, with half the critical
            difference to each side, within [1, k]; NaN where there is no such cell.
        cells: number of these.
        missing: cells and strategies that leave one of them out.
        p_value: of Friedman's test; NaN with fewer than three strategies or two cells.
        critical_difference: infinite where so few cells can't tell any apart.
        groups: largest sets of neighbours, two or more, within the critical difference.
        confidence: of all of them.
    """

    strategies: tuple[str, ...]
    mean: tuple[Interval, ...]
    cells: int
    missing: tuple[tuple[Cell, str], ...]
    p_value: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    confidence: float


@lru_cache(maxsize=32)
def critical_difference(strategies: int, cells: int, confidence: float = CONFIDENCE) -> float:
    """Nemenyi's, in ranks; the sign test's for two strategies; infinite where none is enough.

    For two, Nemenyi's normal approximation takes for proof what happens by chance more often
    than ``confidence`` allows (7 cells of 8, p = 0.07), and that in any number of cells.
    """
    if cells == 0 or strategies < 2:  # noqa: PLR2004 - a difference takes two
        return inf
    if strategies == 2:  # noqa: PLR2004 - one pair
        return _sign_difference(cells, confidence)
    from scipy.stats import studentized_range  # noqa: PLC0415 - half a second

    quantile = float(studentized_range.ppf(confidence, strategies, inf)) / sqrt(2)
    return quantile * sqrt(strategies * (strategies + 1) / (6 * cells))


def _sign_difference(cells: int, confidence: float) -> float:
    """Largest difference of two mean ranks that a two-sided sign test leaves open."""
    most = next(
        (lost for lost in range(cells) if 2 * bdtr(lost, cells, 0.5) > 1 - confidence), cells
    )
    # One of the two has won all cells but ``most``: a difference of (cells - 2 · most) / cells.
    return inf if most == 0 else (cells - 2 * most) / cells


def friedman(scores: Float64[np.ndarray, "cells strategies"]) -> float:
    """p-value of Friedman's test; NaN where it can't be made, 1 where all scores are tied."""
    cells, strategies = scores.shape
    if strategies < _FEWEST or cells < 2:  # noqa: PLR2004 - one cell has no spread
        return nan
    if np.all(np.ptp(scores, axis=1) == 0):
        return 1.0
    from scipy.stats import friedmanchisquare  # noqa: PLC0415 - half a second

    return float(friedmanchisquare(*scores.T).pvalue)


def tied_neighbours(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """First and last place of every largest run of ascending ``ranks`` within ``difference``."""
    runs: list[tuple[int, int]] = []
    for first, lowest in enumerate(ranks):
        last = max(place for place, rank in enumerate(ranks) if rank - lowest <= difference)
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def summarise_ranks(
    scores: Mapping[Cell, Mapping[str, float]],
    strategies: Sequence[str],
    confidence: float = CONFIDENCE,
) -> Ranks:
    """Rank ``strategies`` by their scores (higher is better) in every cell that has them all.

    Args:
        scores: by cell, then strategy; a score that is NaN or not there is missing.
        strategies: those to be ranked; ties keep this order.
        confidence: of intervals, test and critical difference.
    """
    names = list(dict.fromkeys(strategies))
    missing = tuple(
        (cell, name) for cell, row in scores.items() for name in names if isnan(row.get(name, nan))
    )
    broken = {cell for cell, _ in missing}
    whole = [[row[name] for name in names] for cell, row in scores.items() if cell not in broken]
    table = np.array(whole, dtype=np.float64).reshape(len(whole), len(names))
    if not whole or not names:
        unknown = tuple(Interval(nan, -inf, inf) for _ in names)
        return Ranks(tuple(names), unknown, 0, missing, nan, inf, (), confidence)
    means = mean_ranks(table)
    order = sorted(range(len(names)), key=lambda index: round(float(means[index]), 12))
    difference = critical_difference(len(names), len(whole), confidence)
    runs = tied_neighbours([float(means[index]) for index in order], difference)
    return Ranks(
        strategies=tuple(names[index] for index in order),
        mean=tuple(_within(float(means[index]), difference / 2, len(names)) for index in order),
        cells=len(whole),
        missing=missing,
        p_value=friedman(table),
        critical_difference=difference,
        groups=tuple(
            tuple(names[order[place]] for place in range(first, last + 1)) for first, last in runs
        ),
        confidence=confidence,
    )


def _within(mean: float, half: float, most: int) -> Interval:
    """Cut where no rank can be."""
    return Interval(mean, max(mean - half, 1.0), min(mean + half, float(most)))

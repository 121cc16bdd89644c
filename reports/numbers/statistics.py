"""Statistics of a ranking: pure functions on arrays.

Lanes of one strategy form *cells*: one array of values a supernet. Supernets are
blocks: strategies are only ever compared on the same supernets, lanes only within
one, and results speak of these supernets, not of all that might be trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, inf, prod

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import stdtrit

from benchmark.records.run import Interval

CONFIDENCE = 0.95
PERMUTATIONS = 20_000
"""Up to here permutation tests count every relabelling; above they draw this many."""
RESAMPLES = 10_000
"""How many samples a bootstrap interval is taken from."""

Values = Float64[np.ndarray, " _"]
Cells = Mapping[int, Values]
"""Values of one strategy's lanes by supernet seed; as many as it has lanes there."""


@dataclass(frozen=True)
class PermutationTest:
    """Result of a two-sided test.

    Attributes:
        p_value: chance of a difference at least as large under relabelling.
        smallest: the smallest p-value that so few lanes can give at all.
        exact: whether every relabelling was counted.
    """

    p_value: float
    smallest: float
    exact: bool


def best_so_far(reward: Float64[np.ndarray, " evaluations"]) -> Float64[np.ndarray, " evaluations"]:
    """Largest reward up to each evaluation; NaN (a failed answer) counts as nothing."""
    return np.fmax.accumulate(reward) if len(reward) else reward


def _interval(center: float, variance: float, freedom: float, confidence: float) -> Interval:
    if freedom == 0:
        return Interval(center=center, low=-inf, high=inf)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * variance**0.5 if variance else 0.0
    return Interval(center=center, low=center - half, high=center + half)


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances, given as (variance, its own freedom)."""
    total = sum(variance for variance, _ in parts)
    weight = sum(variance**2 / freedom for variance, freedom in parts)
    return total**2 / weight if weight else inf


def _parts(cells: Cells) -> list[tuple[float, float]]:
    """Variance of each cell's mean and its degrees of freedom."""
    return [(float(np.var(v, ddof=1)) / len(v), len(v) - 1.0) for v in cells.values()]


def _over_means(means: Values, confidence: float) -> Interval:
    freedom = len(means) - 1.0
    variance = float(np.var(means, ddof=1)) / len(means) if freedom else inf
    return _interval(float(means.mean()), variance, freedom, confidence)


def mean_interval(cells: Cells, confidence: float = CONFIDENCE) -> Interval:
    """Mean over supernets of the mean over lanes, with a t interval.

    The interval comes from the spread of lanes within supernets (Satterthwaite's degrees
    of freedom); with one lane a supernet from the spread of supernets; a single lane has
    infinite bounds.
    """
    means = np.array([v.mean() for v in cells.values()])
    if min(len(v) for v in cells.values()) == 1:
        return _over_means(means, confidence)
    parts = _parts(cells)
    variance = sum(part for part, _ in parts) / len(cells) ** 2
    return _interval(float(means.mean()), variance, _satterthwaite(parts), confidence)


def mean_intervals(
    cells: Mapping[int, Float64[np.ndarray, "_ points"]], confidence: float = CONFIDENCE
) -> tuple[
    Float64[np.ndarray, " points"], Float64[np.ndarray, " points"], Float64[np.ndarray, " points"]
]:
    """`mean_interval` of every column at once: means, lower and upper bounds.

    Curves of a thousand strategies need a hundred thousand intervals, and scipy's quantile
    takes as long for one as for a whole line.
    """
    means = np.array([values.mean(axis=0) for values in cells.values()])
    center: Float64[np.ndarray, " points"] = means.mean(axis=0)
    if min(len(values) for values in cells.values()) == 1:
        if len(means) == 1:
            return center, np.full_like(center, -inf), np.full_like(center, inf)
        variance = means.var(axis=0, ddof=1) / len(means)
        freedom = np.full_like(center, len(means) - 1.0)
    else:
        sizes = np.array([len(values) for values in cells.values()], dtype=np.float64)[:, None]
        parts = np.array([v.var(axis=0, ddof=1) for v in cells.values()]) / sizes
        weight = (parts**2 / (sizes - 1)).sum(axis=0)
        variance = parts.sum(axis=0)
        spread = weight > 0
        freedom = np.divide(variance**2, weight, out=np.full_like(center, inf), where=spread)
        variance = variance / len(means) ** 2
    half = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance)
    return center, center - half, center + half


def difference_interval(a: Cells, b: Cells, confidence: float = CONFIDENCE) -> Interval:
    """Mean of ``a`` minus mean of ``b`` over the supernets that both have.

    Welch's unequal-variance t interval ("The generalization of Student's problem when
    several different population variances are involved"), summed over supernets; with
    one lane a supernet the paired t interval over supernets.
    """
    shared = [seed for seed in a if seed in b]
    ours, theirs = {s: a[s] for s in shared}, {s: b[s] for s in shared}
    gaps = np.array([ours[seed].mean() - theirs[seed].mean() for seed in shared])
    if min(len(v) for v in [*ours.values(), *theirs.values()]) == 1:
        return _over_means(gaps, confidence)
    parts = _parts(ours) + _parts(theirs)
    variance = sum(part for part, _ in parts) / len(shared) ** 2
    return _interval(float(gaps.mean()), variance, _satterthwaite(parts), confidence)


def _relabellings(
    a: Values, b: Values, rng: np.random.Generator, *, every: bool
) -> Float64[np.ndarray, " relabellings"]:
    """Differences of means when the values of one supernet are dealt out anew."""
    pooled = np.concatenate([a, b])
    if every:
        chosen = np.array(list(combinations(range(len(pooled)), len(a))))
    else:
        keys = rng.random((PERMUTATIONS, len(pooled)))
        chosen = keys.argsort(axis=1)[:, : len(a)]
    sums = pooled[chosen].sum(axis=1)
    return np.asarray(sums / len(a) - (pooled.sum() - sums) / len(b), dtype=np.float64)


def permutation_test(a: Cells, b: Cells, *, rng: np.random.Generator) -> PermutationTest:
    """Two-sided permutation test of equal means; labels change hands within a supernet only.

    With one supernet this is ``scipy.stats.permutation_test`` of the difference of means
    with independent samples (exact for up to `PERMUTATIONS` relabellings, otherwise a
    Monte Carlo estimate that counts the observed labelling too). With one lane a
    supernet it is the sign-flip test.
    """
    shared = [seed for seed in a if seed in b]
    total = prod(comb(len(a[seed]) + len(b[seed]), len(a[seed])) for seed in shared)
    exact = total <= PERMUTATIONS
    differences = np.zeros(1)
    for seed in shared:
        moved = _relabellings(a[seed], b[seed], rng, every=exact)
        differences = np.add.outer(differences, moved).ravel() if exact else differences + moved
    observed = abs(sum(a[seed].mean() - b[seed].mean() for seed in shared))
    # Sums in another order differ in the last digits; ties must count as ties.
    extreme = int(np.sum(np.abs(differences) >= observed - 1e-12))
    if not exact:
        return PermutationTest((extreme + 1) / (PERMUTATIONS + 1), 1 / (PERMUTATIONS + 1), exact)
    mirrored = all(len(a[seed]) == len(b[seed]) for seed in shared)
    return PermutationTest(extreme / total, (2 if mirrored else 1) / total, exact)


def bootstrap_interval(
    values: Values, *, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> Interval:
    """Mean with a percentile bootstrap interval, for values as skewed as regrets are.

    A single value has infinite bounds.
    """
    if len(values) == 1:
        return Interval(center=float(values[0]), low=-inf, high=inf)
    drawn = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(center=float(values.mean()), low=float(low), high=float(high))


def sign_flip_test(differences: Values, *, rng: np.random.Generator) -> float:
    """Two-sided p-value of paired differences with mean zero, by flipping their signs.

    Monte Carlo over `PERMUTATIONS` draws that counts the observed signs too.
    """
    signs = rng.choice([-1.0, 1.0], size=(PERMUTATIONS, len(differences)))
    observed = abs(differences.sum()) - 1e-12
    extreme = int(np.sum(np.abs(signs @ differences) >= observed))
    return (extreme + 1) / (PERMUTATIONS + 1)


def tie_groups(
    samples: Sequence[Values], *, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> list[int]:
    """Group of each paired sample: 1 for the lowest mean and all that can't be told from it.

    The sample with the lowest mean leads a group; every other that a Holm-corrected
    `sign_flip_test` does not tell from it joins, and so does whatever lies between. The
    rest is grouped in the same way.
    """
    order = sorted(range(len(samples)), key=lambda index: round(samples[index].mean(), 12))
    groups = [0] * len(samples)
    group = 0
    while order:
        group += 1
        leader, *others = order
        p_values = [sign_flip_test(samples[other] - samples[leader], rng=rng) for other in others]
        told = holm(np.array(p_values)) < 1 - confidence
        tied = 1 + max((place + 1 for place, apart in enumerate(told) if not apart), default=0)
        for member in order[:tied]:
            groups[member] = group
        order = order[tied:]
    return groups


def holm(p_values: Float[np.ndarray, " tests"]) -> Float64[np.ndarray, " tests"]:
    """Adjusted p-values of Holm's "A simple sequentially rejective multiple test procedure"."""
    return _stepped_down(p_values, np.arange(len(p_values), 0, -1, dtype=np.float64))


def shaffer(
    p_values: Float[np.ndarray, " tests"], *, compared: int
) -> Float64[np.ndarray, " tests"]:
    """Adjusted p-values of a leader against all others where the same data chose the leader.

    Shaffer's "Modified sequentially rejective multiple test procedures" for all pairs of k
    strategies: k(k - 1)/2 of them may be equal, (k - 1)(k - 2)/2 once two are known to differ.
    Whoever leads, its tests are among them; the others count as made without success.

    Args:
        p_values: of the leader's tests, at most k - 1.
        compared: k, all strategies that might have led.
    """
    factors = np.full(len(p_values), (compared - 1) * (compared - 2) / 2)
    factors[:1] = compared * (compared - 1) / 2
    return _stepped_down(p_values, factors)


def _stepped_down(
    p_values: Float[np.ndarray, " tests"], factors: Float64[np.ndarray, " tests"]
) -> Float64[np.ndarray, " tests"]:
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def mean_ranks(
    scores: Float64[np.ndarray, "cells strategies"],
) -> Float64[np.ndarray, " strategies"]:
    """Rank 1 for the highest score of each row, ties share the average; mean over rows."""
    theirs, own = scores[:, None, :], scores[:, :, None]
    ranks = (theirs > own).sum(axis=2) + ((theirs == own).sum(axis=2) + 1) / 2
    return np.asarray(ranks.mean(axis=0), dtype=np.float64)

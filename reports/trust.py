"""How far the oracle's word can be taken: does it order schemes as training them does?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import atanh, inf, nan, sqrt, tanh
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy.stats import kendalltau, norm, pearsonr, spearmanr

from benchmark.records import Interval, RunRecords, StandaloneRecord
from benchmark.verdicts import residual_noise, test_scores
from reports.outcomes import SchemeOutcome, oracle_accuracies
from reports.statistics import CONFIDENCE

Kind = Literal["pearson", "spearman", "kendall"]
Values = Float64[np.ndarray, " n"]
_FEWEST = 3


@dataclass(frozen=True)
class Trust:
    """One supernet's oracle against stand-alone training.

    Attributes:
        supernet_seed: which supernet.
        schemes: trained schemes with an oracle accuracy.
        pearson: correlation of oracle accuracy and mean stand-alone test accuracy.
        spearman: of their ranks.
        kendall: τ-b.
        oracle_range: lowest and highest oracle accuracy among these schemes.
        test_range: lowest and highest mean test accuracy among them.
    """

    supernet_seed: int
    schemes: int
    pearson: Interval
    spearman: Interval
    kendall: Interval
    oracle_range: tuple[float, float]
    test_range: tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """Two supernets on the schemes that both were asked about."""

    supernet_seeds: tuple[int, int]
    schemes: int
    spearman: Interval


@dataclass(frozen=True)
class SeedNoise:
    """Stand-alone noise beside stand-alone differences.

    Attributes:
        deviation: residual standard deviation of one training; NaN with one seed.
        freedom: its degrees of freedom.
        spread: standard deviation of schemes' mean test accuracies.
        ceiling: highest correlation that a perfect oracle could be expected to reach,
            sqrt(reliability of the means); NaN when unknown.
    """

    deviation: float
    freedom: int
    spread: float
    ceiling: float


def correlation(a: Values, b: Values, kind: Kind, confidence: float = CONFIDENCE) -> Interval:
    """A correlation with an interval on Fisher's z scale; NaN where one side is constant.

    Standard errors of z: 1/sqrt(n − 3) for Pearson (Fisher), sqrt((1 + r²/2)/(n − 3)) for
    Spearman (Bonett & Wright, "Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations"), sqrt(0.437/(n − 4)) for Kendall (Fieller, Hartley & Pearson,
    "Tests for rank correlation coefficients"). Approximate, and too narrow under some ten
    schemes; bounds are −1 and 1 where n is too small for them.
    """
    n = len(a)
    if n < _FEWEST or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Interval(nan, -1.0, 1.0)
    measure = {"pearson": pearsonr, "spearman": spearmanr, "kendall": kendalltau}[kind]
    center = float(measure(a, b).statistic)
    spare = n - (4 if kind == "kendall" else 3)
    if spare <= 0:
        return Interval(center, -1.0, 1.0)
    factor = {"pearson": 1.0, "spearman": 1 + center**2 / 2, "kendall": 0.437}[kind]
    half = float(norm.ppf((1 + confidence) / 2)) * sqrt(factor / spare)
    z = atanh(max(min(center, 1 - 1e-12), -1 + 1e-12))
    return Interval(center, min(tanh(z - half), center), max(tanh(z + half), center))


def trust(
    records: RunRecords, schemes: Sequence[SchemeOutcome], confidence: float = CONFIDENCE
) -> list[Trust]:
    """One a supernet, over trained schemes whose oracle accuracy is known."""
    rows = []
    for oracle in records.oracles:
        seed = oracle.supernet_seed
        shared = [item for item in schemes if seed in item.oracle]
        asked = np.array([item.oracle[seed] for item in shared], dtype=np.float64)
        trained = np.array([item.test.center for item in shared], dtype=np.float64)
        if not shared:
            continue
        rows.append(
            Trust(
                supernet_seed=seed,
                schemes=len(shared),
                pearson=correlation(asked, trained, "pearson", confidence),
                spearman=correlation(asked, trained, "spearman", confidence),
                kendall=correlation(asked, trained, "kendall", confidence),
                oracle_range=(float(asked.min()), float(asked.max())),
                test_range=(float(trained.min()), float(trained.max())),
            )
        )
    return rows


def agreements(records: RunRecords, confidence: float = CONFIDENCE) -> list[Agreement]:
    """Every pair of supernets, on tabulated schemes where both have them, else on asked ones."""
    asked = oracle_accuracies(records)
    rows = []
    for one, other in combinations(records.oracles, 2):
        pair = (one.supernet_seed, other.supernet_seed)
        if len(one.schemes) and np.array_equal(one.schemes, other.schemes):
            known = ~np.isnan(one.accuracy) & ~np.isnan(other.accuracy)
            a, b = one.accuracy[known], other.accuracy[known]
        else:
            a, b = _shared(asked[pair[0]], asked[pair[1]])
        rows.append(Agreement(pair, len(a), correlation(a, b, "spearman", confidence)))
    return rows


def _shared(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[Values, Values]:
    bits = sorted(set(one) & set(other))
    return np.array([one[b] for b in bits]), np.array([other[b] for b in bits])


def seed_noise(standalone: Sequence[StandaloneRecord]) -> SeedNoise:
    """How much of the difference between trained schemes is luck."""
    scores = test_scores(standalone)
    noise = residual_noise(scores)
    means = [float(np.mean(list(row.values()))) for row in scores.values()]
    spread = float(np.std(means, ddof=1)) if len(means) > 1 else nan
    if noise.variance == inf or not spread > 0:
        return SeedNoise(nan, noise.freedom, spread, nan)
    seeds = float(np.mean([len(row) for row in scores.values()]))
    reliability = max(0.0, 1 - noise.variance / seeds / spread**2)
    return SeedNoise(sqrt(noise.variance), noise.freedom, spread, sqrt(reliability))

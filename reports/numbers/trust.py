"""How far the oracle's word can be taken: does it order schemes as training them does?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import atanh, inf, isnan, nan, sqrt, tanh
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy.special import ndtri

from benchmark.records.noise import residual_noise, test_scores
from benchmark.records.run import Interval, OracleAnswers, RunRecords, StandaloneRecord
from reports.numbers.outcomes import SchemeOutcome, oracle_accuracies, scheme_outcomes
from reports.numbers.statistics import CONFIDENCE

Kind = Literal["pearson", "spearman", "kendall"]
Values = Float64[np.ndarray, " n"]
_FEWEST = 3


@dataclass(frozen=True)
class Trust:
    """One supernet's oracle against stand-alone training.

    Attributes:
        supernet_seed: which supernet.
        batch_norm: its mode.
        source: who trained the schemes; empty for the run itself.
        schemes: trained schemes with an oracle accuracy.
        pearson: correlation of oracle accuracy and mean stand-alone test accuracy.
        spearman: of their ranks.
        kendall: τ-b.
        oracle_range: lowest and highest oracle accuracy among these schemes.
        test_range: lowest and highest mean test accuracy among them.
    """

    supernet_seed: int
    batch_norm: str
    source: str
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
    batch_norm: str
    schemes: int
    spearman: Interval


@dataclass(frozen=True)
class OracleNoise:
    """What an oracle's answers leave open about trained accuracy.

    Attributes:
        source: whose trained schemes were used; empty for the run's own.
        schemes: how many.
        slope: trained accuracy gained for each unit of oracle accuracy, least squares, mean
            over supernets.
        deviation: standard deviation of trained accuracy about that line, noise of training
            taken out, root mean square over supernets.
        least: oracle accuracy by which two schemes must differ for the order of their trained
            accuracies to be predictable at the confidence asked for; infinite unless the slope
            is positive.
    """

    source: str
    schemes: int
    slope: float
    deviation: float
    least: float


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
    from scipy.stats import kendalltau, pearsonr, spearmanr  # noqa: PLC0415 - half a second

    measure = {"pearson": pearsonr, "spearman": spearmanr, "kendall": kendalltau}[kind]
    center = float(measure(a, b).statistic)
    spare = n - (4 if kind == "kendall" else 3)
    if spare <= 0:
        return Interval(center, -1.0, 1.0)
    factor = {"pearson": 1.0, "spearman": 1 + center**2 / 2, "kendall": 0.437}[kind]
    half = float(ndtri((1 + confidence) / 2)) * sqrt(factor / spare)
    z = atanh(max(min(center, 1 - 1e-12), -1 + 1e-12))
    return Interval(center, min(tanh(z - half), center), max(tanh(z + half), center))


def trust(
    records: RunRecords, schemes: Sequence[SchemeOutcome], confidence: float = CONFIDENCE
) -> list[Trust]:
    """One a supernet in the run's own mode, over trained schemes whose oracle accuracy is known."""
    mode = str(records.settings.get("batch_norm", ""))
    rows = [
        _compared(
            schemes,
            OracleAnswers(
                mode, seed, {s.bits: s.oracle[seed] for s in schemes if seed in s.oracle}
            ),
            "",
            confidence,
        )
        for seed in (oracle.supernet_seed for oracle in records.oracles)
    ]
    return [row for row in rows if row is not None]


def trust_by_mode(
    records: RunRecords,
    schemes: Sequence[SchemeOutcome],
    outside: Sequence[SchemeOutcome],
    confidence: float = CONFIDENCE,
) -> list[Trust]:
    """Both batch-norm modes side by side, on the run's trained schemes, then on those outside.

    Outside, Original and Full-SA are left out: they lie far apart and flatter any oracle.
    """
    inner = [item for item in outside if not item.name]
    groups = [("", schemes), (records.outside_source, inner)]
    rows = [
        _compared(trained, answers, source, confidence)
        for source, trained in groups
        for answers in sorted(records.answers, key=lambda one: one.supernet_seed)
    ]
    return [row for row in rows if row is not None]


def outside_outcomes(records: RunRecords, confidence: float = CONFIDENCE) -> list[SchemeOutcome]:
    """The schemes that were trained outside this run, the highest mean test accuracy first."""
    bare = replace(
        records, standalone=records.outside, lanes=[], oracles=[], costs=[], candidates={}
    )
    return scheme_outcomes(bare, confidence)


def _compared(
    schemes: Sequence[SchemeOutcome], answers: OracleAnswers, source: str, confidence: float
) -> Trust | None:
    shared = [item for item in schemes if not isnan(answers.accuracy.get(item.bits, nan))]
    if not shared:
        return None
    asked, trained = _pairs(shared, answers)
    return Trust(
        supernet_seed=answers.supernet_seed,
        batch_norm=answers.batch_norm,
        source=source,
        schemes=len(shared),
        pearson=correlation(asked, trained, "pearson", confidence),
        spearman=correlation(asked, trained, "spearman", confidence),
        kendall=correlation(asked, trained, "kendall", confidence),
        oracle_range=(float(asked.min()), float(asked.max())),
        test_range=(float(trained.min()), float(trained.max())),
    )


def _pairs(schemes: Sequence[SchemeOutcome], answers: OracleAnswers) -> tuple[Values, Values]:
    asked = np.array([answers.accuracy[item.bits] for item in schemes], dtype=np.float64)
    return asked, np.array([item.test.center for item in schemes], dtype=np.float64)


def left_open(asked: Values, trained: Values, *, training_variance: float) -> tuple[float, float]:
    """Slope of ``trained`` on ``asked`` by least squares, and the deviation about that line.

    ``training_variance``, that of a mean in ``trained``, is taken out of the residual
    variance; NaN with fewer than three schemes or a constant oracle.
    """
    if len(asked) < _FEWEST or np.ptp(asked) == 0:
        return nan, nan
    from scipy.stats import linregress  # noqa: PLC0415 - half a second

    fit = linregress(asked, trained)
    residual = trained - fit.intercept - fit.slope * asked
    variance = float(residual @ residual) / (len(asked) - 2) - training_variance
    return float(fit.slope), sqrt(max(variance, 0.0))


def oracle_noise(
    records: RunRecords,
    schemes: Sequence[SchemeOutcome],
    outside: Sequence[SchemeOutcome],
    confidence: float = CONFIDENCE,
) -> OracleNoise | None:
    """The noise of the run's mode, from schemes trained outside where there are any, else own."""
    mode = records.settings.get("batch_norm")
    inner = [item for item in outside if not item.name]
    source, trained, standalone = (
        (records.outside_source, inner, records.outside)
        if inner
        else ("", list(schemes), records.standalone)
    )
    noise = residual_noise(test_scores(standalone))
    seeds = len({record.seed for record in standalone})
    mean_variance = noise.variance / seeds if noise.freedom else 0.0
    known = [
        (shared, answers)
        for answers in records.answers
        if answers.batch_norm == mode
        and (shared := [s for s in trained if not isnan(answers.accuracy.get(s.bits, nan))])
    ]
    fits = [left_open(*_pairs(*pair), training_variance=mean_variance) for pair in known]
    if not fits or any(isnan(slope) for slope, _ in fits):
        return None
    slope = float(np.mean([slope for slope, _ in fits]))
    deviation = sqrt(float(np.mean([deviation**2 for _, deviation in fits])))
    quantile = float(ndtri((1 + confidence) / 2))
    least = quantile * sqrt(2) * deviation / slope if slope > 0 else inf
    asked = {item.bits for shared, _ in known for item in shared}
    return OracleNoise(source, len(asked), slope, deviation, least)


def agreements(records: RunRecords, confidence: float = CONFIDENCE) -> list[Agreement]:
    """Every pair of supernets in the run's mode, then in the other one.

    On tabulated schemes where both have them, else on those that both were asked about; in
    the other mode on trained schemes. None of known landscapes: those have nothing in common.
    """
    if not records.kind.measured:
        return []
    asked = oracle_accuracies(records)
    mode = str(records.settings.get("batch_norm", ""))
    rows = []
    for one, other in combinations(records.oracles, 2):
        pair = (one.supernet_seed, other.supernet_seed)
        if len(one.schemes) and np.array_equal(one.schemes, other.schemes):
            known = ~np.isnan(one.accuracy) & ~np.isnan(other.accuracy)
            a, b = one.accuracy[known], other.accuracy[known]
        else:
            a, b = _shared(asked[pair[0]], asked[pair[1]])
        rows.append(Agreement(pair, mode, len(a), correlation(a, b, "spearman", confidence)))
    for first, second in combinations(records.answers, 2):
        if first.batch_norm == second.batch_norm != mode:
            a, b = _shared(first.accuracy, second.accuracy)
            seeds = (first.supernet_seed, second.supernet_seed)
            found = correlation(a, b, "spearman", confidence)
            rows.append(Agreement(seeds, first.batch_norm, len(a), found))
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

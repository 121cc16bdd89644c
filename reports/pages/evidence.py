"""Tables and sentences on stand-alone results outside a run, and oracles held against them."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import inf, isnan, nan

import numpy as np

from benchmark.records.evidence import Evidence
from benchmark.records.noise import paired_difference, residual_noise, test_scores
from benchmark.records.run import Interval, OracleAnswers
from benchmark.records.schemes import format_bits
from reports.numbers.outcomes import best_epoch_mean
from reports.numbers.trust import Values, correlation, seed_noise
from reports.tables.columns import STANDALONE, TRUST
from reports.tables.field import field_figures, score_words, with_figures
from reports.tables.formats import count, level, plain, words
from reports.tables.table import Table, Value
from reports.tables.words import noise_words

_SCORES = 3
"""Where scores begin in a row."""


def standalone_table(evidence: Evidence, confidence: float) -> Table:
    """One row a scheme, the highest mean test accuracy first."""
    scores = test_scores(evidence.records)
    noise = residual_noise(scores)
    full = "1" * sum(evidence.blocks_per_stage)
    trained = ((record.bits, record) for record in evidence.records)
    figures = field_figures(evidence.figures, trained, confidence)
    rows: list[tuple[Value, ...]] = []
    for bits in dict.fromkeys(record.bits for record in evidence.records):
        by_seed = scores.get(bits, {})
        mean = float(np.mean(list(by_seed.values()))) if by_seed else nan
        half = noise.half_width(1 / len(by_seed), confidence) if by_seed else nan
        rows.append(
            (
                format_bits(bits, evidence.blocks_per_stage),
                bits.count("1"),
                len(by_seed),
                *(figure.mean(bits) for figure in figures),
                Interval(mean, mean - half, mean + half),
                paired_difference(scores, bits, full, noise, confidence),
                sum(record.bits == bits and bool(record.failure) for record in evidence.records),
                best_epoch_mean([record for record in evidence.records if record.bits == bits]),
            )
        )
    rows.sort(key=lambda row: _center(row[_SCORES + len(figures)]), reverse=True)
    caption = (
        f"Stand-alone networks of {evidence.task.get('task', 'the task')}: test split, mean over "
        f"seeds; {noise_words(noise.freedom, confidence)}.{score_words(figures)}"
    )
    columns = with_figures(STANDALONE, _SCORES, figures)
    return Table("standalone", "Stand-alone networks", caption, columns, tuple(rows))


def _center(interval: Value) -> float:
    assert isinstance(interval, Interval)
    return -inf if isnan(interval.center) else interval.center


def trust_table(evidence: Evidence, oracles: Sequence[OracleAnswers], confidence: float) -> Table:
    """One row an oracle, then one a pair of supernets asked in the same mode."""
    means = {bits: float(np.mean(list(row.values()))) for bits, row in _inner(evidence).items()}
    rows = [_row(_label(one), one.accuracy, means, confidence, ranges=True) for one in oracles]
    for one, other in combinations(oracles, 2):
        if one.batch_norm == other.batch_norm:
            label = f"{_label(one)} with supernet {other.supernet_seed}"
            rows.append(_row(label, one.accuracy, other.accuracy, confidence, ranges=False))
    caption = (
        "Oracle accuracy (validation split) against mean stand-alone test accuracy; Original and "
        f"Full-SA left out. Intervals of {level(confidence)} on Fisher's z scale."
    )
    return Table("trust", "How far the oracle can be trusted", caption, TRUST, tuple(rows))


def trust_sentences(evidence: Evidence, oracles: Sequence[OracleAnswers]) -> list[str]:
    """How well the oracles do, and how well a perfect one could."""
    scores = _inner(evidence)
    kept = [record for record in evidence.records if record.bits in scores]
    noise = seed_noise(kept)
    means = {bits: float(np.mean(list(row.values()))) for bits, row in scores.items()}
    seeds = sorted({record.seed for record in evidence.records})
    best = {
        mode: [_correlation(one, means) for one in oracles if one.batch_norm == mode]
        for mode in dict.fromkeys(one.batch_norm for one in oracles)
    }
    parts = [f"{mode} {words(values)}" for mode, values in best.items()]
    shape = f"{count(len(means), 'scheme')} × {count(len(seeds), 'seed')}"
    found = [f"Pearson correlation over {shape}: {'; '.join(parts)}."] if parts else []
    if isnan(noise.deviation):
        return [*found, "Seed noise is not known: that takes several seeds of several schemes."]
    limit = (
        f"Seed noise ({plain(100 * noise.deviation)} points a training, schemes differ by "
        f"{plain(100 * noise.spread)}) leaves a perfect oracle an expected {plain(noise.ceiling)}."
    )
    return [*found, limit]


def _correlation(oracle: OracleAnswers, means: dict[str, float]) -> str:
    """Pearson's; in words where too few schemes are known of, or all are alike."""
    found = correlation(*_both(oracle.accuracy, means), "pearson").center
    return "undefined" if isnan(found) else plain(found)


def _both(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[Values, Values]:
    """Two sources on the schemes that both know, Original and Full-SA left out."""
    bits = [
        text
        for text, value in other.items()
        if len(set(text)) > 1 and not isnan(value) and not isnan(one.get(text, nan))
    ]
    return np.array([one[text] for text in bits]), np.array([other[text] for text in bits])


def _inner(evidence: Evidence) -> dict[str, dict[int, float]]:
    """Scores of all schemes but the two references, which lie far apart and flatter any oracle."""
    scores = test_scores(evidence.records)
    return {bits: row for bits, row in scores.items() if len(set(bits)) > 1}


def _label(oracle: OracleAnswers) -> str:
    return f"supernet {oracle.supernet_seed}, {oracle.batch_norm}"


def _row(
    label: str,
    one: dict[str, float],
    other: dict[str, float],
    confidence: float,
    *,
    ranges: bool,
) -> tuple[Value, ...]:
    a, b = _both(one, other)
    return (
        label,
        len(a),
        correlation(a, b, "spearman", confidence),
        correlation(a, b, "kendall", confidence),
        correlation(a, b, "pearson", confidence),
        float(np.ptp(a)) if ranges and len(a) else None,
        float(np.ptp(b)) if ranges and len(a) else None,
    )

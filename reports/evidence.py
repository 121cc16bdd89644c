"""Tables and sentences on stand-alone results outside a run, and oracles held against them."""

from collections.abc import Sequence
from itertools import combinations
from math import inf, isnan, nan

import numpy as np

from benchmark.schemes import format_bits
from benchmark.standalone.evidence import Evidence
from benchmark.store.records import Interval, OracleAnswers
from benchmark.verdicts import paired_difference, residual_noise, test_scores
from reports.figures.field import field_figures, score_words, with_figures
from reports.numbers.outcomes import best_epoch_mean
from reports.numbers.trust import correlation, seed_noise
from reports.tables.columns import STANDALONE, TRUST
from reports.tables.formats import count, level, plain
from reports.tables.table import Table, Value

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
        f"seeds; {level(confidence)} intervals from the additive model of schemes and seeds "
        f"({noise.freedom} degrees of freedom).{score_words(figures)}"
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
        mode: [_pearson(one, means) for one in oracles if one.batch_norm == mode]
        for mode in dict.fromkeys(one.batch_norm for one in oracles)
    }
    parts = [
        f"{mode} {' and '.join(plain(value) for value in values)}" for mode, values in best.items()
    ]
    shape = f"{count(len(means), 'scheme')} × {count(len(seeds), 'seed')}"
    found = f"Pearson correlation over {shape}: {'; '.join(parts)}."
    limit = (
        f"Seed noise ({plain(100 * noise.deviation)} points a training, schemes differ by "
        f"{plain(100 * noise.spread)}) leaves a perfect oracle an expected {plain(noise.ceiling)}."
    )
    return [found, limit]


def _pearson(oracle: OracleAnswers, means: dict[str, float]) -> float:
    asked = np.array([oracle.accuracy[bits] for bits in means])
    return correlation(asked, np.array(list(means.values())), "pearson").center


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
    bits = [text for text in other if len(set(text)) > 1]
    a, b = (np.array([side[text] for text in bits]) for side in (one, other))
    return (
        label,
        len(bits),
        correlation(a, b, "spearman", confidence),
        correlation(a, b, "kendall", confidence),
        correlation(a, b, "pearson", confidence),
        float(np.ptp(a)) if ranges and bits else None,
        float(np.ptp(b)) if ranges and bits else None,
    )

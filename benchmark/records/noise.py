"""The noise of stand-alone trainings, estimated from all schemes trained on shared seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, sqrt
from typing import Annotated

import numpy as np
from scipy.special import stdtrit

from benchmark.basics.bounds import FREEDOM, VARIANCE
from benchmark.records.run import STRICT, Interval, StandaloneRecord

Scores = Mapping[str, Mapping[int, float]]
"""Accuracy by scheme (bits), then by seed."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Noise:
    """What is left when scheme and seed effects are taken out.

    Attributes:
        variance: residual variance s² of one training; infinite when there is nothing to
            estimate it from.
        freedom: its degrees of freedom.
    """

    __pydantic_config__ = STRICT

    variance: Annotated[float, VARIANCE]
    freedom: Annotated[int, FREEDOM]

    def half_width(self, networks: float, confidence: float = CONFIDENCE) -> float:
        """Half of a two-sided interval whose variance is ``networks`` · s²."""
        if self.freedom == 0:
            return inf
        quantile = float(stdtrit(self.freedom, (1 + confidence) / 2))
        return quantile * sqrt(networks * self.variance)


def test_scores(standalone: Sequence[StandaloneRecord]) -> dict[str, dict[int, float]]:
    """Test accuracy by scheme and seed, in order of appearance; failed trainings (NaN) left out."""
    scores: dict[str, dict[int, float]] = {}
    for record in standalone:
        if not isnan(record.test_accuracy):
            scores.setdefault(record.bits, {})[record.seed] = record.test_accuracy
    return scores


def residual_noise(scores: Scores) -> Noise:
    """Least-squares fit of scheme and seed effects; missing cells are allowed."""
    cells = [(bits, seed) for bits, row in scores.items() for seed in row]
    schemes = list(scores)
    seeds = sorted({seed for _, seed in cells})
    if not cells:
        return Noise(variance=inf, freedom=0)
    design = np.zeros((len(cells), len(schemes) + len(seeds)))
    for number, (bits, seed) in enumerate(cells):
        design[number, schemes.index(bits)] = 1
        design[number, len(schemes) + seeds.index(seed)] = 1
    values = np.array([scores[bits][seed] for bits, seed in cells])
    effects, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    freedom = len(cells) - int(rank)
    if freedom == 0:
        return Noise(variance=inf, freedom=0)
    residual = values - design @ effects
    return Noise(variance=float(residual @ residual) / freedom, freedom=freedom)


def paired_difference(
    scores: Scores, bits: str, reference: str, noise: Noise, confidence: float = CONFIDENCE
) -> Interval | None:
    """Mean difference over the seeds that both schemes have; None when they share none."""
    row, other = scores.get(bits, {}), scores.get(reference, {})
    shared = sorted(set(row) & set(other))
    if not shared:
        return None
    # Accuracies are counts divided by a split's size: 12 digits keep equal means equal.
    center = round(float(np.mean([row[seed] - other[seed] for seed in shared])), 12)
    half = 0.0 if bits == reference else noise.half_width(2 / len(shared), confidence)
    return Interval(center=center, low=center - half, high=center + half)

"""Which trained schemes are tickets, and how sure that is.

The ticket rule, which fits all 36 rows of Table I of "The Lottery Ticket Hypothesis
for Self-attention in Convolutional Neural Network": test accuracy ≥ Full-SA, strictly
fewer parameters (effective, as integers), strictly less inference time than Full-SA.

Accuracy is compared by paired differences over stand-alone seeds. With three to five
seeds a paired t interval of one scheme alone is too wide to decide anything (t = 4.3
at two degrees of freedom), so the noise is pooled: the two-way additive model

    accuracy[scheme, seed] = scheme effect + seed effect + noise

is fitted by least squares to all trained schemes, and its residual variance s², with
(schemes − 1)·(seeds − 1) degrees of freedom when no cell is missing, gives every
difference over K shared seeds the standard error sqrt(2·s²/K) (Fisher's least
significant difference after a two-way analysis of variance). It holds where seeds
disturb all schemes about equally; a scheme that trains far less stably than the rest
gets too narrow an interval. Two schemes alone give the plain paired t interval.

Intervals are two-sided, so that the interval shown is the one that decides and "ticket"
and "not a ticket" need equal evidence; either word is wrong with a chance of at most
(1 − confidence)/2. Verdicts are not corrected for the number of schemes.

A training that diverged has no accuracy, and what the others reached says too much good of
a scheme that fails now and then: such a scheme is no ticket or undecided, never a ticket.
Time is judged by its interval: where that includes Full-SA and is wider than
`LATENCY_TARGET` on each side, the machine was too noisy and the reason says so.

The paper's own rule compares means and ignores noise; ``rule="paper"`` judges by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, sqrt
from typing import Annotated, Literal

import numpy as np
from scipy.stats import t as student_t

from benchmark.basics.bounds import FREEDOM, VARIANCE
from benchmark.records.run import STRICT, CostRecord, Interval, Rule, StandaloneRecord

Word = Literal["reference", "ticket", "not a ticket", "undecided"]
Scores = Mapping[str, Mapping[int, float]]
"""Accuracy by scheme (bits), then by seed."""

CONFIDENCE = 0.95
LATENCY_TARGET = 0.02
"""Half-width that the interval of a time ratio should have: two points."""


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
        quantile = float(student_t.ppf((1 + confidence) / 2, self.freedom))
        return quantile * sqrt(networks * self.variance)


@dataclass(frozen=True)
class Verdict:
    """What may be said about one trained scheme.

    Attributes:
        bits: the scheme.
        word: the verdict; ``reference`` is Full-SA itself.
        reason: the conditions that decided it, or that are open.
        paper_rule: the rule on means alone, noise ignored; None where a measurement is
            missing.
        difference: mean test accuracy minus Full-SA's over ``seeds``; bounds are infinite
            without an estimate of noise; None without shared seeds.
        seeds: seeds that the scheme shares with Full-SA.
        missing_seeds: seeds that other schemes have and this pair lacks.
        rule: what the word was found by.
        hangs_on_latency: whether better timing alone could decide it.
    """

    bits: str
    word: Word
    reason: str
    paper_rule: bool | None
    difference: Interval | None
    seeds: tuple[int, ...]
    missing_seeds: tuple[int, ...]
    rule: Rule = "interval"
    hangs_on_latency: bool = False


@dataclass(frozen=True)
class _Condition:
    """One of the three: whether it holds by intervals and by means (None: open), in words."""

    holds: bool | None
    point: bool | None
    words: str
    point_words: str


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


def judge(
    standalone: Sequence[StandaloneRecord],
    costs: Sequence[CostRecord],
    *,
    confidence: float = CONFIDENCE,
    rule: Rule = "interval",
    noise: Noise | None = None,
) -> list[Verdict]:
    """A verdict for every trained scheme, in order of first appearance.

    Original is judged like any other scheme: where it is a ticket, attention doesn't pay.

    Args:
        standalone: trainings on shared seeds, Full-SA (all bits 1) among them.
        costs: one a scheme.
        confidence: of each two-sided interval, in (0, 1).
        rule: by intervals, or by means alone as the paper does.
        noise: of one training; default: estimated from ``standalone``.
    """
    scores = test_scores(standalone)
    noise = residual_noise(scores) if noise is None else noise
    cost_of = {cost.bits: cost for cost in costs}
    all_seeds = {record.seed for record in standalone}
    verdicts = []
    for bits in dict.fromkeys(record.bits for record in standalone):
        full = "1" * len(bits)
        shared = tuple(sorted(set(scores.get(bits, {})) & set(scores.get(full, {}))))
        difference = paired_difference(scores, bits, full, noise, confidence)
        conditions = [
            _accuracy_condition(
                difference,
                _failed(standalone, bits),
                _failed(standalone, full, of=" of Full-SA"),
            ),
            _parameter_condition(cost_of.get(bits), cost_of.get(full)),
            _latency_condition(cost_of.get(bits)),
        ]
        word, reason = _word(conditions, rule)
        verdicts.append(
            Verdict(
                bits=bits,
                word="reference" if bits == full else word,
                reason="Full-SA, which the others are compared with" if bits == full else reason,
                paper_rule=False if bits == full else _all([item.point for item in conditions]),
                difference=difference,
                seeds=shared,
                missing_seeds=tuple(sorted(all_seeds - set(shared))),
                rule=rule,
                hangs_on_latency=bits != full and [c.holds for c in conditions] == _ONLY_TIME_OPEN,
            )
        )
    return verdicts


_ONLY_TIME_OPEN = [True, True, None]


def _failed(standalone: Sequence[StandaloneRecord], bits: str, *, of: str = "") -> str:
    """``1 of 3 trainings diverged``, or nothing where none failed; another reason is named."""
    trained = [record for record in standalone if record.bits == bits]
    failed = [record.failure for record in trained if isnan(record.test_accuracy)]
    others = dict.fromkeys(why for why in failed if why and "diverged" not in why)
    words = f"failed ({'; '.join(others)})" if others else "diverged"
    return f"{len(failed)} of {len(trained)} trainings{of} {words}" if failed else ""


def _accuracy_condition(difference: Interval | None, ours: str, theirs: str) -> _Condition:
    below = difference is not None and difference.high < 0
    if theirs:
        return _open(theirs)
    if ours and not below:
        return _open(ours)
    if difference is None:
        return _open("shares no seed with Full-SA")
    point = bool(difference.center >= 0)
    words = "accuracy not below Full-SA" if point else "accuracy below Full-SA"
    if below or difference.low >= 0:
        return _Condition(not below, point, words, words)
    if not isfinite(difference.high):
        return _Condition(None, point, "one seed gives no accuracy interval", words)
    return _Condition(None, point, "accuracy interval includes Full-SA", words)


def _open(words: str) -> _Condition:
    return _Condition(None, None, words, words)


def _parameter_condition(cost: CostRecord | None, full: CostRecord | None) -> _Condition:
    if cost is None or full is None:
        return _open("parameters not counted")
    fewer = bool(cost.parameters < full.parameters)
    words = "fewer parameters" if fewer else "no fewer parameters"
    return _Condition(fewer, fewer, words, words)


def _latency_condition(cost: CostRecord | None) -> _Condition:
    if cost is None:
        return _open("latency not measured")
    increment = cost.increment_over_full
    point = bool(increment.center < 0)  # NumPy's own booleans fail `is True`
    words = "faster" if point else "no faster"
    if increment.high < 0 or increment.low >= 0:
        return _Condition(point, point, words, words)
    half = latency_half_width(increment)
    if half > LATENCY_TARGET:
        return _Condition(None, point, f"too noisy to time (±{100 * half:.1f} points)", words)
    return _Condition(None, point, "latency interval includes Full-SA", words)


def latency_half_width(increment: Interval) -> float:
    """The wider side of the interval of a time ratio."""
    return max(increment.high - increment.center, increment.center - increment.low)


def _word(conditions: Sequence[_Condition], rule: Rule) -> tuple[Word, str]:
    """One clear failure settles it; a ticket needs every condition to hold clearly."""
    if rule == "paper":
        conditions = [
            _Condition(item.point, item.point, item.point_words, item.point_words)
            for item in conditions
        ]
    failed = [item.words for item in conditions if item.holds is False]
    unclear = [item.words for item in conditions if item.holds is None]
    said = failed or unclear or [item.words for item in conditions]
    reason = ", ".join(said) + (" (means alone)" if rule == "paper" else "")
    if failed:
        return "not a ticket", reason
    return ("undecided" if unclear else "ticket"), reason


def _all(values: Sequence[bool | None]) -> bool | None:
    """Whether all hold; one that fails settles it, whatever is unknown beside it."""
    if False in values:
        return False
    return None if None in values else True

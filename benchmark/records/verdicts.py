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
Costs that are sampled, such as time, are judged by their interval: where that includes Full-SA and
is wider than `LATENCY_TARGET` on each side, the machine was too noisy and the reason says so.

Other rules, the paper's own among them, are in `benchmark.records.rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from benchmark.records.costs import strict_costs
from benchmark.records.noise import (
    CONFIDENCE,
    Noise,
    paired_difference,
    residual_noise,
    test_scores,
)
from benchmark.records.rules import INTERVALS, Evidence, MeansRule, Rule, Word
from benchmark.records.run import CostRecord, Interval, StandaloneRecord


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
        hangs_on: costs that alone leave it open and that measuring more finely could settle.
    """

    bits: str
    word: Word
    reason: str
    paper_rule: bool | None
    difference: Interval | None
    seeds: tuple[int, ...]
    missing_seeds: tuple[int, ...]
    rule: Rule
    hangs_on: tuple[str, ...] = ()


def judge(
    standalone: Sequence[StandaloneRecord],
    costs: Sequence[CostRecord],
    *,
    confidence: float = CONFIDENCE,
    rule: Rule = INTERVALS,
    noise: Noise | None = None,
) -> list[Verdict]:
    """A verdict for every trained scheme, in order of first appearance.

    Original is judged like any other scheme: where it is a ticket, attention doesn't pay.

    Args:
        standalone: trainings on shared seeds, Full-SA (all bits 1) among them.
        costs: one a scheme.
        confidence: of each two-sided interval, in (0, 1).
        rule: what makes a ticket; by intervals, unless another is given.
        noise: of one training; default: estimated from ``standalone``.
    """
    scores = test_scores(standalone)
    noise = residual_noise(scores) if noise is None else noise
    cost_of = {cost.bits: cost for cost in costs}
    all_seeds = {record.seed for record in standalone}
    verdicts = []
    for bits in dict.fromkeys(record.bits for record in standalone):
        full = "1" * len(bits)
        is_full = bits == full
        shared = tuple(sorted(set(scores.get(bits, {})) & set(scores.get(full, {}))))
        evidence = Evidence(
            bits=bits,
            scores=scores,
            noise=noise,
            confidence=confidence,
            difference=paired_difference(scores, bits, full, noise, confidence),
            failed=_failed(standalone, bits),
            full_failed=_failed(standalone, full, of=" of Full-SA"),
            costs=tuple(
                cost.condition(cost_of.get(bits), cost_of.get(full)) for cost in strict_costs()
            ),
        )
        word, reason = _REFERENCE if is_full else rule.decide(evidence)
        verdicts.append(
            Verdict(
                bits=bits,
                word=word,
                reason=reason,
                paper_rule=False if is_full else MeansRule().holds(evidence),
                difference=evidence.difference,
                seeds=shared,
                missing_seeds=tuple(sorted(all_seeds - set(shared))),
                rule=rule,
                hangs_on=() if is_full else rule.hangs_on(evidence),
            )
        )
    return verdicts


_REFERENCE: tuple[Word, str] = ("reference", "Full-SA, which the others are compared with")


def _failed(standalone: Sequence[StandaloneRecord], bits: str, *, of: str = "") -> str:
    """``1 of 3 trainings diverged``, or nothing where none failed; another reason is named."""
    trained = [record for record in standalone if record.bits == bits]
    failed = [record.failure for record in trained if isnan(record.test_accuracy)]
    others = dict.fromkeys(why for why in failed if why and "diverged" not in why)
    words = f"failed ({'; '.join(others)})" if others else "diverged"
    return f"{len(failed)} of {len(trained)} trainings{of} {words}" if failed else ""

"""What became of the candidates when they were trained from scratch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, isnan, nan

import numpy as np

from benchmark.records.noise import (
    CONFIDENCE,
    Noise,
    Scores,
    paired_difference,
    residual_noise,
    test_scores,
)
from benchmark.records.rules import INTERVALS, Rule
from benchmark.records.run import (
    CostRecord,
    Interval,
    LaneKey,
    RunRecords,
    StandaloneRecord,
)
from benchmark.records.schemes import scheme_bits
from benchmark.records.verdicts import Verdict, judge
from reports.numbers.ranking import by_supernet
from reports.numbers.statistics import mean_interval


@dataclass(frozen=True)
class SchemeOutcome:
    """One trained scheme.

    Attributes:
        bits: the scheme.
        lanes: the lanes that proposed it; none for Original and Full-SA unless proposed.
        oracle: validation accuracy by supernet seed, where that oracle was asked.
        validation: mean stand-alone validation accuracy; picks among candidates.
        test: mean stand-alone test accuracy, NaN where every training diverged; the interval
            is ±t·sqrt(s²/K) with the noise that all schemes pool, so it leaves out what a
            seed does to all schemes alike.
        over_original: paired difference of test accuracy to Original.
        cost: None when it wasn't measured.
        verdict: with the paired difference to Full-SA.
        scored: trainings that have a score; ``test`` is their mean.
        diverged: trainings that have none.
        best_epoch: mean test accuracy of each training's best epoch, which is picked on the
            test split; None unless every epoch was scored.
    """

    bits: str
    lanes: tuple[LaneKey, ...]
    oracle: Mapping[int, float]
    validation: float
    test: Interval
    over_original: Interval | None
    cost: CostRecord | None
    verdict: Verdict
    scored: int = 0
    diverged: int = 0
    best_epoch: float | None = None

    @property
    def name(self) -> str:
        """What a reference is called, Original or Full-SA; empty for any other scheme."""
        return {"0": "Original", "1": "Full-SA"}.get("".join(sorted(set(self.bits))), "")

    @property
    def all_diverged(self) -> bool:
        """Whether no training of it has a score."""
        return isnan(self.test.center)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies that proposed the scheme, in the order of the run."""
        return tuple(dict.fromkeys(key.strategy for key in self.lanes))


@dataclass(frozen=True)
class StrategyOutcome:
    """The stand-alone networks of one strategy.

    Attributes:
        strategy: its name.
        chosen: each lane's candidate with the highest mean stand-alone validation accuracy.
        test: mean test accuracy of the chosen schemes over lanes; like a scheme's it leaves
            out what a stand-alone seed does to all schemes alike.
        over_full: minus Full-SA's; None when Full-SA shares no seed.
        over_original: minus Original's.
        candidates: different schemes that its lanes sent to training and that were trained.
        words: how many of them got each verdict.
        paper_tickets: how many meet the rule on means.
    """

    strategy: str
    chosen: Mapping[LaneKey, str]
    test: Interval
    over_full: Interval | None
    over_original: Interval | None
    candidates: int
    words: Mapping[str, int]
    paper_tickets: int


def oracle_accuracies(records: RunRecords) -> dict[int, dict[str, float]]:
    """Accuracy by supernet seed and scheme: everything lanes asked, and both references."""
    blocks = sum(records.blocks_per_stage)
    known: dict[int, dict[str, float]] = {}
    for oracle in records.oracles:
        ends = {"0" * blocks: oracle.original_accuracy, "1" * blocks: oracle.full_accuracy}
        known[oracle.supernet_seed] = {bits: x for bits, x in ends.items() if not isnan(x)}
    for lane in records.lanes:
        answers = known.setdefault(lane.key.supernet_seed, {})
        for scheme, accuracy in zip(lane.schemes, lane.accuracy, strict=True):
            if not np.isnan(accuracy):
                answers[scheme_bits(scheme)] = float(accuracy)
    return known


def scheme_outcomes(
    records: RunRecords, confidence: float = CONFIDENCE, rule: Rule = INTERVALS
) -> list[SchemeOutcome]:
    """Every scheme that was trained, the highest mean test accuracy first."""
    scores = test_scores(records.standalone)
    noise = residual_noise(scores)
    costs = {cost.bits: cost for cost in records.costs}
    verdicts = judge(records.standalone, records.costs, confidence=confidence, rule=rule)
    oracle = oracle_accuracies(records)
    outcomes = []
    for verdict in verdicts:
        bits = verdict.bits
        rows = [record for record in records.standalone if record.bits == bits]
        reached = list(scores.get(bits, {}).values())
        mean = float(np.mean(reached)) if reached else nan
        half = noise.half_width(1 / len(reached), confidence) if reached else nan
        outcomes.append(
            SchemeOutcome(
                bits=bits,
                lanes=tuple(key for key, found in records.candidates.items() if bits in found),
                oracle={net: known[bits] for net, known in oracle.items() if bits in known},
                validation=_mean([row.validation_accuracy for row in rows]),
                test=Interval(mean, mean - half, mean + half),
                over_original=paired_difference(scores, bits, "0" * len(bits), noise, confidence),
                cost=costs.get(bits),
                verdict=verdict,
                scored=len(reached),
                diverged=sum(isnan(record.test_accuracy) for record in rows),
                best_epoch=best_epoch_mean(rows),
            )
        )
    return sorted(outcomes, key=lambda item: (item.all_diverged, -item.test.center, item.bits))


def _mean(values: Sequence[float]) -> float:
    """The mean of those that are numbers; NaN where none is."""
    known = [value for value in values if not isnan(value)]
    return float(np.mean(known)) if known else nan


def best_epoch_mean(rows: Sequence[StandaloneRecord]) -> float | None:
    """Mean test accuracy of each training's best epoch; None unless every epoch was scored."""
    best = [row.best_test_accuracy for row in rows if row.best_test_accuracy is not None]
    return float(np.mean(best)) if best else None


def strategy_outcomes(
    records: RunRecords, schemes: Sequence[SchemeOutcome], confidence: float = CONFIDENCE
) -> list[StrategyOutcome]:
    """One a strategy with a trained candidate, the highest mean test accuracy first.

    Differences to a reference combine the half-widths of their two sources in quadrature
    (Zou & Donner, "Construction of confidence limits about effect measures"): the spread
    of lanes, or the training noise of the chosen schemes where that is larger (lanes that
    choose the same scheme have no spread), and the training noise of the reference, which
    all lanes share.
    """
    scores = test_scores(records.standalone)
    noise = residual_noise(scores)
    outcome_of = {item.bits: item for item in schemes if not item.all_diverged}
    proposed: dict[str, dict[LaneKey, list[str]]] = {}
    for key, found in records.candidates.items():
        proposed.setdefault(key.strategy, {})[key] = found
    outcomes = []
    for strategy, lanes in proposed.items():
        trained = {bits: None for found in lanes.values() for bits in found if bits in outcome_of}
        chosen = {
            key: max(known, key=lambda bits: outcome_of[bits].validation)
            for key, found in lanes.items()
            if (known := [bits for bits in found if bits in outcome_of])
        }
        if not chosen:
            continue
        values = {key: outcome_of[bits].test.center for key, bits in chosen.items()}
        blocks = len(next(iter(trained)))
        outcomes.append(
            StrategyOutcome(
                strategy=strategy,
                chosen=chosen,
                test=_over_lanes(values, chosen, scores, noise, confidence),
                over_full=_over(chosen, "1" * blocks, scores, noise, confidence),
                over_original=_over(chosen, "0" * blocks, scores, noise, confidence),
                candidates=len(trained),
                words=Counter(outcome_of[bits].verdict.word for bits in trained),
                paper_tickets=sum(outcome_of[bits].verdict.paper_rule is True for bits in trained),
            )
        )
    return sorted(outcomes, key=lambda item: -item.test.center)


def _over(
    chosen: Mapping[LaneKey, str], reference: str, scores: Scores, noise: Noise, confidence: float
) -> Interval | None:
    gaps = {
        key: gap.center
        for key, bits in chosen.items()
        if (gap := paired_difference(scores, bits, reference, noise, confidence)) is not None
    }
    if not gaps:
        return None
    lanes = _over_lanes(gaps, chosen, scores, noise, confidence)
    half = hypot(
        lanes.high - lanes.center, noise.half_width(1 / len(scores[reference]), confidence)
    )
    return Interval(lanes.center, lanes.center - half, lanes.center + half)


def _over_lanes(
    values: Mapping[LaneKey, float],
    chosen: Mapping[LaneKey, str],
    scores: Scores,
    noise: Noise,
    confidence: float,
) -> Interval:
    """Mean over lanes; the half-width is never below the training noise of what they chose."""
    mean = mean_interval(by_supernet(list(values.items())), confidence)
    shares = Counter(chosen[key] for key in values)
    networks = sum((n / len(values)) ** 2 / len(scores[bits]) for bits, n in shares.items())
    half = max(mean.high - mean.center, noise.half_width(networks, confidence))
    return Interval(mean.center, mean.center - half, mean.center + half)

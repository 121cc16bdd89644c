"""Captions: which split, how many seeds, which batch-norm mode the numbers beside them have."""

from collections.abc import Iterable, Sequence
from math import isfinite

from benchmark.records.costs import LATENCY_TARGET, PairedCost, half_width, sampled_costs
from benchmark.records.run import Interval, RunRecords
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.tables.formats import Number, count, level, plain, words

NOT_STATED = "not stated"


def batch_norm(records: RunRecords) -> str:
    """The batch-norm mode in which the oracles were asked; a table need not state one."""
    meant = records.settings.get("batch_norm") or NOT_STATED
    modes = {str(oracle.facts.get("batch norm") or meant) for oracle in records.oracles}
    return words(sorted(modes)) or str(meant)


def module_of(records: RunRecords) -> str:
    """The published name of the run's attention module; runs that state none have capitals."""
    facts = records.oracles[0].facts if records.oracles else {}
    module = facts.get("attention", records.settings.get("attention", ""))
    return str(facts.get("attention module", str(module or "").upper()))


def oracle_words(records: RunRecords) -> str:
    """Where oracle accuracies come from, for captions."""
    source = counted_oracles(records, records.kind.noun)
    if not records.kind.measured:
        return source
    return f"validation split, {source}, batch norm {batch_norm(records)}"


def counted_oracles(records: RunRecords, noun: str) -> str:
    """How many oracles were searched, each of which is called ``noun``."""
    return count(records.supernets, noun) if records.kind.several else f"a {noun}"


def not_trained(records: RunRecords) -> str:
    """Why there is no trained scheme, as a clause that begins a sentence."""
    if not records.kind.trains:
        return f"{records.kind.searched.capitalize()} and no network trained"
    if not records.finished:
        return "No candidate has been trained from scratch yet"
    return "No candidate was trained from scratch"


def rule_words(analysis: Analysis) -> str:
    """What verdicts are found by, for captions."""
    return f"verdicts by {analysis.rule.basis(analysis.confidence)}"


def noise_words(freedom: int, confidence: Number) -> str:
    """What intervals of trained schemes come from, and that few trainings have none."""
    if freedom == 0:
        return "no intervals, which take several seeds of several schemes"
    degrees = count(freedom, "degree")
    model = f"the additive model of schemes and seeds ({degrees} of freedom)"
    return f"{level(confidence)} intervals from {model}"


def interval_words(intervals: Iterable[Interval | None], confidence: Number) -> str:
    """`` with 95% intervals``, or why none of ``intervals`` is one."""
    if any(one is not None and isfinite(one.high - one.low) for one in intervals):
        return f" with {level(confidence)} intervals"
    return " (too few for intervals)"


def timing_words(analysis: Analysis) -> str:
    """Whether sampled costs were measured as finely as they should be, for captions."""
    return " ".join(_fineness(cost, analysis) for cost in sampled_costs() if cost.strict)


def _fineness(cost: PairedCost, analysis: Analysis) -> str:
    found = [cost.of(item.cost) for item in analysis.schemes]
    halves = [
        half_width(one.increment_over_full) for one in found if one and one.increment_over_full
    ]
    wide = [half for half in halves if half > LATENCY_TARGET]
    quantity, target = cost.label, f"±{plain(100 * LATENCY_TARGET, 0)} points"
    if not halves:
        yet = "" if analysis.records.finished else " yet"
        return f"{cost.words.capitalize()} was not measured{yet}."
    if not wide:
        every = f"Every {quantity} interval" if len(halves) > 1 else f"The one {quantity} interval"
        return f"{every} is within {target}."
    return (
        f"{len(wide)} of {count(len(halves), f'{quantity} interval')} "
        f"{'is' if len(wide) == 1 else 'are'} wider than {target}, "
        f"up to ±{plain(100 * max(wide), 1)}: the machine was noisy, or measuring them more finely "
        "would have changed no verdict."
    )


def seed_words(schemes: Sequence[SchemeOutcome]) -> str:
    """Over how many trainings means are, for captions."""
    seeds = {item.scored for item in schemes if item.scored}
    if not seeds:
        return "no training that came to its end"
    low, high = min(seeds), max(seeds)
    return count(high, "stand-alone seed") if low == high else f"{low} to {high} stand-alone seeds"

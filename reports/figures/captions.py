"""Captions: which split, how many seeds, which batch-norm mode the numbers beside them have."""

from collections.abc import Sequence

from benchmark.store.records import RunRecords
from benchmark.verdicts import LATENCY_TARGET, latency_half_width
from reports.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.tables.formats import count, level, plain, words


def batch_norm(records: RunRecords) -> str:
    """The batch-norm mode in which the oracles were asked."""
    modes = {str(oracle.facts["batch norm"]) for oracle in records.oracles if oracle.facts}
    return words(sorted(modes)) or str(records.settings.get("batch_norm", "not recorded"))


def oracle_words(records: RunRecords) -> str:
    """Where oracle accuracies come from, for captions."""
    return (
        f"validation split, {count(len(records.oracles), 'frozen supernet')}, "
        f"batch norm {batch_norm(records)}"
    )


def rule_words(analysis: Analysis) -> str:
    """What verdicts are found by, for captions."""
    if analysis.rule == "paper":
        return "verdicts by the paper's rule: means alone, noise ignored"
    return f"verdicts by {level(analysis.confidence)} intervals"


def timing_words(analysis: Analysis) -> str:
    """Whether timing was as fine as it should be, for captions."""
    wide = [
        half
        for item in analysis.schemes
        if item.cost
        and (half := latency_half_width(item.cost.increment_over_full)) > LATENCY_TARGET
    ]
    if not wide:
        return "Every latency interval is within ±2 points."
    return (
        f"{len(wide)} of {count(len(analysis.schemes), 'latency interval')} "
        f"{'is' if len(wide) == 1 else 'are'} wider than ±2 points, up to "
        f"±{plain(100 * max(wide), 1)}: the machine was noisy, or timing them more finely "
        "would have changed no verdict."
    )


def seed_words(schemes: Sequence[SchemeOutcome]) -> str:
    """Over how many stand-alone seeds, for captions."""
    seeds = {len(item.verdict.seeds) for item in schemes}
    if not seeds:
        return "no stand-alone seeds yet"
    low, high = min(seeds), max(seeds)
    return count(high, "stand-alone seed") if low == high else f"{low} to {high} stand-alone seeds"


def landscape_caption(analysis: Analysis) -> str:
    """What the landscape figures show."""
    return (
        "Shading: how the schemes with that many connections spread, strongest where most lie. "
        "Marks: each lane's scheme of the best reward within "
        f"{count(analysis.ranking.horizon, 'evaluation')}; {analysis.records.objective.leaning}. "
        f"{oracle_words(analysis.records).capitalize()}."
    )

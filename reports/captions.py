"""Captions: which split, how many seeds, which batch-norm mode the numbers beside them have."""

from collections.abc import Sequence

from benchmark.records import RunRecords
from reports.analysis import Analysis
from reports.formats import count, words
from reports.outcomes import SchemeOutcome


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
        f"{count(analysis.ranking.horizon, 'evaluation')}; rewards prefer few connections. "
        f"{oracle_words(analysis.records).capitalize()}."
    )

"""Which schemes of a run get a ticket file, and what those are called."""

from collections.abc import Sequence

from benchmark.records.schemes import bits_scheme, stage_integers
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome

FOLDER = "tickets"
"""Where a run's ticket files are, inside its folder."""


def ticket_file(bits: str, blocks_per_stage: Sequence[int], task: str) -> str:
    """Name of a scheme's file: the task and the paper's integers, ``digits-14-0-9.json``."""
    numbers = stage_integers(bits_scheme(bits), blocks_per_stage)
    return "-".join([task, *map(str, numbers)]) + ".json"


def ticket_schemes(analysis: Analysis) -> list[SchemeOutcome]:
    """Every candidate that is a ticket by its rule or by means, and each strategy's best one.

    What is a ticket by intervals is one by means too. The best is the one of the highest mean
    stand-alone validation accuracy. The highest test accuracy comes first; none before the run
    has come to its end.
    """
    if not analysis.records.finished:
        return []
    validation = {item.bits: item.validation for item in analysis.schemes}
    best = {max(item.chosen.values(), key=lambda b: validation[b]) for item in analysis.strategies}
    return [
        item
        for item in analysis.schemes
        if item.verdict.word != "reference"
        and (
            item.bits in best
            or (item.lanes and (item.verdict.word == "ticket" or item.verdict.paper_rule is True))
        )
    ]

"""What runs are called in the paper's tables, and the columns that these share."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchmark.records.costs import Cost, PairedCost, paper_costs
from reports.numbers.analysis import Analysis
from reports.paper.rows import Row
from reports.tables.formats import level
from reports.tables.table import Column
from reports.tables.words import module_of

Accuracy = partial(Column, unit="%", kind="number", scale=100, interval=True)
Time = partial(Column, unit="%", kind="number", scale=100, timing=True)


def fact(analysis: Analysis, name: str, setting: str) -> Any:
    """What an oracle says of itself under ``name``; else the setting. A number, words or None."""
    facts = analysis.records.oracles[0].facts if analysis.records.oracles else {}
    found = facts.get(name, analysis.records.settings.get(setting))
    return found if found is None or isinstance(found, int | float) else str(found)


def sam_of(analysis: Analysis) -> str:
    """Name of the run's attention module, as ``--attention`` takes it."""
    return str(fact(analysis, "attention", "attention") or "")


def sharing_of(analysis: Analysis) -> str:
    """Whether the run has a module for each block (``full``) or for each stage (``share``)."""
    return str(fact(analysis, "sharing", "sharing") or "")


def network_of(analysis: Analysis) -> str:
    """Task and backbone of the run: ``digits resnet26-thin``."""
    backbone = fact(analysis, "backbone", "backbone")
    return " ".join(filter(None, [str(analysis.records.facts.get("task", "")), backbone]))


def titles_of(analyses: Sequence[Analysis]) -> list[str]:
    """Networks by name; where runs have the same network and p, with a number too."""
    names = [(_titled(one), fact(one, "retain probability", "retain")) for one in analyses]
    titles = []
    for number, (title, retain) in enumerate(names):
        place = names[: number + 1].count((title, retain))
        titles.append(f"{title} ({place})" if names.count((title, retain)) > 1 else title)
    return titles


def _titled(analysis: Analysis) -> str:
    return " ".join(
        filter(None, [network_of(analysis), module_of(analysis.records), sharing_of(analysis)])
    )


def caption_of(analyses: Sequence[Analysis], said: str) -> str:
    """What is said and what its intervals are."""
    confidence = level(analyses[0].confidence)
    return f"{said} Mean over lanes with {confidence} intervals, where there are any."


def cost_column(cost: Cost, **changes: str) -> Column:
    """The column of a cost in the paper's tables; ``changes`` of its key, name or description."""
    shown = paper_costs()[cost]
    make = (
        Time
        if isinstance(cost, PairedCost)
        else partial(Column, unit=shown.unit, kind="number", digits=shown.digits)
    )
    column = make(shown.key, shown.heading, shown.description)
    return replace(column, **changes)  # type: ignore[arg-type]  # texts, as it says


def cost_value(cost: Cost, row: Row | None) -> float | None:
    """What stands in a row of `cost_column`; None where it wasn't measured."""
    found = None if row is None else row.costs.get(cost.name)
    return None if found is None else found / paper_costs()[cost].size


def not_measured(cost: Cost) -> str:
    """Why a column of `cost_column` is empty."""
    return f"{cost.words} was not measured"

"""What runs are called in the paper's tables, and the columns that these share."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from reports.numbers.analysis import Analysis
from reports.paper.rows import Row
from reports.tables.formats import level
from reports.tables.table import Column

Accuracy = partial(Column, unit="%", kind="number", scale=100, interval=True)
Parameters = partial(Column, unit="M", kind="number", digits=3)
Time = partial(Column, unit="%", kind="number", scale=100, timing=True)


def fact(analysis: Analysis, name: str, setting: str) -> Any:
    """What an oracle says of itself under ``name``; else the setting. A number, words or None."""
    facts = analysis.records.oracles[0].facts if analysis.records.oracles else {}
    found = facts.get(name, analysis.records.settings.get(setting))
    return found if found is None or isinstance(found, int | float) else str(found)


def sam_of(analysis: Analysis) -> str:
    """The attention module."""
    return str(fact(analysis, "attention", "attention") or "")


def sharing_of(analysis: Analysis) -> str:
    """``full`` or ``share``."""
    return str(fact(analysis, "sharing", "sharing") or "")


def network_of(analysis: Analysis) -> str:
    """``digits resnet26-thin``."""
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
        filter(None, [network_of(analysis), sam_of(analysis).upper(), sharing_of(analysis)])
    )


def caption_of(analyses: Sequence[Analysis], said: str) -> str:
    """What is said and what its intervals are."""
    confidence = level(analyses[0].confidence)
    return f"{said} Mean over lanes with {confidence} intervals, where there are any."


def millions(row: Row) -> float | None:
    """Parameters of a row."""
    return None if row.parameters is None else row.parameters / 1e6

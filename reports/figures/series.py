"""What series of a figure are told apart by: numbers, short names, a legend."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.figures import svg
from reports.tables.formats import Number

WIDTH = 520
DRAWN = 12
"""Strategies that a chart can hold; tables and files have all."""
_LONGEST = 18


def styles(strategies: Sequence[str]) -> dict[str, int]:
    """A number for each strategy, from which colour, dash and marker follow everywhere."""
    return {name: number for number, name in enumerate(dict.fromkeys(strategies))}


def short(name: str) -> str:
    """A name that fits beside a curve."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def legend_rows(names: Sequence[str]) -> list[list[str]]:
    """Names that share a line of the legend."""
    rows: list[list[str]] = [[]]
    for name in names:
        if sum(len(short(other)) * 8.2 + 34 for other in [*rows[-1], name]) > WIDTH - 60:
            rows.append([])
        rows[-1].append(name)
    return rows


def legend(names: Sequence[str], style: Mapping[str, int], top: Number) -> list[Markup]:
    """Markers and names from ``top`` on, in as many lines as they need."""
    drawn = []
    for row, members in enumerate(legend_rows(names)):
        left = 58.0
        for name in members:
            color = f"c{style[name] % svg.COLORS}"
            drawn.append(
                svg.element(
                    "g",
                    svg.marker(left, top + 20 * row, style[name], f"mark {color}"),
                    svg.text(left + 10, top + 20 * row, short(name), kind=f"name {color}"),
                    data_strategy=name,
                )
            )
            left += 34 + 8.2 * len(short(name))
    return drawn

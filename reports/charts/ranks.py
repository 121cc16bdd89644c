"""The critical-difference diagram: mean ranks, and who can't be told from whom."""

from collections.abc import Callable
from dataclasses import replace
from math import isinf

import numpy as np
from markupsafe import Markup

from benchmark.records.kinds import OracleKind
from reports.charts.chart import Chart, Drawing
from reports.figures import svg
from reports.figures.series import WIDTH, short
from reports.numbers.analysis import Analysis
from reports.numbers.ranks import Cell, Ranks
from reports.tables.columns import STRATEGY
from reports.tables.formats import (
    Number,
    count,
    level,
    p_equals,
    plain,
    some,
)
from reports.tables.table import Column, Table, Value

ROWS = 30
"""Strategies that it can hold."""
_ROW = 24.0
_TOP = 74.0
_LEFT = 150.0
_LISTED = 8
COLUMNS = (
    STRATEGY,
    Column(
        "mean_rank",
        "Mean rank",
        "rank among the strategies in each complete cell, mean over these; 1 is best",
        kind="number",
        interval=True,
    ),
    Column(
        "tied_with",
        "Tied with",
        "strategies of a common group: no two mean ranks of it differ by more than the critical "
        "difference",
    ),
    Column("cells", "Cells", "complete cells, where every strategy has a result", kind="whole"),
    Column("missing", "Missing", "cells in which it has no result", kind="whole"),
)


def draw_ranks(ranks: Ranks, name: str = "ranks") -> Markup:
    """One row a strategy; brackets on the right join those within the critical difference.

    ``name`` is the figure's on its page. Nothing is drawn with fewer than two strategies or
    without a complete cell; of many only the first `ROWS`.
    """
    if ranks.cells == 0 or len(ranks.strategies) < 2:  # noqa: PLR2004 - a rank takes two
        return Markup("")
    ranks = _first(ranks)
    most = len(ranks.strategies)
    room = 14 * max(len(ranks.groups), 1) + 16
    bottom = _TOP + _ROW * most - 6
    highest = max(most, *(mean.high for mean in ranks.mean))
    x = svg.Axis((1, highest), (_LEFT, WIDTH - room), whole=True)
    rows = [_row(ranks, place, x) for place in range(most)]
    brackets = [
        _bracket(ranks, number, WIDTH - room + 16 + 14 * number)
        for number in range(len(ranks.groups))
    ]
    ticks = [
        svg.line(x(value), bottom, x(value), bottom + 4, "axis")
        + svg.text(x(value), bottom + 14, f"{value:g}", anchor="middle", kind="tick")
        for value in x.ticks()
    ]
    said = "; ".join(
        f"{strategy} {plain(mean.center)}"
        for strategy, mean in zip(ranks.strategies, ranks.mean, strict=True)
    )
    groups = "; ".join(some(group) for group in ranks.groups) or "none"
    return svg.picture(
        name,
        "Mean ranks and critical difference",
        f"Over {count(ranks.cells, 'cell')}: {said}. Can't be told apart: {groups}.",
        (WIDTH, bottom + 44),
        _ruler(ranks, x),
        *rows,
        *brackets,
        svg.line(x.pixels[0], bottom, x.pixels[1], bottom, "axis"),
        *ticks,
        svg.text(sum(x.pixels) / 2, bottom + 33, "mean rank (1 is best)", anchor="middle"),
    )


def _first(ranks: Ranks) -> Ranks:
    shown = ranks.strategies[:ROWS]
    groups = (tuple(name for name in group if name in shown) for group in ranks.groups)
    return replace(
        ranks,
        strategies=shown,
        mean=ranks.mean[:ROWS],
        groups=tuple(group for group in groups if len(group) > 1),
    )


def _ruler(ranks: Ranks, x: svg.Axis) -> Markup:
    """How long the critical difference is on this axis."""
    long = ranks.critical_difference
    if isinf(long):
        return svg.text(x.pixels[0], 22, "too few cells to tell any apart")
    end = x.clamp(1 + long)
    longer = " (longer than the axis)" if 1 + long > x.data[1] else ""
    title = f"critical difference {plain(long)} at {level(ranks.confidence)}{longer}"
    return svg.element(
        "g",
        svg.text(x.pixels[0], 22, title),
        svg.line(x.pixels[0], 42, end, 42, "bracket"),
        svg.line(x.pixels[0], 37, x.pixels[0], 47, "bracket"),
        svg.line(end, 37, end, 47, "bracket"),
    )


def _row(ranks: Ranks, place: int, x: svg.Axis) -> Markup:
    mean, y = ranks.mean[place], _TOP + _ROW * place
    return svg.element(
        "g",
        svg.line(x.pixels[0], y, x.pixels[1], y, "grid"),
        svg.text(_LEFT - 12, y, short(ranks.strategies[place]), anchor="end"),
        svg.line(x.clamp(mean.low), y, x.clamp(mean.high), y, "whisker c0"),
        svg.marker(x(mean.center), y, 0, "mark c0"),
    )


def _bracket(ranks: Ranks, number: int, left: Number) -> Markup:
    places = [ranks.strategies.index(name) for name in ranks.groups[number]]
    top, bottom = _TOP + _ROW * min(places) - 5, _TOP + _ROW * max(places) + 5
    return svg.element(
        "g",
        svg.line(left, top, left, bottom, "bracket"),
        svg.line(left - 5, top, left, top, "bracket"),
        svg.line(left - 5, bottom, left, bottom, "bracket"),
    )


def ranks_table(analysis: Analysis) -> Table:
    """One row a strategy, the best mean rank first."""
    ranks, kind = analysis.ranking.ranks, analysis.records.kind
    unranked = [item.strategy for item in analysis.ranking.standings if item.rank is None]
    parts = [
        ranks_caption(ranks, f"({', '.join(kind.seeds)})"),
        missing_words(ranks, lambda cell: f"{kind.called(cell[0])}, seed {cell[1]}"),
        f"Without a result in any cell, and so not ranked: {some(unranked)}." if unranked else "",
    ]
    return Table("ranks", "Mean ranks", " ".join(filter(None, parts)), COLUMNS, ranks_rows(ranks))


def ranks_rows(ranks: Ranks) -> tuple[tuple[Value, ...], ...]:
    """One row a strategy under the columns `COLUMNS`."""
    rows: list[tuple[Value, ...]] = []
    for name, mean in zip(ranks.strategies, ranks.mean, strict=True):
        friends = dict.fromkeys(
            other for group in ranks.groups if name in group for other in group if other != name
        )
        absent = sum(missing == name for _, missing in ranks.missing)
        rows.append((name, mean, some(tuple(friends)), ranks.cells, absent))
    return tuple(rows)


def ranks_caption(ranks: Ranks, cell: str) -> str:
    """How many cells there are, critical difference and test; ``cell`` says what one is."""
    text = f"Ranks in cells {cell} that every strategy completed: {count(ranks.cells, 'cell')}."
    test = "The sign test's" if len(ranks.strategies) == 2 else "Nemenyi's"  # noqa: PLR2004 - one pair
    if not isinf(ranks.critical_difference):
        text += (
            f" {test} critical difference: {plain(ranks.critical_difference)} ranks at "
            f"{level(ranks.confidence)}; intervals are half of it to each side, so strategies "
            "whose intervals overlap can't be told apart."
        )
    elif ranks.cells and len(ranks.strategies) > 1:
        text += " That is too few to tell any apart, so intervals span all ranks."
    if not np.isnan(ranks.p_value):
        text += f" Friedman's test of no difference at all: p {p_equals(ranks.p_value)}."
    return text


def missing_words(ranks: Ranks, named: Callable[[Cell], str]) -> str:
    """Which cells lack a result; said even when none does. ``named`` is what a cell is called."""
    if not ranks.missing:
        return "No cell is missing." if ranks.cells else ""
    listed = [f"{name} on {named(cell)}" for cell, name in ranks.missing]
    return (
        "Missing (failed, still at work or without an answer), so these cells are left out of "
        f"ranks: {some(listed, _LISTED)}."
    )


def _draw(analysis: Analysis) -> list[Drawing]:
    caption = (
        f"Mean ranks with {level(analysis.confidence)} intervals. Brackets on the right, if any, "
        "join strategies whose mean ranks differ by no more than the critical difference."
    )
    return [Drawing("ranks", draw_ranks(analysis.ranking.ranks), caption)]


def _between(kind: OracleKind) -> str:
    return f"seeds and {kind.label}s" if kind.several else "seeds"


RANKS = Chart(
    "ranks",
    section="ranking",
    table=ranks_table,
    draw=_draw,
    place="beside",
    heading=lambda analysis: f"Ranks across {_between(analysis.records.kind)}",
)

"""The critical-difference diagram: mean ranks, and who can't be told from whom."""

from dataclasses import replace

from markupsafe import Markup

from reports.figures import svg
from reports.figures.search import WIDTH, short
from reports.numbers.ranks import Ranks
from reports.tables.formats import Number, count, level, plain, some

ROWS = 30
"""Strategies that it can hold."""
_ROW = 24.0
_TOP = 74.0
_LEFT = 150.0


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

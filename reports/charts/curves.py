"""Figures of the search: best reward so far, and the oracle's landscape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from markupsafe import Markup

from reports.charts.chart import Chart, Drawing, drawn_strategies
from reports.figures import svg
from reports.figures.series import WIDTH, short
from reports.numbers.analysis import Analysis
from reports.numbers.curves import Curve, Line
from reports.numbers.problems import Problem
from reports.tables.columns import STRATEGY, Reward
from reports.tables.formats import (
    Number,
    level,
)
from reports.tables.table import Column, Table, Value
from reports.tables.words import oracle_words

_LOGARITHMIC_FROM = 100
_CURVES = (
    STRATEGY,
    Column("evaluations", "Evaluations", "charged to each lane", kind="whole"),
    Reward("best_reward", "Best reward", "mean over lanes; holds until the next row"),
)
_CURVES_SECONDS = (
    STRATEGY,
    Column(
        "seconds",
        "Seconds",
        "the strategy's own processor time (where it is known) plus the oracle's mean time for "
        "each evaluation",
        unit="s",
        kind="number",
        digits=3,
        timing=True,
    ),
    Reward("best_reward", "Best reward", "mean over lanes; holds until the next row"),
)


@dataclass(frozen=True)
class Look:
    """How curves are written: names, units, scales.

    Attributes:
        name: of the figure on its page.
        title: what it shows.
        label: of the vertical axis, with the unit.
        unit: of the horizontal axis.
        scale: what values are multiplied with.
        logarithmic: whether a long horizontal axis may be logarithmic.
    """

    name: str
    title: str
    label: str
    unit: str = "evaluations"
    scale: int = 1
    logarithmic: bool = False


BEST = Look(
    "curves", "Best reward so far", "best reward so far (×100)", scale=100, logarithmic=True
)
BEST_BY_TIME = Look(
    "curves-seconds",
    "Best reward so far, against time",
    "best reward so far (×100)",
    unit="seconds",
    scale=100,
    logarithmic=True,
)


def draw_curves(curves: Sequence[Curve], style: Mapping[str, int], look: Look = BEST) -> Markup:
    """Step curves with interval bands and direct labels; nothing when there is no curve.

    Args:
        curves: means of strategies, and lanes that failed.
        style: number of each strategy; who has none is left out.
        look: titles, units, scales.
    """
    scale = look.scale
    known = [c for c in curves if np.any(np.isfinite(c.center)) and c.strategy in style]
    if not known:
        return Markup("")
    first = min(float(curve.where[0]) for curve in known)
    longest = max(float(curve.where[-1]) for curve in known)
    values = np.concatenate([curve.center[np.isfinite(curve.center)] for curve in known]) * scale
    tops = [scale * c.high[-1] for c in known if isfinite(c.high[-1]) and not c.failed]
    low, high = float(values.min()), max(float(values.max()), *tops, float(values.min()))
    pad = max((high - low) * 0.06, 0.01)
    means = [curve for curve in known if not curve.failed]
    room = 30 + 8.2 * max((len(short(curve.label)) for curve in means), default=0)
    whole = look.unit == "evaluations"
    logarithmic = look.logarithmic and first > 0 and longest >= _LOGARITHMIC_FROM * first
    span = (first, max(longest, 2 * first))
    x = svg.Axis(span, (52, WIDTH - room), logarithmic, whole=whole)
    y = svg.Axis((low - pad, high + pad), (308, 34))
    labels = (f"{look.unit}{', logarithmic scale' if logarithmic else ''}", look.label)
    wanted = [y.clamp(float(curve.center[-1]) * scale) for curve in means]
    places = {
        curve.label: at for curve, at in zip(means, svg.spread(wanted, 16, 30, 310), strict=True)
    }
    bands = " with interval bands" * any(np.isfinite(c.high - c.low).any() for c in means)
    finals = ", ".join(f"{c.label} {scale * c.center[-1]:.2f}" for c in known)
    return svg.picture(
        look.name,
        look.title,
        f"{look.label} against {look.unit}, mean{bands}. At the end: {finals}.",
        (WIDTH, 352),
        svg.frame(x, y, labels, (",.0f" if whole else ",g", "g")),
        *(
            _series(curve, (x, y), style[curve.strategy], places.get(curve.label), scale)
            for curve in known
        ),
    )


def _series(
    curve: Curve, axes: tuple[svg.Axis, svg.Axis], number: int, place: Number | None, scale: int
) -> Markup:
    """All that is drawn of one curve, so that a page can leave it out."""
    x, y = axes
    end = (x(curve.where[-1]), y.clamp(float(curve.center[-1]) * scale))
    parts = [_line(curve, x, y, number=number, scale=scale)]
    if curve.failed:
        parts.append(svg.marker(*end, 4, f"mark c{number % svg.COLORS}"))
    else:
        parts.insert(0, _band(curve, x, y, number=number, scale=scale))
    if place is not None:
        parts.append(_end_label(curve, end, (x.pixels[1] + 16, place), number))
    return svg.element("g", *parts, data_strategy=curve.strategy)


def _corners(values: Line, where: Line, x: svg.Axis, y: svg.Axis, scale: int) -> list[str]:
    """Corners of a step curve that holds each value until it changes, from its first number on."""
    start = int(np.isfinite(values).argmax())
    corners = [(start, start)]
    for number in (np.flatnonzero(np.diff(values[start:])) + start + 1).tolist():
        corners += [(number, number - 1), (number, number)]
    corners.append((len(values) - 1, len(values) - 1))
    return [f"{x(float(where[at])):.1f} {y.clamp(scale * values[of]):.1f}" for at, of in corners]


def _line(curve: Curve, x: svg.Axis, y: svg.Axis, *, number: int, scale: int) -> Markup:
    kind = f"curve c{number % svg.COLORS}" + (" broken" if curve.failed else "")
    dash = "1 3" if curve.failed else svg.DASHES[number % len(svg.DASHES)]
    path = "M" + "L".join(_corners(curve.center, curve.where, x, y, scale))
    return svg.element("path", d=path, class_=kind, stroke_dasharray=dash)


def _band(curve: Curve, x: svg.Axis, y: svg.Axis, *, number: int, scale: int) -> Markup:
    if not np.any(np.isfinite(curve.low)):
        return Markup("")
    upper, lower = (_corners(line, curve.where, x, y, scale) for line in (curve.high, curve.low))
    outline = upper + lower[::-1]
    return svg.element("path", d=f"M{'L'.join(outline)}Z", class_=f"band c{number % svg.COLORS}")


def _end_label(
    curve: Curve, end: tuple[Number, Number], place: tuple[Number, Number], number: int
) -> Markup:
    """A marker where the curve ends, and its name beside it."""
    color = f"c{number % svg.COLORS}"
    return svg.element(
        "g",
        svg.line(*end, place[0] - 3, place[1], f"leader {color}"),
        svg.marker(*end, number, f"mark {color}"),
        svg.text(*place, short(curve.label), kind=f"label name {color}"),
    )


def curves_table(analysis: Analysis) -> Table:
    """The curves against evaluations: one row where a mean changes, and one at the end."""
    rows = _points(analysis.curves, whole=True)
    caption = f"Best reward so far; {oracle_words(analysis.records)}."
    return Table("curves", "Against evaluations", caption, _CURVES, rows)


def problem_curves_table(problem: Problem, name: str) -> Table:
    """The curves of one problem of a comparison, as `curves_table` has a run's."""
    caption = f"Best reward so far on {problem.label}; {oracle_words(problem.records)}."
    rows = _points(problem.curves, whole=True)
    return Table(name, f"Against evaluations: {problem.label}", caption, _CURVES, rows)


def time_curves_table(analysis: Analysis) -> Table:
    """The curves against seconds: one row where a mean changes, and one at the end."""
    rows = _points(analysis.time_curves, whole=False)
    caption = f"Best reward so far; {oracle_words(analysis.records)}. Times differ from run to run."
    return Table("curves-seconds", "Against seconds", caption, _CURVES_SECONDS, rows)


def _points(curves: Sequence[Curve], *, whole: bool) -> tuple[tuple[Value, ...], ...]:
    rows: list[tuple[Value, ...]] = []
    for curve in curves:
        known = np.isfinite(curve.center)
        lines = np.array([curve.center, curve.low, curve.high])
        moved = np.any(lines[:, 1:] != lines[:, :-1], axis=0)
        shown = known & np.concatenate([[True], moved])
        shown[-1] = known[-1]
        rows += [
            (curve.label, int(at) if whole else float(at), curve.interval(point))
            for point, at in zip(np.flatnonzero(shown).tolist(), curve.where[shown], strict=True)
        ]
    return tuple(rows)


def banded(analysis: Analysis) -> bool:
    """Whether any curve has intervals."""
    return any(np.isfinite(curve.high).any() for curve in analysis.curves if not curve.failed)


def _draw(analysis: Analysis) -> list[Drawing]:
    style = drawn_strategies(analysis)
    bands = f"; bands are {level(analysis.confidence)} intervals" if banded(analysis) else ""
    failed = any(curve.failed and curve.strategy in style for curve in analysis.curves)
    caption = (
        f"Best reward so far, mean over lanes{bands}. Higher and earlier is better."
        f"{' Broken lines that end in × are lanes that failed.' if failed else ''}"
    )
    return [Drawing("curves", draw_curves(analysis.curves, style), caption)]


def _draw_by_time(analysis: Analysis) -> list[Drawing]:
    caption = (
        "The same against seconds: the strategy's own time (where it is known) plus the oracle's "
        "for each evaluation, as if every lane searched alone. Times are of this machine."
    )
    drawn = draw_curves(analysis.time_curves, drawn_strategies(analysis), BEST_BY_TIME)
    return [Drawing("curves-seconds", drawn, caption)]


CURVES = Chart("curves", section="search", table=curves_table, draw=_draw)
CURVES_SECONDS = Chart(
    "curves-seconds", section="search", table=time_curves_table, draw=_draw_by_time
)

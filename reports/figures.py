"""Figures of the search: best reward so far, and the oracle's landscape."""

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
from markupsafe import Markup

from benchmark.schemes import bits_scheme
from reports import svg
from reports.curves import Curve, Line
from reports.formats import Number, count, percent
from reports.landscape import Density, Landscape, density
from reports.ranking import LaneScore

WIDTH = 520
_LONGEST = 18
_LOGARITHMIC_FROM = 100


def styles(strategies: Sequence[str]) -> dict[str, int]:
    """A number for each strategy, from which colour, dash and marker follow everywhere."""
    return {name: number for number, name in enumerate(dict.fromkeys(strategies))}


def short(name: str) -> str:
    """A name that fits beside a curve."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def draw_curves(
    curves: Sequence[Curve],
    style: Mapping[str, int],
    name: str = "curves",
    unit: str = "evaluations",
) -> Markup:
    """Step curves with interval bands and direct labels; nothing when there is no curve.

    Args:
        curves: means of strategies, and lanes that failed.
        style: number of each strategy.
        name: of the figure on its page.
        unit: of the curves' points.
    """
    known = [curve for curve in curves if np.any(np.isfinite(curve.center))]
    if not known:
        return Markup("")
    first = min(float(curve.where[0]) for curve in known)
    longest = max(float(curve.where[-1]) for curve in known)
    values = np.concatenate([curve.center[np.isfinite(curve.center)] for curve in known]) * 100
    tops = [100 * c.high[-1] for c in known if isfinite(c.high[-1]) and not c.failed]
    low, high = float(values.min()), max(float(values.max()), *tops, float(values.min()))
    pad = max((high - low) * 0.06, 0.01)
    means = [curve for curve in known if not curve.failed]
    room = 30 + 8.2 * max((len(short(curve.label)) for curve in means), default=0)
    whole = unit == "evaluations"
    logarithmic = first > 0 and longest >= _LOGARITHMIC_FROM * first
    span = (first, max(longest, 2 * first))
    x = svg.Axis(span, (52, WIDTH - room), logarithmic, whole=whole)
    y = svg.Axis((low - pad, high + pad), (308, 34))
    scale = ", logarithmic scale" if logarithmic else ""
    labels = (f"{unit}{scale}", "best reward so far (×100)")
    axes = svg.frame(x, y, labels, (",.0f" if whole else ",g", "g"))
    bands = [_band(curve, x, y, style[curve.strategy]) for curve in means]
    lines = [_line(curve, x, y, style[curve.strategy]) for curve in known]
    wanted = [y.clamp(float(curve.center[-1]) * 100) for curve in means]
    ends = [
        _end_label(curve, (x(curve.where[-1]), at), (x.pixels[1] + 16, to), style)
        for curve, at, to in zip(means, wanted, svg.spread(wanted, 16, 30, 310), strict=True)
    ]
    crosses = [
        svg.marker(
            x(curve.where[-1]),
            y.clamp(float(curve.center[-1]) * 100),
            4,
            f"mark c{style[curve.strategy] % svg.COLORS}",
        )
        for curve in known
        if curve.failed
    ]
    finals = ", ".join(f"{c.label} {100 * c.center[-1]:.2f}" for c in known)
    return svg.picture(
        name,
        "Best reward so far",
        f"Mean best reward against {unit} with interval bands. At the end: {finals}.",
        (WIDTH, 352),
        axes,
        *bands,
        *lines,
        *ends,
        *crosses,
    )


def _corners(values: Line, where: Line, x: svg.Axis, y: svg.Axis) -> list[str]:
    """Corners of a step curve that holds each value until it changes, from its first number on."""
    start = int(np.isfinite(values).argmax())
    corners = [(start, start)]
    for number in (np.flatnonzero(np.diff(values[start:])) + start + 1).tolist():
        corners += [(number, number - 1), (number, number)]
    corners.append((len(values) - 1, len(values) - 1))
    return [f"{x(float(where[at])):.1f} {y.clamp(100 * values[of]):.1f}" for at, of in corners]


def _line(curve: Curve, x: svg.Axis, y: svg.Axis, number: int) -> Markup:
    kind = f"curve c{number % svg.COLORS}" + (" broken" if curve.failed else "")
    dash = "1 3" if curve.failed else svg.DASHES[number % len(svg.DASHES)]
    path = "M" + "L".join(_corners(curve.center, curve.where, x, y))
    return svg.element("path", d=path, class_=kind, stroke_dasharray=dash)


def _band(curve: Curve, x: svg.Axis, y: svg.Axis, number: int) -> Markup:
    if not np.any(np.isfinite(curve.low)):
        return Markup("")
    upper, lower = (_corners(line, curve.where, x, y) for line in (curve.high, curve.low))
    outline = upper + lower[::-1]
    return svg.element("path", d=f"M{'L'.join(outline)}Z", class_=f"band c{number % svg.COLORS}")


def _end_label(
    curve: Curve, end: tuple[Number, Number], place: tuple[Number, Number], style: Mapping[str, int]
) -> Markup:
    """A marker where the curve ends, and its name beside it."""
    number = style[curve.strategy]
    color = f"c{number % svg.COLORS}"
    return svg.element(
        "g",
        svg.line(*end, place[0] - 3, place[1], f"leader {color}"),
        svg.marker(*end, number, f"mark {color}"),
        svg.text(*place, short(curve.label), kind=f"label name {color}"),
    )


def draw_landscape(
    table: Landscape, lanes: Sequence[LaneScore], style: Mapping[str, int], blocks: int
) -> Markup:
    """Density of all tabulated schemes by connections and accuracy, with each lane's best."""
    found = [s for s in lanes if s.ranked and s.key.supernet_seed == table.supernet_seed]
    values = np.append(table.accuracy, [score.accuracy for score in found]) * 100
    pad = max(float(np.ptp(values)) * 0.03, 0.01)
    x = svg.Axis((-0.6, blocks + 0.6), (52, WIDTH - 12), whole=True)
    y = svg.Axis((float(values.min()) - pad, float(values.max()) + pad), (308, 34))
    names = [name for name in style if any(score.key.strategy == name for score in found)]
    marks = [
        svg.marker(
            x(
                score_ones(score)
                + 0.7 * (names.index(score.key.strategy) + 0.5) / len(names)
                - 0.35
            ),
            y(score.accuracy * 100),
            style[score.key.strategy],
            f"mark found c{style[score.key.strategy] % svg.COLORS}",
            3.6,
        )
        for score in found
    ]
    what = "all" if table.exhaustive else "the tabulated"
    middle = percent(float(np.median(table.accuracy)))
    best = percent(float(table.accuracy.max()))
    labels = ("connected blocks", "oracle accuracy (%, validation)")
    return svg.picture(
        f"landscape-{table.supernet_seed}",
        f"Landscape of supernet {table.supernet_seed}",
        f"Oracle accuracy of {what} {count(len(table.accuracy), 'scheme')} against connected "
        f"blocks: median {middle}, best {best}. Marks: the scheme of the best reward of each lane.",
        (WIDTH, 362 + 20 * len(legend_rows(names))),
        svg.frame(x, y, labels, (".0f", "g")),
        *_density(density(table, blocks), x, y),
        *marks,
        *legend(names, style, 366),
    )


def score_ones(score: LaneScore) -> int:
    """Connected blocks of a lane's best scheme."""
    return int(bits_scheme(score.bits).sum())


def _density(found: Density, x: svg.Axis, y: svg.Axis) -> list[Markup]:
    # Columns have very different sizes (1 to 924 of 4,096): shade within a column.
    tallest = np.maximum(found.counts.max(axis=1), 1)
    width = 0.8 * (x(1) - x(0))
    height = y(100 * found.edges[0]) - y(100 * found.edges[1])
    return [
        svg.element(
            "rect",
            x=x(column) - width / 2,
            y=y(100 * found.edges[row + 1]),
            width=width,
            height=height,
            fill_opacity=0.08 + 0.5 * found.counts[column, row] / tallest[column],
            class_="density",
        )
        for column in range(len(found.counts))
        for row in np.flatnonzero(found.counts[column]).tolist()
    ]


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
            drawn.append(svg.marker(left, top + 20 * row, style[name], f"mark {color}"))
            drawn.append(svg.text(left + 10, top + 20 * row, short(name), kind=f"name {color}"))
            left += 34 + 8.2 * len(short(name))
    return drawn

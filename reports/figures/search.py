"""Figures of the search: best reward so far, and the oracle's landscape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from markupsafe import Markup

from benchmark.records.schemes import bits_scheme
from reports.figures import svg
from reports.numbers.curves import Curve, Line
from reports.numbers.landscape import Density, Landscape, density
from reports.numbers.ranking import LaneScore
from reports.tables.formats import Number, count, percent

WIDTH = 520
DRAWN = 12
"""Strategies that a chart can hold; tables and files have all."""
_LONGEST = 18
_LOGARITHMIC_FROM = 100


def styles(strategies: Sequence[str]) -> dict[str, int]:
    """A number for each strategy, from which colour, dash and marker follow everywhere."""
    return {name: number for number, name in enumerate(dict.fromkeys(strategies))}


def short(name: str) -> str:
    """A name that fits beside a curve."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


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
AGREEMENT = Look(
    "agreement", "Mean probability of what is asked", "p̄ (0.5: even draws, 1: settled)"
)
DISTINCT = Look("distinct", "Different schemes asked so far", "different schemes so far")


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


def draw_landscape(
    table: Landscape, lanes: Sequence[LaneScore], style: Mapping[str, int], blocks: int
) -> Markup:
    """Density of all tabulated schemes by connections and accuracy, with each lane's best."""
    found = [
        score
        for score in lanes
        if score.ranked
        and score.key.supernet_seed == table.supernet_seed
        and score.key.strategy in style
    ]
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
            strategy=score.key.strategy,
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
        f"blocks: median {middle}, best {best}."
        + (" Marks: the scheme of the best reward of each lane." if found else ""),
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

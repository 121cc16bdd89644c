"""Figures 2 and 3 of the paper, drawn from a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, isnan

from markupsafe import Markup

from benchmark.records.kinds import TABLE, OracleKind
from reports.charts.chart import Chart, Drawing
from reports.figures import svg
from reports.figures.series import WIDTH
from reports.numbers.analysis import Analysis
from reports.numbers.explained import ConnectionScore, Explained, Spread
from reports.tables.columns import Percent, oracle_column
from reports.tables.formats import (
    Number,
    count,
    signed,
    words,
)
from reports.tables.table import Column, Table

_SETS = {"tickets": "Full-SA", "harmful": "Original"}
"""Sets of schemes, and what each is compared with."""
_QUANTILES = (
    ("low", "lowest"),
    ("lower", "lower quartile"),
    ("middle", "median"),
    ("upper", "upper quartile"),
    ("high", "highest"),
)


def draw_accuracy_by_ratio(
    found: Explained, name: str = "accuracy-by-ratio", kind: OracleKind = TABLE
) -> Markup:
    """Accuracy against connections: a box a number of connections, and the known references."""
    references = [(name, 100 * value) for name, value in found.references.items()]
    return _draw_ratios(
        name,
        "Accuracy by connection ratio",
        kind.axis,
        {item.connections: item.accuracy for item in found.ratios},
        scale=100,
        references=references,
    )


def draw_parameters_by_ratio(found: Explained) -> Markup:
    """Parameters against connections: a box a number of connections."""
    return _draw_ratios(
        "parameters-by-ratio",
        "Parameters by connection ratio",
        "parameters (thousands)",
        {item.connections: item.parameters for item in found.ratios},
        scale=1e-3,
        references=(),
    )


def draw_times_by_ratio(found: Explained) -> Markup | None:
    """Relative inference time against connections; None where no scheme was timed."""
    timed = {item.connections: item.increment for item in found.ratios if item.increment}
    if not timed:
        return None
    return _draw_ratios(
        "times-by-ratio",
        "Inference time by connection ratio",
        "inference time to Original (%)",
        timed,
        scale=100,
        references=(),
        which="the schemes that were timed",
    )


def _draw_ratios(
    name: str,
    title: str,
    label: str,
    spreads: Mapping[int, Spread],
    *,
    scale: Number,
    references: Sequence[tuple[str, Number]],
    which: str = "all schemes",
) -> Markup:
    if not spreads:
        return Markup("")
    ends = [scale * end for spread in spreads.values() for end in (spread.low, spread.high)]
    pad = max((max(ends) - min(ends)) * 0.04, 0.01)
    most = max(spreads)
    x = svg.Axis((-0.6, most + 0.6), (60, WIDTH - 70), whole=True)
    y = svg.Axis((min(ends) - pad, max(ends) + pad), (268, 34))
    lines = [
        svg.line(x.pixels[0], y(value), x.pixels[1], y(value), f"curve c{number}", dash=number)
        + svg.text(x.pixels[1] + 6, y(value), word)
        for number, (word, value) in enumerate(references)
    ]
    return svg.picture(
        name,
        title,
        "Whiskers from the lowest to the highest scheme, boxes between the quartiles, a mark at "
        f"the median of {which} with so many connections.",
        (WIDTH, 312),
        svg.frame(x, y, ("connected blocks", label), (".0f", "g")),
        *lines,
        *(_box(x(connections), y, spread, scale) for connections, spread in spreads.items()),
    )


def _box(x: Number, y: svg.Axis, spread: Spread, scale: Number) -> Markup:
    low, lower, middle, upper, high = (
        y(scale * value)
        for value in (spread.low, spread.lower, spread.middle, spread.upper, spread.high)
    )
    box = svg.element(
        "rect",
        x=x - 6,
        y=upper,
        width=12,
        height=max(lower - upper, 0.5),
        class_="mark hollow c2",
    )
    return svg.line(x, low, x, high, "whisker c2") + box + svg.marker(x, middle, 0, "mark c2", 3)


def draw_scores(found: Explained, name: str = "connection-scores") -> Markup:
    """Connection score of each block in tickets and in harmful schemes, with fitted lines.

    A set whose reference has no answer is left out.
    """
    blocks = len(found.tickets.score)
    known = [word for word, reference in _SETS.items() if reference in found.references]
    if not known:
        return Markup("")
    x = svg.Axis((0.5, blocks + 0.5), (52, WIDTH - 112), whole=True)
    y = svg.Axis((0, 1), (268, 34))
    sets = [(word, getattr(found, word)) for word in known]
    drawn = [_score_marks(score, x, y, number) for number, (_, score) in enumerate(sets)]
    wanted = [
        y.clamp(score.intercept + score.slope * (blocks - 1)) if isfinite(score.slope) else y(0.5)
        for _, score in sets
    ]
    labels = [
        svg.text(x.pixels[1] + 8, at, f"{word} ({score.schemes:,})")
        for (word, score), at in zip(sets, svg.spread(wanted, 16, 34, 268), strict=True)
    ]
    return svg.picture(
        name,
        "Connection score of each block",
        "Share of tickets and of harmful schemes that connect a block, with least-squares lines.",
        (WIDTH, 312),
        svg.frame(x, y, ("block", "share of schemes that connect it"), (".0f", "g")),
        *drawn,
        *labels,
    )


def _score_marks(score: ConnectionScore, x: svg.Axis, y: svg.Axis, number: int) -> Markup:
    if score.schemes == 0:
        return Markup("")
    marks = Markup("").join(
        svg.marker(x(block + 1), y(float(value)), number, f"mark c{number}")
        for block, value in enumerate(score.score)
    )
    if not isfinite(score.slope):
        return marks
    last = len(score.score) - 1
    ends = (y.clamp(score.intercept), y.clamp(score.intercept + score.slope * last))
    line = svg.line(x(1), ends[0], x(last + 1), ends[1], f"curve c{number}", dash=number)
    return marks + line


def ratios_table(found: Explained, kind: OracleKind = TABLE) -> Table:
    """The numbers of figure 2, a row a number of connections."""
    columns = (
        Column("connections", "connections", "connected blocks", kind="whole"),
        Column("ratio", "ratio", "share of blocks that are connected", kind="number"),
        Column("schemes", "schemes", "schemes with so many connections", kind="whole"),
        *(
            Percent(f"accuracy_{key}", f"{word} accuracy", f"{word} {kind.accuracy}")
            for key, word in _QUANTILES
        ),
        *(
            Column(f"parameters_{key}", f"{word} parameters", f"{word} parameters", kind="whole")
            for key, word in _QUANTILES
        ),
        Percent("above_full", "≥ Full-SA", "share at least as accurate as Full-SA", digits=1),
        Percent("below_original", "< Original", "share less accurate than Original", digits=1),
        *(
            Percent(
                f"increment_{key}",
                f"{word} time increment",
                f"{word} inference time relative to Original's, minus 1, of the schemes timed",
                kind="signed",
                digits=1,
                optional=True,
            )
            for key, word in _QUANTILES
        ),
    )
    rows = tuple(
        (
            item.connections,
            item.ratio,
            item.schemes,
            *(getattr(item.accuracy, key) for key, _ in _QUANTILES),
            *(getattr(item.parameters, key) for key, _ in _QUANTILES),
            item.above_full,
            item.below_original,
            *(item.increment and getattr(item.increment, key) for key, _ in _QUANTILES),
        )
        for item in found.ratios
    )
    caption = f"Every scheme with an answer, by its number of connections; {kind.accuracy}."
    return Table("ratios", "Schemes by connection ratio", caption, columns, rows)


def scores_table(found: Explained, kind: OracleKind = TABLE) -> Table:
    """The numbers of figure 3, a row a block."""
    columns = (
        Column("block", "block", "number of the block, from 1", kind="whole"),
        Column("tickets", "tickets", "share of tickets that connect it", kind="number", digits=3),
        Column("harmful", "harmful", "share of harmful schemes that connect it", kind="number",
               digits=3),
    )  # fmt: skip
    rows = tuple(
        (number + 1, float(ticket), float(harmful))
        for number, (ticket, harmful) in enumerate(
            zip(found.tickets.score, found.harmful.score, strict=True)
        )
    )
    return Table(
        "scores", "Connection score of each block", scores_caption(found, kind), columns, rows
    )


def ratios_caption(found: Explained) -> str:
    """What the figure of the ratios shows."""
    lines = f"; lines at {words(list(found.references))}" if found.references else ""
    return (
        "Accuracy of all schemes with an answer by their number of connections (the paper's "
        "Fig. 2): whiskers from lowest to highest, boxes between the quartiles, marks at the "
        f"median{lines}."
    )


def scores_caption(found: Explained, kind: OracleKind = TABLE) -> str:
    """Who is in the two sets, and the slopes of their lines."""
    return " ".join(
        [
            _set_words(
                found,
                "Tickets",
                "at least as accurate as Full-SA with fewer connections or parameters (inference "
                "time is not known here)",
                "Full-SA",
            ),
            _set_words(found, "Harmful", "less accurate than Original", "Original"),
            f"{kind.accuracy.capitalize()}.",
        ]
    )


def _set_words(found: Explained, name: str, rule: str, reference: str) -> str:
    own: ConnectionScore = getattr(found, name.lower())
    if reference not in found.references:
        return f"{name}: not known, as {reference} has no answer."
    slope = "" if isnan(own.slope) else f"; slope {signed(own.slope, 4)} a block"
    return f"{name}: {count(own.schemes, 'scheme')} {rule}{slope}."


def ratios_by_supernet(analysis: Analysis) -> Table:
    """Accuracy by number of connections (the paper's Fig. 2), for every whole landscape."""
    kind = analysis.records.kind
    found = {seed: ratios_table(item, kind) for seed, item in analysis.explained.items()}
    return _stacked("ratios", "Schemes by connection ratio", oracle_column(kind), found)


def scores_by_supernet(analysis: Analysis) -> Table:
    """Connection scores of each block (the paper's Fig. 3), for every whole landscape."""
    kind = analysis.records.kind
    found = {seed: scores_table(item, kind) for seed, item in analysis.explained.items()}
    return _stacked("scores", "Connection score of each block", oracle_column(kind), found)


def _stacked(name: str, title: str, seed: Column, tables: Mapping[int, Table]) -> Table:
    """Tables of the same columns as one, with the oracle's ``seed`` in front."""
    if not tables:
        return Table(name, title, "No landscape was tabulated.", (seed,), ())
    first = next(iter(tables.values()))
    rows = tuple((number, *row) for number, table in tables.items() for row in table.rows)
    caption = " ".join(dict.fromkeys(table.caption for table in tables.values()))
    return replace(
        first,
        name=name,
        title=title,
        caption=caption,
        columns=(seed, *first.columns),
        rows=rows,
    )


def _ratios_drawn(analysis: Analysis) -> list[Drawing]:
    kind = analysis.records.kind
    return [
        Drawing(name, draw_accuracy_by_ratio(found, name, kind), ratios_caption(found), seed)
        for seed, found in analysis.explained.items()
        for name in [f"ratios-{seed}"]
    ]


def _scores_drawn(analysis: Analysis) -> list[Drawing]:
    kind = analysis.records.kind
    return [
        Drawing(name, draw_scores(found, name), scores_caption(found, kind), seed)
        for seed, found in analysis.explained.items()
        for name in [f"scores-{seed}"]
    ]


RATIOS = Chart("ratios", section="landscape", table=ratios_by_supernet, draw=_ratios_drawn)
SCORES = Chart("scores", section="landscape", table=scores_by_supernet, draw=_scores_drawn)

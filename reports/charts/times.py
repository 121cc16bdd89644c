"""Search time beside the training of the supernet, as bars."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.charts.chart import Chart, Drawing, drawn_strategies
from reports.figures import svg
from reports.figures.series import WIDTH, short
from reports.numbers.analysis import Analysis
from reports.numbers.times import SearchTime
from reports.tables.columns import STRATEGY, Percent, Seconds
from reports.tables.formats import Number, percent, seconds
from reports.tables.table import Column, Table, Value

_ROW = 26.0
_TOP = 40.0
_LEFT = 150.0
_COLUMNS = (
    STRATEGY,
    Column("evaluations", "Evaluations", "charged to a lane, mean", kind="number", digits=1),
    Seconds("search", "Search", "one lane searching alone, mean over lanes", interval=True),
    Seconds("own", "Of it the strategy's own", "processor time of the strategy itself, mean"),
    Seconds(
        "training",
        "Supernet training",
        "mean over supernets; all strategies share it",
        optional=True,
    ),
    Percent(
        "share", "Search / training", "both on this machine", digits=1, timing=True, optional=True
    ),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)


def draw_times(times: Sequence[SearchTime], style: Mapping[str, int]) -> Markup:
    """A bar for training if there was any, then one a strategy; nothing where none took time."""
    shown = [item for item in times if item.strategy in style]
    training = max((item.training or 0.0 for item in shown), default=0.0)
    longest = max([training, *(item.search.center for item in shown)])
    if longest == 0:
        return Markup("")
    x = svg.Axis((0, longest), (_LEFT, WIDTH - 130))
    bars = [("supernet training", training)] if training else []
    bottom = _TOP + _ROW * (len(shown) + len(bars)) - 8
    rows = [_bar(*bar, seconds(training), x, _TOP, kind="bar plain") for bar in bars]
    for place, item in enumerate(shown, start=len(bars)):
        share = "" if item.share is None else f" ({percent(item.share, 1)})"
        bar = _bar(
            short(item.strategy),
            item.search.center,
            f"{seconds(item.search.center)}{share}",
            x,
            _TOP + _ROW * place,
            kind=f"bar c{style[item.strategy] % svg.COLORS}",
        )
        rows.append(svg.element("g", bar, data_strategy=item.strategy))
    numbers = [
        svg.line(x(value), bottom, x(value), bottom + 4, "axis")
        + svg.text(x(value), bottom + 14, f"{value:,g}", anchor="middle", kind="tick")
        for value in x.ticks()
    ]
    first = f"Training a supernet took {seconds(training)}. " if training else ""
    said = "; ".join(f"{item.strategy} {seconds(item.search.center)}" for item in shown)
    return svg.picture(
        "times",
        "Search time against training time" if training else "Search time",
        f"{first}One lane's search: {said}.",
        (WIDTH, bottom + 44),
        svg.line(x.pixels[0], bottom, x.pixels[1], bottom, "axis"),
        *rows,
        *numbers,
        svg.text(sum(x.pixels) / 2, bottom + 33, "seconds on this machine", anchor="middle"),
    )


def _bar(name: str, value: float, words: str, x: svg.Axis, middle: Number, *, kind: str) -> Markup:
    width = max(x(value) - x.pixels[0], 1)
    return svg.element(
        "g",
        svg.text(_LEFT - 10, middle, name, anchor="end"),
        svg.element("rect", x=_LEFT, y=middle - 8, width=width, height=16, class_=kind),
        svg.text(_LEFT + width + 8, middle, words, kind="label number"),
    )


def times_table(analysis: Analysis) -> Table:
    """Search against training: one row a strategy."""
    rows: list[tuple[Value, ...]] = [
        (
            item.strategy,
            item.evaluations,
            item.search,
            item.own,
            item.training,
            item.share,
            item.lanes,
        )
        for item in analysis.times
    ]
    caption = (
        "Seconds of this machine, as if each lane had searched alone: the strategy's own time and "
        "the oracle's mean time for each evaluation."
    )
    if analysis.records.kind.trains:
        caption += " The paper's Table VI reports 25.4% for ResNet38 and 21.3% for ResNet164."
    return Table("times", _heading(analysis), caption, _COLUMNS, tuple(rows))


def _trained(analysis: Analysis) -> bool:
    return any(item.training for item in analysis.times)


def _heading(analysis: Analysis) -> str:
    return f"Search time{' against training time' if _trained(analysis) else ''}"


def _draw(analysis: Analysis) -> list[Drawing]:
    beside = (
        " beside the training of the supernet that all strategies share; in brackets the share of "
        "it"
    )
    caption = f"One lane's search{beside if _trained(analysis) else ''}."
    return [Drawing("times", draw_times(analysis.times, drawn_strategies(analysis)), caption)]


TIMES = Chart(
    "times", section="search", table=times_table, draw=_draw, place="beside", heading=_heading
)

"""What a chart is: the table of its numbers, figures of them, and where a report has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

from markupsafe import Markup

from reports.figures.series import DRAWN, styles
from reports.numbers.analysis import Analysis
from reports.tables.table import Table

Place = Literal["files", "beside", "below", "placed"]


@dataclass(frozen=True)
class Drawing:
    """One figure of a chart.

    Attributes:
        name: of its files; no other figure of the run has it.
        figure: SVG, with a title and a description for those who can't see it; empty where
            there is nothing to draw.
        caption: what stands below it on the page.
        row: figures of one row stand side by side.
    """

    name: str
    figure: Markup
    caption: str
    row: int = 0


def _nothing(analysis: Analysis) -> Sequence[Drawing]:
    del analysis
    return ()


def no_heading(analysis: Analysis) -> str:
    """The heading of charts that stand directly below that of their section."""
    del analysis
    return ""


@dataclass(frozen=True)
class Chart:
    """A part of a run's report: a table and, where numbers can be seen, figures of it.

    A module of `reports.charts` makes it, `reports.charts.registry` lists it, and all that
    shows runs asks that list: the page and the data inside it, Markdown, CSV and Parquet files,
    figures for papers.

    Attributes:
        name: of its table, and so of its files.
        section: ``id`` of the page's section that it is in.
        table: its numbers; without rows where a run has none.
        draw: its figures in the order of the page; empty ones are left out.
        place: where readers see the table: beside the figures, below them, where the page's
            template places it, or in files only.
        summary: folds a table below figures away under these words.
        heading: above it in its section; neighbours of one heading share it.
        inside: whether the page offers its CSV; endless tables are in files beside it only.
    """

    name: str
    section: str
    table: Callable[[Analysis], Table]
    draw: Callable[[Analysis], Sequence[Drawing]] = _nothing
    place: Place = "files"
    summary: str = ""
    heading: Callable[[Analysis], str] = no_heading
    inside: bool = True


@final
class RunChart:
    """A chart of one run; its table and figures are made once, when they are asked for.

    Args:
        chart: what is shown.
        analysis: of the run.
    """

    def __init__(self, chart: Chart, analysis: Analysis) -> None:
        self.chart = chart
        self._analysis = analysis

    @cached_property
    def table(self) -> Table:
        """The numbers of the chart, a tidy table named like it."""
        return self.chart.table(self._analysis)

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """Its figures, those left out that there is nothing to draw of."""
        return tuple(one for one in self.chart.draw(self._analysis) if one.figure)

    @property
    def heading(self) -> str:
        """What stands above it in its section; empty for nothing."""
        return self.chart.heading(self._analysis)


def drawn_strategies(analysis: Analysis) -> dict[str, int]:
    """Those that charts hold, with the number that colour, dash and marker follow from.

    Numbers follow the order of the command line, so that they stay when ranks change; of many
    strategies the first in rank are drawn.
    """
    style = styles([lane.key.strategy for lane in analysis.records.lanes])
    if len(style) <= DRAWN:
        return style
    first = [item.strategy for item in analysis.ranking.standings[:DRAWN]]
    return styles([name for name in style if name in first])

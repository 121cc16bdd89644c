"""The report as one page: no scripts or styles from elsewhere, everything escaped."""

import base64
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.charts.chart import Drawing, RunChart, drawn_strategies
from reports.charts.schemes import SYMBOLS, draw_strip, in_charts, label
from reports.figures.pictures import cam_words, rows_of_pictures
from reports.figures.style import figure_css, palette_css, to_svg
from reports.numbers.analysis import Analysis
from reports.numbers.tickets import ticket_file, ticket_schemes
from reports.sentences import training
from reports.sentences.answers import answers, title
from reports.sentences.glossary import glossary, methods
from reports.sentences.headline import headline
from reports.sentences.search import unfinished
from reports.tables.run import facts_table
from reports.tables.table import Table, to_csv
from reports.tables.words import batch_norm, module_of, not_trained

ROWS = 1_000
"""Rows that a table inside a page can hold; the files beside it have all."""
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.globals |= {"figure_css": Markup(figure_css()), "palette_css": Markup(palette_css())}  # noqa: S704 - ours


@dataclass(frozen=True)
class Row:
    """What stands side by side: figures, each with the name of its CSV, and tables."""

    drawings: list[tuple[Drawing, str]]
    tables: list[Table]


@dataclass(frozen=True)
class Group:
    """Charts under one heading: rows of figures, and tables below them with their summaries."""

    heading: str
    rows: list[Row]
    below: list[tuple[Table, str]]


def render_page(analysis: Analysis, charts: Mapping[str, RunChart]) -> str:
    """The whole page of a run whose charts are given by name."""
    records = analysis.records
    style = drawn_strategies(analysis)
    task = str(records.facts.get("task", ""))
    return ENVIRONMENT.get_template("report.html.j2").render(
        task=task,
        title=title(analysis),
        warning=" ".join(unfinished(analysis)),
        answers=answers(analysis),
        tickets=[
            (ticket_file(item.bits, records.blocks_per_stage, task), item.verdict)
            for item in ticket_schemes(analysis)
        ],
        facts=_facts(analysis),
        sentences=headline(analysis)[len(unfinished(analysis)) :],
        not_trained=not_trained(records),
        kind=records.kind,
        style=style,
        left_out=len(analysis.ranking.standings) - len(style),
        tables={
            name: readable(chart.table)
            for name, chart in charts.items()
            if chart.chart.place == "placed"
        },
        sections={
            section: groups([one for one in charts.values() if one.chart.section == section])
            for section in dict.fromkeys(one.chart.section for one in charts.values())
        },
        trained=bool(analysis.schemes),
        files=_files(analysis, charts, style),
        tracebacks=[
            (f"{lane.key.strategy}, seed {lane.key.strategy_seed}", lane.traceback)
            for lane in records.lanes
            if lane.traceback
        ],
        reproduce=facts_table(records),
        command=str(records.environment.get("command", "")),
        lead=analysis.rule.lead(analysis.confidence),
        schemes=in_charts(analysis.schemes),
        label=label,
        strip=partial(draw_strip, blocks_per_stage=records.blocks_per_stage),
        gap=training.gap(analysis),
        noise=analysis.noise,
        pictures=rows_of_pictures(records.cams, records.blocks_per_stage),
        cams=cam_words(records),
        glossary=glossary(records),
        methods=methods(records),
        symbols=SYMBOLS,
    )


def readable(table: Table) -> Table:
    """A table without empty optional columns, cut to as many rows as a page shows."""
    return table.shown().first(ROWS)


def groups(charts: Sequence[RunChart]) -> list[Group]:
    """Charts of a section by heading; those that have nothing to show are left out."""
    made = (_group(heading, list(own)) for heading, own in groupby(charts, lambda one: one.heading))
    return [group for group in made if group.rows or group.below]


def _group(heading: str, charts: Sequence[RunChart]) -> Group:
    rows: dict[int, Row] = {}
    for chart in charts:
        for drawing in chart.drawings:
            row = rows.setdefault(drawing.row, Row([], []))
            row.drawings.append((drawing, chart.chart.name))
        if chart.chart.place == "beside" and chart.table.rows:
            last = next(reversed(rows.values())) if rows else rows.setdefault(0, Row([], []))
            last.tables.append(readable(chart.table))
    below = [
        (readable(chart.table), chart.chart.summary)
        for chart in charts
        if chart.chart.place == "below" and chart.table.rows
    ]
    return Group(heading, list(rows.values()), below)


def _facts(analysis: Analysis) -> dict[str, object]:
    """What was compared, in figures."""
    records, settings = analysis.records, analysis.records.settings
    named = {
        "task": records.facts.get("task"),
        "network": settings.get("backbone"),
        "attention": module_of(records),
    }
    counted = {
        "strategies": len(analysis.ranking.standings),
        "lanes": len(analysis.ranking.lanes),
        "evaluations a lane": analysis.ranking.horizon,
    }
    trained: dict[str, object] = {}
    kind = records.kind
    if kind.several:
        counted[f"{kind.label}s"] = records.supernets
    if kind.trains:
        counted["trained schemes"] = len(analysis.schemes)
        counted["stand-alone seeds"] = len({item.seed for item in records.standalone})
        trained["verdicts by"] = analysis.rule.short
    return {
        **{name: value for name, value in named.items() if value},
        **{name: f"{number:,}" for name, number in counted.items()},
        **trained,
        **({"batch norm": batch_norm(records)} if kind.measured else {}),
    }


def _files(
    analysis: Analysis, charts: Mapping[str, RunChart], style: Collection[str]
) -> dict[str, str]:
    """CSV files inside the page: of the strategies that charts hold, and no endless ones."""
    tables = [chart.table for chart in charts.values() if chart.chart.inside]
    # Failed lanes have curves under labels of their own, so a whole table is left as it is.
    if len(style) < len(analysis.ranking.standings):
        tables = [table.of(style) for table in tables]
    return {table.name: to_csv(table.first(ROWS)) for table in tables if table.rows}


def render_table(table: Table) -> Markup:
    """One table without a page around it."""
    module = ENVIRONMENT.get_template("table.html.j2").module
    return Markup(module.table(table.shown(), SYMBOLS))  # type: ignore[attr-defined]  # noqa: S704 - rendered with autoescape


def render_theorem(table: Table, figure: Markup, text: str) -> str:
    """The page of Theorem 1."""
    return ENVIRONMENT.get_template("theorem.html.j2").render(
        table=table.shown(), figure=figure, text=text, symbols=SYMBOLS
    )


def render_transfer(tables: list[Table], facts: Table, sentences: list[str], title: str) -> str:
    """The page of a transfer."""
    return ENVIRONMENT.get_template("transfer.html.j2").render(
        tables=tables,
        facts=facts,
        sentences=sentences,
        title=title,
        symbols=SYMBOLS,
    )


def render_notebook(
    sentences: Sequence[str], tables: Sequence[Table], drawings: Sequence[Markup] = ()
) -> str:
    """Sentences, figures and tables as a fragment for notebooks, styled by the notebook.

    Figures are images, so that neither styles nor names meet those of other cells.
    """
    lines = Markup("").join(Markup("<p>{}</p>").format(sentence) for sentence in sentences)
    images = Markup("").join(_image(drawing) for drawing in drawings if drawing)
    return lines + images + Markup("").join(render_table(table) for table in tables if table.rows)


def _image(drawing: Markup) -> Markup:
    text = re.search(r"<title[^>]*>(.*?)</title>", drawing, flags=re.DOTALL)
    return Markup('<img alt="{}" width="520" src="data:image/svg+xml;base64,{}">').format(
        Markup(text[1]).unescape() if text else "",  # noqa: S704 - escaped when it was drawn
        base64.b64encode(to_svg(drawing).encode()).decode(),
    )

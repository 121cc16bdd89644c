"""The report as one page: no scripts or styles from elsewhere, everything escaped."""

import base64
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.figures.charts import charts, drawn_strategies
from reports.figures.pictures import cam_words, rows_of_pictures
from reports.figures.schemes import SYMBOLS, draw_strip, in_charts, label
from reports.figures.svg_style import to_svg
from reports.numbers.analysis import Analysis
from reports.numbers.explained import ratios_caption, scores_caption
from reports.numbers.tickets import ticket_file, ticket_schemes
from reports.sentences import training
from reports.sentences.answers import answers, title
from reports.sentences.glossary import GLOSSARY, METHODS
from reports.sentences.headline import headline
from reports.sentences.search import unfinished
from reports.tables.charts import chart_tables, times_table
from reports.tables.comparison import budgets_table, ranks_table, volumes_table
from reports.tables.formats import level
from reports.tables.run import (
    facts_table,
    lanes_table,
    ranking_table,
    schemes_table,
    trust_table,
)
from reports.tables.table import Table, to_csv
from reports.tables.words import batch_norm, landscape_caption, not_trained

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


def render_page(analysis: Analysis) -> str:
    """The whole page."""
    records = analysis.records
    style = drawn_strategies(analysis)
    task = str(records.facts.get("task", ""))
    shown = {
        "ranking": ranking_table(analysis),
        "lanes": lanes_table(analysis),
        "schemes": schemes_table(analysis),
        "ranks": ranks_table(analysis),
        "budgets": budgets_table(analysis),
        "times": times_table(analysis),
        "volumes": volumes_table(analysis),
        "trust": trust_table(analysis),
    }
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
        failed=any(curve.failed and curve.strategy in style for curve in analysis.curves),
        banded=any(np.isfinite(curve.high).any() for curve in analysis.curves if not curve.failed),
        not_trained=not_trained(records),
        on_table=records.on_table,
        supernet_trained=any(item.training for item in analysis.times),
        style=style,
        left_out=len(analysis.ranking.standings) - len(style),
        tables={name: table.shown().first(ROWS) for name, table in shown.items()},
        charts=defaultdict(Markup, charts(analysis)),
        files=_files(analysis, style),
        tracebacks=[
            (f"{lane.key.strategy}, seed {lane.key.strategy_seed}", lane.traceback)
            for lane in records.lanes
            if lane.traceback
        ],
        reproduce=facts_table(records),
        command=str(records.environment.get("command", "")),
        level=level(analysis.confidence),
        rule=analysis.rule,
        risk=level(round((1 - analysis.confidence) / 2, 6)),
        seeds=[oracle.supernet_seed for oracle in records.oracles],
        window=analysis.convergence.window,
        schemes=in_charts(analysis.schemes),
        label=label,
        strip=partial(draw_strip, blocks_per_stage=records.blocks_per_stage),
        landscape_seeds=list(analysis.landscapes),
        ratios_captions={seed: ratios_caption(one) for seed, one in analysis.explained.items()},
        scores_captions={seed: scores_caption(one) for seed, one in analysis.explained.items()},
        landscape_caption=landscape_caption(analysis),
        gap=training.gap(analysis),
        noise=analysis.noise,
        pictures=rows_of_pictures(records.cams, records.blocks_per_stage),
        cams=cam_words(records),
        glossary=GLOSSARY,
        methods=METHODS,
        symbols=SYMBOLS,
    )


def _facts(analysis: Analysis) -> dict[str, object]:
    """What was compared, in figures."""
    records, settings = analysis.records, analysis.records.settings
    named = {
        "task": records.facts.get("task"),
        "network": settings.get("backbone"),
        "attention": str(settings.get("attention", "")).upper(),
    }
    counted = {
        "strategies": len(analysis.ranking.standings),
        "lanes": len(analysis.ranking.lanes),
        "evaluations a lane": analysis.ranking.horizon,
    }
    trained: dict[str, object] = {}
    if not records.on_table:
        counted["supernets"] = records.supernets
        counted["trained schemes"] = len(analysis.schemes)
        counted["stand-alone seeds"] = len({item.seed for item in records.standalone})
        trained["verdicts by"] = "means alone (paper)" if analysis.rule == "paper" else "intervals"
    return {
        **{name: value for name, value in named.items() if value},
        **{name: f"{number:,}" for name, number in counted.items()},
        **trained,
        "batch norm": batch_norm(records),
    }


def _files(analysis: Analysis, style: Collection[str]) -> dict[str, str]:
    """CSV files inside the page: of the strategies that charts hold, and no endless ones."""
    tables = [
        ranking_table(analysis),
        schemes_table(analysis),
        lanes_table(analysis),
        *chart_tables(analysis),
    ]
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


def standalone(figure: Markup) -> str:
    """A figure as a file of its own, with the page's styles inside."""
    folder = Path(__file__).parents[1] / "templates"
    style = "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("report.css", "figures.css")
    )
    head, _, rest = figure.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}\n'


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

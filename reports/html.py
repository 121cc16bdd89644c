"""The report as one page: no scripts or styles from elsewhere, everything escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import figures, scheme_figures
from reports.analysis import Analysis
from reports.captions import batch_norm, landscape_caption
from reports.explained import scores_caption
from reports.explained_figures import draw_scores
from reports.formats import level
from reports.glossary import GLOSSARY, METHODS
from reports.headline import headline
from reports.search_sentences import unfinished
from reports.table import Table
from reports.tables import (
    facts_table,
    lanes_table,
    ranking_table,
    schemes_table,
    trust_table,
)

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_page(analysis: Analysis) -> str:
    """The whole page."""
    records, ranking = analysis.records, analysis.ranking
    style = figures.styles([lane.key.strategy for lane in records.lanes])
    blocks = sum(records.blocks_per_stage)
    return ENVIRONMENT.get_template("report.html.j2").render(
        task=str(records.facts.get("task", "")),
        warning=" ".join(unfinished(analysis)),
        facts={
            "strategies": len(ranking.standings),
            "lanes": len(ranking.lanes),
            "evaluations a lane": ranking.horizon,
            "supernets": len(records.oracles),
            "trained schemes": len(analysis.schemes),
            "stand-alone seeds": len({item.seed for item in records.standalone}),
            "batch norm": batch_norm(records),
        },
        sentences=headline(analysis)[len(unfinished(analysis)) :],
        failed=any(lane.state == "failed" for lane in ranking.lanes),
        ranking=ranking_table(analysis).shown(),
        lanes=lanes_table(analysis).shown(),
        schemes=schemes_table(analysis).shown(),
        trust=trust_table(analysis).shown(),
        reproduce=facts_table(records),
        command=str(records.environment.get("command", "")),
        level=level(analysis.confidence),
        curves=figures.draw_curves(analysis.curves, style),
        landscapes=[
            figures.draw_landscape(table, ranking.lanes, style, blocks)
            for table in analysis.landscapes.values()
        ]
        + [draw_scores(found, f"scores-{seed}") for seed, found in analysis.explained.items()],
        scores_captions=[scores_caption(found) for found in analysis.explained.values()],
        landscape_caption=landscape_caption(analysis),
        cells=scheme_figures.draw_schemes(analysis.schemes, records.blocks_per_stage),
        accuracies=scheme_figures.draw_accuracies(analysis.schemes),
        scatters=[
            scheme_figures.draw_trust(analysis.schemes, item.supernet_seed)
            for item in analysis.trust
        ],
        noise=analysis.noise,
        glossary=GLOSSARY,
        methods=METHODS,
        symbols=scheme_figures.SYMBOLS,
    )


def render_table(table: Table) -> Markup:
    """One table without a page around it."""
    module = ENVIRONMENT.get_template("table.html.j2").module
    return Markup(module.table(table.shown(), scheme_figures.SYMBOLS))  # type: ignore[attr-defined]  # noqa: S704 - rendered with autoescape


def render_notebook(sentences: list[str], tables: list[Table]) -> str:
    """Sentences and tables as a fragment for notebooks, styled by the notebook."""
    lines = Markup("").join(Markup("<p>{}</p>").format(sentence) for sentence in sentences)
    return lines + Markup("").join(render_table(table) for table in tables)

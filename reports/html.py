"""The report as one page: no scripts or styles from elsewhere, everything escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.records import OracleAnswers
from reports import figures, front_figures, scheme_figures
from reports import training_sentences as training
from reports.analysis import Analysis
from reports.captions import batch_norm, landscape_caption
from reports.comparison_tables import budgets_table, ranks_table, volumes_table
from reports.explained import scores_caption
from reports.explained_figures import draw_scores
from reports.formats import level
from reports.glossary import GLOSSARY, METHODS
from reports.headline import headline
from reports.pictures import cam_words, rows_of_pictures
from reports.rank_figure import draw_ranks
from reports.search_sentences import unfinished
from reports.table import Table
from reports.tables import (
    facts_table,
    lanes_table,
    ranking_table,
    schemes_table,
    trust_table,
)
from reports.tickets import ticket_file, ticket_schemes

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
    task = str(records.facts.get("task", ""))
    return ENVIRONMENT.get_template("report.html.j2").render(
        task=task,
        warning=" ".join(unfinished(analysis)),
        tickets=[
            (ticket_file(item.bits, records.blocks_per_stage, task), item.verdict)
            for item in ticket_schemes(analysis)
        ],
        facts={
            "verdicts by": "means alone (paper)" if analysis.rule == "paper" else "intervals",
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
        tracebacks=[
            (f"{lane.key.strategy}, seed {lane.key.strategy_seed}", lane.traceback)
            for lane in records.lanes
            if lane.traceback
        ],
        schemes=schemes_table(analysis).shown(),
        trust=trust_table(analysis).shown(),
        reproduce=facts_table(records),
        command=str(records.environment.get("command", "")),
        level=level(analysis.confidence),
        rule=analysis.rule,
        risk=level(round((1 - analysis.confidence) / 2, 6)),
        curves=figures.draw_curves(analysis.curves, style),
        time_curves=figures.draw_curves(analysis.time_curves, style, "curves-seconds", "seconds"),
        ranks=ranks_table(analysis).shown(),
        rank_figure=draw_ranks(ranking.ranks),
        budgets=budgets_table(analysis).shown(),
        volumes=volumes_table(analysis).shown(),
        sparsity=front_figures.draw_sparsity(analysis.fronts.sparsity, style, blocks),
        fronts=[
            front_figures.draw_front(analysis.fronts.points, oracle.supernet_seed, style, blocks)
            for oracle in records.oracles
        ],
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
            scheme_figures.draw_trust(trained, answers, f"trust-{name}-{number}")
            for name, trained in (("own", analysis.schemes), ("outside", analysis.outside))
            for number, answers in enumerate(_answers(analysis))
        ],
        gap=training.gap(analysis),
        noise=analysis.noise,
        pictures=rows_of_pictures(records.cams, records.blocks_per_stage),
        cams=cam_words(records),
        glossary=GLOSSARY,
        methods=METHODS,
        symbols=scheme_figures.SYMBOLS,
    )


def _answers(analysis: Analysis) -> list[OracleAnswers]:
    """Both modes of a supernet side by side; the run's own mode where no other was asked."""
    records = analysis.records
    if records.answers:
        return sorted(records.answers, key=lambda one: one.supernet_seed)
    mode = str(records.settings.get("batch_norm", ""))
    return [
        OracleAnswers(
            mode,
            seed,
            {item.bits: item.oracle[seed] for item in analysis.schemes if seed in item.oracle},
        )
        for seed in (item.supernet_seed for item in analysis.trust)
    ]


def render_table(table: Table) -> Markup:
    """One table without a page around it."""
    module = ENVIRONMENT.get_template("table.html.j2").module
    return Markup(module.table(table.shown(), scheme_figures.SYMBOLS))  # type: ignore[attr-defined]  # noqa: S704 - rendered with autoescape


def render_theorem(table: Table, figure: Markup, text: str) -> str:
    """The page of Theorem 1."""
    return ENVIRONMENT.get_template("theorem.html.j2").render(
        table=table.shown(), figure=figure, text=text, symbols=scheme_figures.SYMBOLS
    )


def render_transfer(tables: list[Table], facts: Table, sentences: list[str], title: str) -> str:
    """The page of a transfer."""
    return ENVIRONMENT.get_template("transfer.html.j2").render(
        tables=tables,
        facts=facts,
        sentences=sentences,
        title=title,
        symbols=scheme_figures.SYMBOLS,
    )


def standalone(figure: Markup) -> str:
    """A figure as a file of its own, with the page's styles inside."""
    style = (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    head, _, rest = figure.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}\n'


def render_notebook(sentences: list[str], tables: list[Table]) -> str:
    """Sentences and tables as a fragment for notebooks, styled by the notebook."""
    lines = Markup("").join(Markup("<p>{}</p>").format(sentence) for sentence in sentences)
    return lines + Markup("").join(render_table(table) for table in tables)

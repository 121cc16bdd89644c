"""A folder for whoever writes a paper: LaTeX tables, figures that print, every number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from benchmark.basics.files import write_texts
from benchmark.records.transfer import TransferRecords
from reports.figures.pdf import write_pdf
from reports.figures.style import to_svg
from reports.numbers.analysis import Analysis
from reports.pages.transfer_page import rank_table, transfer_table
from reports.paper.latex import PaperTable, document, to_latex
from reports.paper.tables import paper_tables
from reports.paper.transfer import carried
from reports.tables.parquet import write_parquet
from reports.tables.table import Table, describe_columns, to_csv, to_markdown


def write_paper(
    analyses: Sequence[Analysis],
    *,
    figures: Mapping[str, Markup],
    tables: Sequence[Table],
    ranks: Sequence[PaperTable] = (),
    folder: Path,
) -> list[Path]:
    """Write LaTeX tables, figures as SVG and PDF, and data as CSV and Parquet into ``folder``.

    Args:
        analyses: of one run or several.
        figures: of the page, by name; empty ones are left out.
        tables: every number of the page and its charts.
        ranks: more tables for LaTeX, behind the paper's eight.
        folder: made if need be; files of these names are replaced.
    """
    papers = [*paper_tables(analyses), *ranks]
    if not all(one.records.finished for one in analyses):
        papers = [_unfinished(paper) for paper in papers]
    return _write(papers, tables, figures, folder)


def write_transfer_paper(records: TransferRecords, folder: Path) -> list[Path]:
    """Write a transfer in the layout of Table VII or VIII and as the full table into ``folder``."""
    tables = [transfer_table(records), rank_table(records)]
    full = [PaperTable(table.shown()) for table in tables if table.rows]
    return _write([carried(records), *full], tables, {}, folder)


def _write(
    papers: Sequence[PaperTable],
    tables: Sequence[Table],
    figures: Mapping[str, Markup],
    folder: Path,
) -> list[Path]:
    texts = {f"{paper.table.name}.tex": to_latex(paper) for paper in papers}
    texts["tables.tex"] = document([paper.table.name for paper in papers], "Ticket Benchmark")
    texts["tables.md"] = "\n".join(to_markdown(paper.table) for paper in papers)
    every = list({t.name: t for t in [*(paper.table for paper in papers), *tables]}.values())
    texts |= {f"data/{table.name}.csv": to_csv(table) for table in every}
    texts["data/COLUMNS.md"] = describe_columns(every)
    figures = {name: figure for name, figure in figures.items() if figure}
    texts |= {f"figures/{name}.svg": to_svg(figure) for name, figure in figures.items()}
    written = write_texts(folder, texts)
    for table in every:
        write_parquet(table, folder / "data" / f"{table.name}.parquet")
    for name, figure in figures.items():
        write_pdf(figure, folder / "figures" / f"{name}.pdf")
    data = [f"data/{table.name}.parquet" for table in every]
    others = [*data, *(f"figures/{name}.pdf" for name in figures)]
    return [*written, *(folder / name for name in others)]


def _unfinished(paper: PaperTable) -> PaperTable:
    caption = f"Made before the end of a run. {paper.table.caption}"
    return replace(paper, table=replace(paper.table, caption=caption))

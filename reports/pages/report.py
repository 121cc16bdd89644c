"""The report of a run: sentences, tables, figures; in the terminal, a notebook or a folder."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.text import Text

from benchmark.basics.files import write_texts
from benchmark.records.run import RunRecords
from reports.charts.chart import RunChart
from reports.charts.registry import figures, run_charts
from reports.figures.pictures import cams_table
from reports.numbers.analysis import Analysis, analyse
from reports.pages.html import render_notebook, render_page
from reports.paper.latex import PaperTable
from reports.sentences.glossary import glossary, methods
from reports.sentences.headline import headline
from reports.tables.run import facts_table
from reports.tables.table import (
    Table,
    describe_columns,
    escape_markdown,
    to_csv,
    to_markdown,
)
from reports.tables.terminal import TerminalTable


class Report:
    """What a run's records say; the same records always give the same bytes.

    ::

        report = Report(records)
        report.print(Console())
        report.write(Path("results"))

    Args:
        records: of a run, finished or not.
    """

    def __init__(self, records: RunRecords) -> None:
        self.records = records

    @cached_property
    def analysis(self) -> Analysis:
        """All results of the run as data, computed when first asked for."""
        return analyse(self.records)

    @cached_property
    def headline(self) -> list[str]:
        """Who won, by how much, whether that is more than noise, which schemes are tickets."""
        return headline(self.analysis)

    @cached_property
    def charts(self) -> Mapping[str, RunChart]:
        """Every part of it by name: tables, and figures of them."""
        return run_charts(self.analysis)

    @property
    def ranking(self) -> Table:
        """One row a strategy, the leader first."""
        return self.charts["ranking"].table

    @property
    def schemes(self) -> Table:
        """One row a trained scheme with its verdict, the most accurate first."""
        return self.charts["schemes"].table

    def write(self, folder: Path) -> list[Path]:
        """Write the page, Markdown and CSV files into ``folder``, which is made if need be.

        Files of these names are replaced; nothing else in the folder is touched.
        """
        tables = self.files
        contents = {
            "report.html": render_page(self.analysis, self.charts),
            "report.md": self._markdown(),
            **{f"{table.name}.csv": to_csv(table) for table in tables},
            "COLUMNS.md": describe_columns(tables),
        }
        return write_texts(folder, contents)

    def write_paper(self, folder: Path) -> list[Path]:
        """Write what papers need into ``folder``; see `reports.paper.folder.write_paper`."""
        from reports.paper.folder import write_paper  # noqa: PLC0415 - matplotlib only when needed

        return write_paper(
            [self.analysis],
            figures=figures(self.charts),
            tables=self.files,
            ranks=[PaperTable(self.charts["ranks"].table)],
            folder=folder,
        )

    @cached_property
    def files(self) -> list[Table]:
        """What every number of the page and its charts can be read from."""
        pictures = [cams_table(self.records)] if self.records.cams else []
        return [*(chart.table for chart in self.charts.values()), *pictures]

    def print(self, console: Console) -> None:
        """Sentences and the two main tables for a terminal."""
        for sentence in self.headline:
            console.print(Text(f"• {sentence}"))
        for table in (self.ranking, self.schemes):
            if table.rows:
                console.print()
                console.print(TerminalTable(table))

    def _repr_html_(self) -> str:
        drawings = [one.figure for one in self.charts["curves"].drawings]
        return render_notebook(self.headline, [self.ranking, self.schemes], drawings)

    def _repr_markdown_(self) -> str:
        tables = [
            to_markdown(table).rstrip() for table in (self.ranking, self.schemes) if table.rows
        ]
        return "\n\n".join([self._sentences(), *tables]) + "\n"

    def _sentences(self) -> str:
        return "\n".join(f"- {escape_markdown(sentence)}" for sentence in self.headline)

    def _markdown(self) -> str:
        shown = (one.table for one in self.charts.values() if one.chart.place != "files")
        tables = [*shown, facts_table(self.records)]
        words = "\n".join(
            f"- **{word}**: {escape_markdown(text)}"
            for word, text in glossary(self.records).items()
        )
        parts = [
            "# Ticket Benchmark",
            self._sentences(),
            *(to_markdown(table).rstrip() for table in tables if table.rows),
            "## How the numbers are made",
            *(escape_markdown(text) for text in methods(self.records)),
            "## Words",
            words,
        ]
        return "\n\n".join(parts) + "\n"

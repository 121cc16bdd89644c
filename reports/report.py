"""The report of a run: sentences, tables, figures; in the terminal, a notebook or a folder."""

from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.text import Text

from benchmark.files import replacing
from benchmark.records import RunRecords
from reports.analysis import Analysis, analyse
from reports.comparison_tables import (
    budgets_table,
    curves_table,
    fronts_table,
    ranks_table,
    sparsity_table,
    time_curves_table,
    volumes_table,
)
from reports.glossary import GLOSSARY, METHODS
from reports.headline import headline
from reports.html import render_notebook, render_page
from reports.pictures import cams_table
from reports.table import (
    Table,
    describe_columns,
    escape_markdown,
    to_csv,
    to_markdown,
)
from reports.tables import (
    evaluations_table,
    facts_table,
    lanes_table,
    ranking_table,
    schemes_table,
    trust_table,
)
from reports.terminal import TerminalTable


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
        """All results as data."""
        return analyse(self.records)

    @cached_property
    def headline(self) -> list[str]:
        """Who won, by how much, whether that is more than noise, which schemes are tickets."""
        return headline(self.analysis)

    @cached_property
    def ranking(self) -> Table:
        """One row a strategy, the leader first."""
        return ranking_table(self.analysis)

    @cached_property
    def schemes(self) -> Table:
        """One row a trained scheme with its verdict, the most accurate first."""
        return schemes_table(self.analysis)

    def write(self, folder: Path) -> list[Path]:
        """Write the page, Markdown and CSV files into ``folder``, which is made if need be.

        Files of these names are replaced; nothing else in the folder is touched.
        """
        tables = self._files()
        contents = {
            "report.html": render_page(self.analysis),
            "report.md": self._markdown(),
            **{f"{table.name}.csv": to_csv(table) for table in tables},
            "COLUMNS.md": describe_columns(tables),
        }
        paths = []
        for name, content in contents.items():
            path = folder / name
            with replacing(path) as draft:
                draft.write_text(content, encoding="utf-8", newline="\n")
            paths.append(path)
        return paths

    def _files(self) -> list[Table]:
        """What every number of the page and its charts can be read from."""
        made = (
            ranks_table,
            curves_table,
            time_curves_table,
            budgets_table,
            sparsity_table,
            fronts_table,
            volumes_table,
            trust_table,
        )
        more = [make(self.analysis) for make in made]
        pictures = [cams_table(self.records)] if self.records.cams else []
        return [self.ranking, self.schemes, evaluations_table(self.records), *more, *pictures]

    def print(self, console: Console) -> None:
        """Sentences and the two main tables for a terminal."""
        for sentence in self.headline:
            console.print(Text(f"• {sentence}"))
        for table in (self.ranking, self.schemes):
            if table.rows:
                console.print()
                console.print(TerminalTable(table))

    def _repr_html_(self) -> str:
        return render_notebook(self.headline, [self.ranking, self.schemes])

    def _markdown(self) -> str:
        analysis = self.analysis
        sentences = "\n".join(f"- {escape_markdown(sentence)}" for sentence in self.headline)
        tables = [
            self.ranking,
            ranks_table(analysis),
            budgets_table(analysis),
            volumes_table(analysis),
            self.schemes,
            trust_table(analysis),
            lanes_table(analysis),
            facts_table(self.records),
        ]
        words = "\n".join(
            f"- **{word}**: {escape_markdown(text)}" for word, text in GLOSSARY.items()
        )
        parts = [
            "# Ticket Benchmark",
            sentences,
            *(to_markdown(table).rstrip() for table in tables),
            "## How the numbers are made",
            *(escape_markdown(text) for text in METHODS),
            "## Words",
            words,
        ]
        return "\n\n".join(parts) + "\n"

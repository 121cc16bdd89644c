"""The report of several runs: one page, one table, files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from markupsafe import Markup
from rich.console import Console
from rich.text import Text

from benchmark.basics.files import write_texts
from benchmark.records.rules import INTERVALS, Rule
from reports.charts.curves import BEST, draw_curves, problem_curves_table
from reports.charts.ranks import draw_ranks
from reports.charts.schemes import SYMBOLS
from reports.compare import tables as compared_tables
from reports.compare.comparison import Comparison, compare
from reports.compare.sentences import verdict, warnings
from reports.figures.series import DRAWN, styles
from reports.numbers.member import Member
from reports.numbers.statistics import CONFIDENCE
from reports.pages.html import ENVIRONMENT, ROWS, readable, render_notebook
from reports.paper.latex import PaperTable
from reports.tables.table import Table, describe_columns, escape_markdown, to_csv, to_markdown
from reports.tables.terminal import TerminalTable
from reports.tables.words import not_trained


class ComparisonReport:
    """What several runs say together; the same records always give the same bytes.

    Args:
        members: the runs, finished or not, by labels of their own.
        allowed: what may be mixed; see `reports.compare.mixing.Mix`.
        rule: what verdicts of all runs are found by.
        confidence: of all intervals, tests and verdicts.

    Raises:
        UsageError: something is mixed that may not be.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        allowed: Collection[str] = (),
        rule: Rule = INTERVALS,
        confidence: float = CONFIDENCE,
    ) -> None:
        self.comparison: Comparison = compare(
            members, allowed=allowed, rule=rule, confidence=confidence
        )

    @cached_property
    def headline(self) -> list[str]:
        """What is mixed or unfinished, who leads, how sure that is."""
        return [*warnings(self.comparison), *verdict(self.comparison)]

    @cached_property
    def tables(self) -> Sequence[Table]:
        """Everything, in the order of the page."""
        return [*compared_tables.tables(self.comparison), *self.curve_tables]

    @cached_property
    def curve_tables(self) -> Sequence[Table]:
        """What the curves are drawn from, a table for each problem, named as its figure."""
        return [
            problem_curves_table(problem, f"curves-{number}")
            for number, problem in enumerate(self.comparison.problems)
        ]

    @cached_property
    def figures(self) -> Mapping[str, Markup]:
        """Every figure of the page; empty where there is nothing to draw."""
        comparison = self.comparison
        style = styles(comparison.strategies)
        drawn = {
            "ranks": draw_ranks(comparison.over_cells, "ranks"),
            "ranks-problems": draw_ranks(comparison.over_problems, "ranks-problems"),
        }
        for number, problem in enumerate(comparison.problems):
            look = replace(BEST, name=f"curves-{number}")
            drawn[look.name] = draw_curves(problem.curves[:DRAWN], style, look)
        return drawn

    def write(self, folder: Path) -> list[Path]:
        """Write the page, Markdown and CSV files into ``folder``, which is made if need be."""
        contents = {
            "compare.html": self._page(),
            "compare.md": self._markdown(),
            **{f"{table.name}.csv": to_csv(table) for table in self.tables},
            "COLUMNS.md": describe_columns(list(self.tables)),
        }
        return write_texts(folder, contents)

    def write_paper(self, folder: Path) -> list[Path]:
        """Write what papers need into ``folder``; see `reports.paper.folder.write_paper`."""
        from reports.paper.folder import write_paper  # noqa: PLC0415 - matplotlib only when needed

        return write_paper(
            list(self.comparison.analyses.values()),
            figures=self.figures,
            tables=self.tables,
            ranks=[PaperTable(table) for table in self.tables[1:4]],
            folder=folder,
        )

    def print(self, console: Console) -> None:
        """Sentences and the tables of ranks and results for a terminal."""
        for sentence in self.headline:
            console.print(Text(f"• {sentence}"))
        for table in self.tables[1:5]:
            if table.rows:
                console.print()
                console.print(TerminalTable(table))

    def _repr_html_(self) -> str:
        return render_notebook(self.headline, self.tables[1:5], [self.figures["ranks"]])

    def _repr_markdown_(self) -> str:
        return self._markdown()

    def _page(self) -> str:
        comparison = self.comparison
        drawn = self.figures
        runs, cells, problems, results, trained, every = (
            readable(table) for table in compared_tables.tables(comparison)
        )
        return ENVIRONMENT.get_template("compare.html.j2").render(
            warnings=warnings(comparison),
            sentences=verdict(comparison),
            facts={
                "runs": len(comparison.members),
                "problems": len(comparison.problems),
                "strategies": len(comparison.strategies),
                "complete cells": comparison.over_cells.cells,
            },
            runs=runs,
            ranks=[
                (cells, drawn["ranks"]),
                (problems, drawn["ranks-problems"]),
            ],
            results=results,
            curves=[
                (problem.label, drawn[table.name], table.name)
                for problem, table in zip(comparison.problems, self.curve_tables, strict=True)
            ],
            trained=trained,
            not_trained="; ".join(
                dict.fromkeys(not_trained(member.records) for member in comparison.members)
            ),
            cells=every,
            commands=[
                (member.label, str(member.records.environment.get("command", "")))
                for member in comparison.members
            ],
            files={table.name: to_csv(table.first(ROWS)) for table in self.tables},
            symbols=SYMBOLS,
        )

    def _markdown(self) -> str:
        sentences = "\n".join(f"- {escape_markdown(text)}" for text in self.headline)
        parts = ["# Ticket Benchmark: runs compared", sentences]
        parts += [to_markdown(table).rstrip() for table in self.tables[:5] if table.rows]
        return "\n\n".join(parts) + "\n"

"""Every page speaks of what was searched: supernets, instances of a landscape, or a table."""

import re
from dataclasses import replace

import pytest

from benchmark.records.kinds import KNOWN, SUPERNET, TABLE, OracleKind
from benchmark.records.run import RunRecords
from reports.numbers.analysis import analyse
from reports.pages.report import Report
from reports.sentences.glossary import glossary, methods
from reports.tables.run import facts_table
from reports.tables.table import to_csv
from tests.reports.conftest import MakeRecords

ORACLES = {SUPERNET: None, KNOWN: "known:trap:8", TABLE: "digits.parquet"}


@pytest.fixture(params=ORACLES, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> OracleKind:
    asked: OracleKind = request.param
    return asked


def _searched(run: RunRecords, kind: OracleKind) -> RunRecords:
    run = replace(run, settings=run.settings | {"oracle": ORACLES[kind]})
    free = [replace(one, training_seconds=0.0) for one in run.oracles]
    untrained = replace(run, standalone=[], costs=[], candidates={}, oracles=free)
    return run if kind.trains else untrained


@pytest.fixture
def report(make_records: MakeRecords, kind: OracleKind) -> Report:
    return Report(_searched(make_records(supernets=2 if kind.several else 1), kind))


def _said(report: Report) -> str:
    """Captions, headings and columns that readers see of parts with numbers, and all figures."""
    parts = []
    for chart in report.charts.values():
        parts += [chart.heading, *(str(one.figure) + one.caption for one in chart.drawings)]
        if chart.table.rows:
            table = chart.table.shown()
            parts += [table.title, table.caption, *(column.heading for column in table.columns)]
    return "\n".join([*parts, *methods(report.records)])


def test_only_pages_of_supernets_speak_of_supernets(report: Report, kind: OracleKind) -> None:
    found = re.findall(r"[^\n]{0,40}supernet(?!_)[^\n]{0,40}", _said(report), re.IGNORECASE)
    assert bool(found) is (kind is SUPERNET), found


def test_only_networks_have_a_validation_split_and_a_batch_norm(
    report: Report, kind: OracleKind
) -> None:
    assert bool(re.search(r"\bvalidation\b|batch norm", _said(report))) is kind.measured
    assert ("Batch norm" in glossary(report.records)) is kind.measured


def test_figures_name_their_oracle_as_the_facts_do(report: Report, kind: OracleKind) -> None:
    named = {"supernet": "supernet 1", "known landscape": "instance 1", "table": "table"}[kind.name]
    assert f"Landscape of {named}<" in _said(report)
    assert f"Pareto fronts on {named}<" in _said(report)
    assert named in {row[0] for row in facts_table(report.records).rows}


def test_words_of_verdicts_stand_where_networks_are_trained(
    report: Report, kind: OracleKind
) -> None:
    assert (
        any("verdict" in paragraph.lower() for paragraph in methods(report.records)) is kind.trains
    )
    assert ("Stand-alone" in glossary(report.records)) is kind.trains


def test_files_have_the_same_columns_whatever_was_searched(
    report: Report, make_records: MakeRecords
) -> None:
    supernets = Report(make_records())
    for name, chart in report.charts.items():
        heads = [to_csv(one).split("\n")[0] for one in (chart.table, supernets.charts[name].table)]
        if chart.table.rows:
            assert heads[0] == heads[1]


def test_ranks_are_over_seeds_and_what_was_searched(report: Report, kind: OracleKind) -> None:
    heading = {
        "supernet": "Ranks across seeds and supernets",
        "known landscape": "Ranks across seeds and instances",
        "table": "Ranks across seeds",
    }[kind.name]
    assert report.charts["ranks"].heading == heading
    assert analyse(report.records).ranking.ranks.cells == (10 if kind.several else 5)

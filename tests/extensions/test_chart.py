"""Change request: another chart on a run's page. One file: the chart."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reports.charts.chart import Chart, Drawing
from reports.charts.registry import CHARTS
from reports.figures import svg
from reports.numbers.analysis import Analysis
from reports.pages.report import Report
from reports.tables.table import Column, Table
from tests.extensions.conftest import Written

COLUMNS = (
    Column("connections", "Connections", "connected blocks", kind="whole"),
    Column("asked", "Asked", "schemes with so many, over all lanes", kind="whole"),
)


def asked_table(analysis: Analysis) -> Table:
    """One row a number of connections."""
    sizes = [int(size) for lane in analysis.records.lanes for size in lane.schemes.sum(axis=1)]
    rows = tuple((size, sizes.count(size)) for size in sorted(set(sizes)))
    return Table("asked", "What was asked", "Every answered scheme.", COLUMNS, rows)


def draw(analysis: Analysis) -> list[Drawing]:
    rows = asked_table(analysis).rows
    if not rows:
        return []
    x = svg.Axis((0, sum(analysis.records.blocks_per_stage)), (52, 500), whole=True)
    y = svg.Axis((0, max(int(str(asked)) for _, asked in rows)), (268, 34), whole=True)
    bars = [
        svg.element("rect", x=x(size) - 5, y=y(asked), width=10, height=268 - y(asked), class_="on")
        for size, asked in ((int(str(a)), int(str(b))) for a, b in rows)
    ]
    labels = ("connected blocks", "schemes asked")
    figure = svg.picture(
        "asked",
        "Schemes asked by size",
        "How many schemes of each size all lanes asked for.",
        (520, 312),
        svg.frame(x, y, labels, (".0f", ".0f")),
        *bars,
    )
    return [Drawing("asked", figure, "Bars: schemes that all lanes asked for, by size.")]


ASKED = Chart(
    "asked",
    section="search",
    table=asked_table,
    draw=draw,
    place="beside",
    heading=lambda _: "How large is what they ask for?",
)


@pytest.fixture
def asked() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHARTS, ASKED.name, ASKED)
        yield ASKED.name


def test_a_registered_chart_is_on_the_page_and_in_all_files(
    asked: str, written: Callable[..., Written], tmp_path: Path
) -> None:
    found = written(strategies=("random",))
    assert [lane.message for lane in found.report.records.lanes] == [""]
    (section,) = re.findall(r'<section id="search">.*?</section>', found.page, re.DOTALL)
    assert "<h3>How large is what they ask for?</h3>" in section
    assert "<figcaption>Bars: schemes that all lanes asked for, by size. " in section
    assert 'aria-labelledby="asked-title asked-desc"' in section
    assert '<button type="button" class="csv" data-csv="asked" hidden>' in section
    assert 'aria-label="What was asked"' in section
    (data,) = re.findall(r'<script[^>]*id="data">(.*?)</script>', found.page, re.DOTALL)
    assert json.loads(data)[asked] == found.csv[asked]
    evaluations = sum(len(lane.schemes) for lane in found.report.records.lanes)
    assert sum(int(row["asked"]) for row in csv.DictReader(found.csv[asked].split("\n"))) == (
        evaluations
    )
    for name in ("figures/asked.svg", "figures/asked.pdf", "data/asked.parquet"):
        assert (tmp_path / "paper" / name).is_file()
    assert "## asked.csv" in (tmp_path / "run" / "COLUMNS.md").read_text(encoding="utf-8")
    assert "## What was asked" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(CHARTS, asked)
        Report(found.report.records).write(tmp_path / "without")
    assert not (tmp_path / "without" / "asked.csv").exists()
    assert "asked" not in re.findall(
        r'data-csv="([\w-]+)"', (tmp_path / "without" / "report.html").read_text(encoding="utf-8")
    )

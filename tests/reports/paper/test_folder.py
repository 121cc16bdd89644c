import logging
import re
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup
from pyarrow import parquet

from benchmark.records.run import RunRecords
from reports.charts.registry import figures
from reports.figures import svg
from reports.figures.pdf import write_pdf
from reports.figures.style import to_svg
from reports.numbers.analysis import Analysis, analyse
from reports.pages.report import Report
from reports.paper.latex import PaperTable
from reports.paper.tables import paper_tables
from reports.tables.parquet import write_parquet
from reports.tables.table import Column, Table
from tests.reports.paper.test_latex import compiled

MakeRecords = Callable[..., RunRecords]


def as_built(records: RunRecords, **changes: Any) -> RunRecords:
    """The run with facts of a network as the benchmark writes them."""
    facts = {"backbone": "resnet38", "attention": "se", "sharing": "full"}
    oracles = [replace(one, facts=one.facts | facts | changes) for one in records.oracles]
    return replace(records, oracles=oracles)


@pytest.fixture(scope="module")
def analysis(make_records: MakeRecords) -> Analysis:
    return analyse(as_built(make_records(lanes=3, evaluations=40)))


@pytest.fixture(scope="module")
def tables(analysis: Analysis) -> Sequence[PaperTable]:
    return paper_tables([analysis])


def test_table_1_has_a_row_a_strategy_and_both_references(
    analysis: Analysis, tables: Sequence[PaperTable]
) -> None:
    rows = tables[0].table.records()
    ranked = [standing.strategy for standing in analysis.ranking.standings]
    assert [row["method"] for row in rows] == [*ranked, "Full-SA", "Original"]
    assert rows[0]["retain"] == "0.5"
    assert tables[0].groups[2] == "digits resnet38 SE full"
    (best,) = [item for item in analysis.strategies if item.strategy == ranked[0]]
    assert rows[0]["accuracy_0"] == best.test
    assert str(rows[0]["tickets_0"]).startswith("0 of 3") or "of 3" in str(rows[0]["tickets_0"])
    full = rows[-2]
    assert full["parameters_0"] == pytest.approx(0.473892)
    assert full["time_0"] == pytest.approx(0.36)
    assert tables[0].missing() == {}


def test_table_2_takes_each_sharing_from_its_own_run(make_records: MakeRecords) -> None:
    records = make_records(lanes=2, evaluations=20, tabulated=False)
    both = [analyse(as_built(records, sharing=sharing)) for sharing in ("full", "share")]
    table = paper_tables(both)[1]
    rows = table.table.records()
    assert [row["sam"] for row in rows] == ["Original", "SE", "SGE", "DIA"]
    assert rows[1]["accuracy_sa"] == rows[1]["accuracy_share"]
    assert rows[1]["time_saved"] == pytest.approx(
        float(rows[1]["time_share"]) - float(rows[1]["time_ours"])  # type: ignore[arg-type]
    )
    assert table.missing() == {}
    assert table.notes == (
        *("SGE: no run with --attention sge.", "DIA: no run with --attention dia."),
    )
    alone = paper_tables(both[:1])[1]
    assert alone.missing()["accuracy_share"] == "no run with --sharing share"


def test_table_2_shows_modules_that_the_paper_hasnt(make_records: MakeRecords) -> None:
    records = make_records(lanes=2, evaluations=20, tabulated=False)
    runs = [analyse(as_built(records, attention=name)) for name in ("eca", "se", "cbam")]
    table = paper_tables(runs)[1]
    rows = {str(row["sam"]): row["accuracy_sa"] for row in table.table.records()}
    assert list(rows) == ["Original", "SE", "SGE", "DIA", "CBAM", "ECA"]
    assert rows["CBAM"] == rows["ECA"] == rows["SE"] is not None
    assert [note for note in table.notes if "CBAM" in note or "ECA" in note] == []


def test_runs_of_one_network_stand_beside_each_other(analysis: Analysis) -> None:
    first, second, third, *_ = paper_tables([analysis, analysis])
    assert set(first.groups) == {"", "digits resnet38 SE full (1)", "digits resnet38 SE full (2)"}
    for row in first.table.records():
        assert row["accuracy_0"] == row["accuracy_1"]
    assert second.notes[-1].startswith("Of several runs with one network")
    assert {str(row["network"])[-3:] for row in third.table.records()} == {"(1)", "(2)"}


def test_table_5_follows_one_search(tables: Sequence[PaperTable]) -> None:
    rows = tables[4].table.records()
    assert rows[0]["evaluation"] == 1
    assert rows[-1]["evaluation"] == 40
    for row in rows:
        bits = str(row["scheme"]).replace("|", "")
        assert row["sparse"] == pytest.approx(bits.count("0") / len(bits))


def test_a_run_without_training_says_why_columns_are_empty(unfinished: RunRecords) -> None:
    tables = paper_tables([analyse(unfinished)])
    assert len(tables) == 8
    assert tables[0].missing()["accuracy_0"] == "no scheme was trained from scratch"
    assert tables[6].missing()["mae_sa"] == (
        "transfer to crowd counting is not part of a run: transfer --paper writes this table"
    )
    nothing = replace(unfinished, lanes=[], oracles=[])
    assert tables[4].table.rows
    assert paper_tables([analyse(nothing)])[4].table.rows == ()


@pytest.fixture(scope="module")
def report(make_records: MakeRecords) -> Report:
    return Report(as_built(make_records(lanes=2, evaluations=20, seeds=2, tabulated=False)))


@pytest.fixture(scope="module")
def folder(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    report.write_paper(folder)
    return folder


def test_every_number_of_the_page_is_there_as_csv_and_parquet(folder: Path) -> None:
    csv = {path.stem for path in (folder / "data").glob("*.csv")}
    assert csv == {path.stem for path in (folder / "data").glob("*.parquet")}
    assert {"curves", "ranking", "schemes", "trust-points", "table-1", "table-8"} <= csv


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_the_tables_compile(folder: Path) -> None:
    compiled(folder, "tables.tex")
    assert (folder / "tables.pdf").stat().st_size > 10_000


def test_figures_are_those_of_the_page_with_fonts_inside(report: Report, folder: Path) -> None:
    names = set(figures(report.charts))
    assert {"curves", "ranks", "schemes"} <= names
    for kind in ("svg", "pdf"):
        assert {path.stem for path in (folder / "figures").glob(f"*.{kind}")} == names
    for path in (folder / "figures").glob("*.pdf"):
        content = path.read_bytes()
        assert content.startswith(b"%PDF")
        assert b"/FontFile2" in content
        assert b"/Type3" not in content
    for path in (folder / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "var(" not in text
        assert "class=" not in text
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_styles_become_attributes() -> None:
    figure = Markup(
        '<svg class="figure" viewBox="0 0 10 10"><g><text class="name c1" x="1">a$b$</text>'
        '<path class="mark hollow c0 broken" d="M0 0H5" stroke-dasharray="2 3"/></g></svg>'
    )
    root = ET.fromstring(to_svg(figure))
    assert (root.get("width"), root.get("fill"), root.get("font-size")) == ("10", "#1c1d20", "12.5")
    text, path = list(root[0])
    assert (text.get("fill"), text.get("font-weight"), text.get("stroke")) == (
        *("#b8420b", "600", None),
    )
    assert (path.get("fill"), path.get("stroke"), path.get("opacity")) == (
        *("#fcfbf8", "#0b5cad", ".7"),
    )
    assert path.get("stroke-dasharray") == "2 3"


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    figure = Markup('<svg viewBox="0 0 9 9"><text x="1" y="5">中 $</text></svg>')
    write_pdf(figure, tmp_path / "a.pdf")
    write_pdf(figure, tmp_path / "b.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_signs_that_the_font_lacks_are_no_noise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figure = Markup('<svg viewBox="0 0 9 9"><text x="1" y="5">中</text></svg>')
    write_pdf(figure, tmp_path / "a.pdf")
    assert caplog.records == []
    assert logging.getLogger("fpdf.output").filters == []


def test_text_lines_dashes_and_colours_are_drawn(tmp_path: Path) -> None:
    figure = svg.picture(
        "n",
        "Title",
        "Said",
        (200, 100),
        svg.line(10, 20, 110, 20, "curve c1", dash=1),
        svg.text(150, 50, "λ = −1", anchor="end"),
    )
    write_pdf(figure, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/MediaBox [0 0 200.00 100.00]" in content
    packed = re.findall(rb"stream\n(\x78.*?)\nendstream", content, re.DOTALL)
    (drawn,) = [part for part in map(zlib.decompress, packed) if b" RG" in part]
    assert b"q 1 0 0 1 0 0 cm" in drawn
    assert b"0.7216 0.2588 0.0431 RG [7 3] 0 d 10 20 m 110 20 l" in drawn
    # Glyphs have their Unicode, so that text can be searched and copied.
    assert all(f"<{ord(sign):04X}>\n".encode() in content for sign in "λ=−1")


def test_parquet_keeps_types_units_and_gaps(tmp_path: Path) -> None:
    columns = (
        Column("n", "N", "count", kind="whole"),
        Column("share", "Share", "of it", "%", kind="number", scale=100),
        Column("ok", "OK", "whether"),
        Column("place", "Place", "a number or words"),
    )
    table = Table("t", "T", "C", columns, ((1, 0.5, True, 3), (None, None, False, "n/a")))
    write_parquet(table, tmp_path / "t.parquet")
    read = parquet.read_table(tmp_path / "t.parquet")
    assert [str(field.type) for field in read.schema] == ["int64", "double", "bool", "string"]
    assert read.to_pylist()[0] == {"n": 1, "share": 50.0, "ok": True, "place": "3"}
    assert b'"unit": "%"' in read.schema.metadata[b"ticket-benchmark"]

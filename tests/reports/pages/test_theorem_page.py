from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.records.theorem import TheoremRecord
from benchmark.studies.theorem import try_theorem
from reports.pages.theorem_page import draw_theorem, theorem_table, theorem_words, write_theorem


@pytest.fixture(scope="module")
def records() -> list[TheoremRecord]:
    return try_theorem(widths=[4, 16, 64], epsilons=[0.2, 0.8], draws=50, inputs=2)


def test_the_figure_tells_tolerances_apart_without_colour(records: list[TheoremRecord]) -> None:
    root = ET.fromstring(draw_theorem(records))
    texts = [item.text for item in root.iter("text")]
    assert {"ε = 0.2", "ε = 0.8", "networks (%)"} <= set(texts)
    shapes = [item.tag for item in root.iter() if item.get("class", "").startswith("mark")]
    assert (shapes.count("circle"), shapes.count("path")) == (4, 4)


def test_the_paragraph_says_what_is_not_shown(records: list[TheoremRecord]) -> None:
    text = theorem_words(records, inputs=2)
    assert "at width 64" in text
    assert "100% at ε = 0.8" in text
    assert "neither proves nor refutes that tickets exist" in text


def test_the_folder_holds_page_figure_and_numbers(
    records: list[TheoremRecord], tmp_path: Path
) -> None:
    paths = write_theorem(records, tmp_path / "new", inputs=2, delta=0.05)
    assert [p.name for p in paths] == ["theorem.html", "theorem.svg", "theorem.csv", "COLUMNS.md"]
    assert ET.parse(paths[1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert len(paths[2].read_text().splitlines()) == 1 + len(records)
    table = theorem_table(records, inputs=2, delta=0.05)
    assert {column.key for column in table.columns} == set(table.records()[0])


def test_the_command_repeats_itself_and_refuses_words(tmp_path: Path) -> None:
    runner = CliRunner()
    call = ["theorem", "--widths", "4,8", "--epsilon", "0.5", "--draws", "20", "--out"]
    for name in ("a", "b"):
        assert runner.invoke(main, [*call, str(tmp_path / name)]).exit_code == 0
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    refused = runner.invoke(main, ["theorem", "--widths", "wide", "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert (
        "--widths: expected a whole number from 1 to 1,000,000, received 'wide'" in refused.output
    )


def test_where_no_neuron_is_spared_none_is_said_to_be() -> None:
    tight = try_theorem(widths=[4], epsilons=[1e-9], draws=20, inputs=2)
    said = theorem_words(tight, inputs=2)
    assert said.startswith("These random networks have no hidden neuron that nobody misses: at")
    assert "0% at ε = 1e-09" in said

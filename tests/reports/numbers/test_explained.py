"""Three blocks; accuracies by hand."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from benchmark.records.schemes import all_schemes
from reports.charts.explained import ratios_caption, ratios_table, scores_caption, scores_table
from reports.numbers.explained import Spread, connection_score, explain
from reports.pages.explained_page import render_explained, write_explained

SCHEMES = all_schemes(3)
"""000, 001, 010, 011, 100, 101, 110, 111."""
ACCURACY = np.array([0.5, 0.4, 0.45, 0.7, 0.6, 0.65, 0.3, 0.65])
PARAMETERS = 100 + SCHEMES @ np.array([1, 2, 4])
FOUND = explain(SCHEMES, ACCURACY, PARAMETERS)


def test_references_are_the_ends() -> None:
    assert (FOUND.original, FOUND.full) == (0.5, 0.65)


def test_numbers_by_connection_ratio() -> None:
    assert [item.schemes for item in FOUND.ratios] == [1, 3, 3, 1]
    one, two = FOUND.ratios[1:3]
    assert one.ratio == pytest.approx(1 / 3)
    # 001, 010, 100: 0.40, 0.45, 0.60.
    assert astuple(one.accuracy) == pytest.approx((0.4, 0.425, 0.45, 0.525, 0.6))
    assert one.parameters == Spread(101.0, 101.5, 102.0, 103.0, 104.0)
    assert one.above_full == 0
    assert one.below_original == pytest.approx(2 / 3)
    # 011, 101, 110: 0.70, 0.65, 0.30.
    assert two.above_full == pytest.approx(2 / 3)
    assert two.below_original == pytest.approx(1 / 3)


def test_tickets_are_as_accurate_as_full_with_fewer_parameters() -> None:
    # 011 and 101; the full scheme is none.
    assert FOUND.tickets.schemes == 2
    assert FOUND.tickets.score.tolist() == [0.5, 0.5, 1.0]
    assert FOUND.tickets.slope == pytest.approx(0.25)
    assert FOUND.tickets.intercept == pytest.approx(2 / 3 - 0.25)


def test_harmful_schemes_are_less_accurate_than_original() -> None:
    # 001, 010 and 110.
    assert FOUND.harmful.schemes == 3
    assert FOUND.harmful.score.tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 3])
    assert FOUND.harmful.slope == pytest.approx(0)


def test_an_empty_set_has_no_scores() -> None:
    nothing = connection_score(SCHEMES[:0])
    assert nothing.schemes == 0
    assert np.isnan([*nothing.score, nothing.slope]).all()


def test_failed_scorings_are_left_out() -> None:
    accuracy = ACCURACY.copy()
    accuracy[3] = np.nan
    found = explain(SCHEMES, accuracy, PARAMETERS)
    assert [item.schemes for item in found.ratios] == [1, 3, 2, 1]
    assert found.tickets.schemes == 1


def test_tables_hold_the_numbers() -> None:
    assert [row["schemes"] for row in ratios_table(FOUND).records()] == [1, 3, 3, 1]
    assert [row["tickets"] for row in scores_table(FOUND).records()] == [0.5, 0.5, 1.0]
    assert "2 schemes at least as accurate" in scores_table(FOUND).caption


def test_times_are_those_of_the_schemes_that_were_timed() -> None:
    increments = {"000": 0.0, "001": 0.02, "100": 0.04, "111": 0.1}
    found = explain(SCHEMES, ACCURACY, PARAMETERS, increments)
    assert [item.timed for item in found.ratios] == [1, 2, 0, 1]
    assert found.ratios[1].increment is not None
    assert astuple(found.ratios[1].increment) == pytest.approx((0.02, 0.025, 0.03, 0.035, 0.04))
    assert found.ratios[2].increment is None
    medians = [row["increment_middle"] for row in ratios_table(found).records()]
    assert medians == [0.0, pytest.approx(0.03), None, 0.1]
    page = render_explained(found, "mine", {})
    assert "4 random schemes" in page
    assert page.count("<svg") == 4


def test_a_page_and_files_are_written_beside_the_table(tmp_path: Path) -> None:
    written = write_explained(FOUND, tmp_path / "mine.parquet", {"task": "<b>"})
    names = ["mine.html", "mine-ratios.csv", "mine-scores.csv"]
    assert [path.name for path in written] == names
    page = written[0].read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert page.count("<svg") == 3
    assert "src=" not in page
    assert "No scheme of this table was timed" in page
    assert "href=" not in page
    assert written[2].read_text().splitlines()[0] == "block,tickets,harmful"


def test_a_landscape_without_tickets_is_drawn_all_the_same(tmp_path: Path) -> None:
    accuracy = np.where(SCHEMES.all(axis=1), 0.9, 0.8)
    found = explain(SCHEMES, accuracy, PARAMETERS)
    assert (found.tickets.schemes, found.harmful.schemes) == (0, 0)
    (page, *_) = write_explained(found, tmp_path / "flat.parquet", {})
    assert "nan" not in page.read_text()
    assert "0 schemes at least as accurate" in page.read_text()


def test_without_the_references_nothing_is_called_a_ticket_or_harmful(tmp_path: Path) -> None:
    accuracy = np.where(SCHEMES.all(axis=1), np.nan, ACCURACY)
    found = explain(SCHEMES, accuracy, PARAMETERS)
    assert list(found.references) == ["Original"]
    assert np.isnan([item.above_full for item in found.ratios]).all()
    assert "Tickets: not known, as Full-SA has no answer. Harmful: " in scores_caption(found)
    assert ratios_caption(found).endswith("marks at the median; lines at Original.")
    (page, *_) = write_explained(found, tmp_path / "part.parquet", {})
    assert "nan" not in page.read_text()


def test_a_landscape_without_an_answer_says_so(tmp_path: Path) -> None:
    found = explain(SCHEMES, np.full(len(SCHEMES), np.nan), PARAMETERS)
    (page, *_) = write_explained(found, tmp_path / "none.parquet", {})
    assert "No scheme of this table has an answer" in page.read_text()
    assert "<svg" not in page.read_text()
    assert "nan" not in page.read_text()

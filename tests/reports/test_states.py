"""A report of any part of a run is written, and what it says is there.

Runs lose lanes, answers, trainings, costs and facts in whatever combination; what a sentence
says must be so, and each of its numbers must be among the results.
"""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from benchmark.records.run import RunRecords
from reports.compare.comparison_report import ComparisonReport
from reports.compare.mixing import MIXES
from reports.numbers.member import Member
from reports.pages.report import Report
from reports.paper.latex import to_latex
from reports.paper.tables import paper_tables
from tests.reports.conftest import _records as make_records
from tests.reports.conftest import cut, in_two_modes
from tests.reports.pages.test_report import page, written
from tests.reports.states import (
    AXES,
    Change,
    broken,
    captions,
    promises,
    sentences,
    strange_numbers,
    untrue,
)

MakeRecords = Callable[..., RunRecords]
WHOLE = in_two_modes(make_records(lanes=2, supernets=2, evaluations=15, seeds=3))
EVERY = [(name, number) for name, axis in AXES.items() for number in range(len(axis))]
NO_NUMBER = re.compile(r"\bnan\b|\binf\b|\bNone\b(?! of| yet|[.<]|$)")


def changed(changes: list[Change]) -> RunRecords:
    return reduce(lambda run, change: change(run), changes, WHOLE)


def of(**numbers: int) -> RunRecords:
    """The run after these changes, one an axis."""
    return changed([AXES[name][number] for name, number in numbers.items()])


STATES = st.tuples(*(st.sampled_from(axis) for axis in AXES.values())).map(list)


def check_words(records: RunRecords) -> None:
    report = Report(records)
    said, under = sentences(report.analysis), captions(report)
    assert [(broken(text), text) for text in [*said, *under] if broken(text)] == []
    assert untrue(report.analysis, [*said, *under]) == []
    assert strange_numbers(report.analysis, said) == []
    assert promises(report) == []


@pytest.mark.parametrize(("axis", "number"), EVERY)
def test_whatever_happened_a_run_says_only_what_is_there(axis: str, number: int) -> None:
    check_words(of(**{axis: number}))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(STATES)
def test_whatever_happened_together_a_run_says_only_what_is_there(changes: list[Change]) -> None:
    check_words(changed(changes))


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(changes=STATES)
def test_every_state_has_a_page_files_and_tables_for_a_paper(
    changes: list[Change], tmp_path: Path
) -> None:
    report = Report(changed(changes))
    text, _ = written(report, tmp_path)
    shown = re.sub(r"<(script|style).*?</(script|style)>", "", text, flags=re.DOTALL)
    assert NO_NUMBER.findall(shown) == []
    for path in tmp_path.iterdir():
        assert path.suffix == ".html" or NO_NUMBER.findall(path.read_text(encoding="utf-8")) == []
    report.print(Console(file=io.StringIO(), width=100))
    for paper in paper_tables([report.analysis]):
        assert NO_NUMBER.findall(to_latex(paper)) == []


def test_what_one_evaluation_has_no_figure_of_has_no_heading(tmp_path: Path) -> None:
    lanes = [cut(lane, 1) for lane in WHOLE.lanes]
    text, _ = page(replace(WHOLE, settings=WHOLE.settings | {"budget": 1}, lanes=lanes), tmp_path)
    assert "How the searches went" in text
    assert re.findall(r"</h3>\s*<div[^>]*>\s*</div>", text) == []


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(one=STATES, other=STATES)
def test_any_two_states_can_be_compared(
    one: list[Change], other: list[Change], tmp_path: Path
) -> None:
    for second in (one, other):
        members = [Member("a", changed(one)), Member("b", changed(second))]
        made = ComparisonReport(members, allowed=MIXES)
        said = [*made.headline, *(table.caption for table in made.tables)]
        assert [(broken(text), text) for text in said if broken(text)] == []
        made.print(Console(file=io.StringIO(), width=100))
        for path in made.write(tmp_path):
            text = path.read_text(encoding="utf-8")
            assert path.suffix == ".html" or NO_NUMBER.findall(text) == []

"""Change request: another verdict rule, with a parameter. One file: the rule."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import pytest
from click.testing import CliRunner

from benchmark.basics.bounds import FRACTION
from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.records.condition import Condition
from benchmark.records.rules import RULES, Evidence, Rule, accuracy_condition
from benchmark.records.run import Interval, StandaloneRecord
from benchmark.records.ticket import read_ticket
from benchmark.records.ticket_check import self_check
from benchmark.records.verdicts import judge
from tests.costs import cost_record
from tests.extensions.conftest import Written


@final
@dataclass(frozen=True)
class NotMuchWorse(Rule):
    """A ticket may lose up to ``margin`` of accuracy to Full-SA."""

    name = "not-much-worse"
    summary = "by intervals, with a margin of accuracy"
    short = "intervals with a margin"

    margin: Annotated[float, FRACTION] = 0.01

    def conditions(self, evidence: Evidence) -> Sequence[Condition]:
        return [accuracy_condition(evidence, self.margin), *evidence.costs]

    def basis(self, confidence: float) -> str:
        return f"{100 * confidence:g}% intervals with a margin of {100 * self.margin:g} points"

    def lead(self, confidence: float) -> str:
        return f"Here a ticket is judged by {self.basis(confidence)}."


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, NotMuchWorse.name, NotMuchWorse)
        yield


def test_its_margin_stands_in_run_ticket_page_csv_and_latex(
    written: Callable[..., Written], tmp_path: Path
) -> None:
    found = written(verdict="not-much-worse:margin=0.125")
    assert found.report.analysis.rule == NotMuchWorse(0.125)
    assert found.report.records.settings["verdict"] == "not-much-worse:margin=0.125"
    said = "95% intervals with a margin of 12.5 points"
    assert f"Here a ticket is judged by {said}." in found.page
    assert f"verdicts by {said}" in found.page
    assert r"verdicts by 95\% intervals with a margin of 12.5 points" in found.latex["table-1"]
    (path,) = (tmp_path / "run" / "tickets").glob("*.json")
    ticket = read_ticket(path)
    assert ticket.claim.rule == "not-much-worse:margin=0.125"
    assert said in ticket.claim.sentence
    assert self_check(ticket) is None
    again = ["report", str(tmp_path / "run"), "--verdict", "not-much-worse:margin=0.25"]
    assert CliRunner().invoke(main, again).exit_code == 0
    assert read_ticket(path).claim.rule == "not-much-worse:margin=0.25"


def test_its_margin_decides_and_is_in_the_reason() -> None:
    trained = [
        StandaloneRecord(bits, seed, 0.0, accuracy + seed / 1000, 0.1, 1.0)
        for bits, accuracy in (("10", 0.90), ("11", 0.91))
        for seed in range(3)
    ]
    faster, same = Interval(-0.2, -0.3, -0.1), Interval(0.0, 0.0, 0.0)
    costs = [
        cost_record("10", 9, 5, 5, 1.0, faster, faster),
        cost_record("11", 9, 9, 9, 1.0, same, same),
    ]
    strict, lenient = (
        judge(trained, costs, rule=Rule.read(f"not-much-worse:margin={margin}"))[0]
        for margin in (0.005, 0.02)
    )
    assert (strict.word, strict.reason) == (
        "not a ticket",
        "accuracy below Full-SA by more than 0.5 points",
    )
    assert lenient.word == "ticket"
    assert lenient.reason.startswith("accuracy not below Full-SA by more than 2 points")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not-much-wrose", "unknown verdict rule 'not-much-wrose'; did you mean 'not-much-worse'"),
        ("not-much-worse:margin=2", "verdict rule not-much-worse: margin: expected .*received '2'"),
        ("not-much-worse:limit=1", r"unknown parameter 'limit' \(there are: margin\)"),
        ("paper:margin=1", r"unknown parameter 'margin' \(it has none\)"),
    ],
)
def test_what_it_can_not_be_is_refused_in_a_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rule.read(text)

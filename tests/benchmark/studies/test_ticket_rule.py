import json
from pathlib import Path

from benchmark.records.rules import INTERVALS, MeansRule
from benchmark.records.ticket import read_ticket
from benchmark.records.ticket_check import self_check
from benchmark.studies.ticket_rule import judge_files, judged_by
from tests.benchmark.sample_tickets import FULL, REACHED, SCHEME, TICKET, made_ticket, trained

# Better on average, by less than two seeds can tell.
OPEN = made_ticket(trained(SCHEME, 0.95, 0.90) + trained(FULL, 0.90, 0.94))


def test_means_decide_what_intervals_leave_open() -> None:
    assert OPEN.claim.word == "undecided"
    by_means = judged_by(OPEN, MeansRule())
    assert by_means.claim.sentence == (
        "ticket by the paper's rule: means alone, noise ignored "
        "(accuracy not below Full-SA, fewer parameters, faster)"
    )
    assert by_means.settings["verdict"] == "paper"
    assert by_means.claim.difference == OPEN.claim.difference
    assert self_check(by_means) is None
    assert judged_by(by_means, INTERVALS).claim == OPEN.claim


def test_files_follow_the_rule_and_an_edited_one_is_left_alone(tmp_path: Path) -> None:
    for name, ticket in (("a", OPEN), ("b", TICKET), ("edited", made_ticket(REACHED))):
        ticket.write(tmp_path / f"{name}.json")
    edited = tmp_path / "edited.json"
    values = json.loads(edited.read_text())
    edited.write_text(json.dumps(values | {"scheme": "0001"}))
    before = edited.read_text()
    (problem,) = judge_files(tmp_path, MeansRule(), tmp_path)
    assert f"{edited} was edited after it was written" in problem
    assert edited.read_text() == before
    assert read_ticket(tmp_path / "a.json") == judged_by(OPEN, MeansRule())
    assert judge_files(tmp_path / "absent", MeansRule(), tmp_path) == []

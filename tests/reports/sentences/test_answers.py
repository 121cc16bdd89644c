from collections.abc import Callable
from dataclasses import replace

from benchmark.records.rules import MeansRule
from benchmark.records.run import RunRecords
from reports.numbers.analysis import analyse
from reports.sentences.answers import Answer, answers, title
from tests.costs import parameters_of, time_of

MakeRecords = Callable[..., RunRecords]


def answered(records: RunRecords) -> list[Answer]:
    return answers(analyse(records))


def test_a_clear_winner_is_to_be_chosen(make_records: MakeRecords) -> None:
    records = make_records(strategies={"random": 0.5, "ean": 0.8})
    choice, confidence, *_ = answered(records)
    assert (choice.short, choice.certainty) == ("ean", "sure")
    assert choice.details[0] == (
        "ean: mean best reward 94.95 (×100) over 5 lanes of 60 evaluations, "
        "0.28 points [+0.21, +0.35] above random."
    )
    assert (confidence.short, confidence.certainty) == ("Beyond noise at 95%", "sure")
    assert confidence.details[0] == (
        "5 lanes a strategy on 1 supernet, permutation tests, smallest corrected p = 0.008."
    )
    assert title(analyse(records)).startswith("ean finds the best schemes; ")


def test_a_tie_is_left_open_and_who_is_beaten_is_counted(records: RunRecords) -> None:
    choice, confidence, *_ = answered(records)
    assert (choice.short, choice.certainty) == ("ean or ga", "open")
    assert (confidence.short, confidence.certainty) == ("A tie at the top", "open")
    assert "1 of 3 strategies is worse beyond noise." in confidence.details
    assert title(analyse(records)).startswith("ean and ga can't be told apart; ")


def test_too_few_lanes_are_no_tie(make_records: MakeRecords) -> None:
    _, confidence, *_ = answered(make_records(lanes=3, strategies={"a": 0.9, "b": 0.3}))
    assert (confidence.short, confidence.certainty) == ("Too few lanes to tell", "open")


def test_many_tied_strategies_are_counted_and_not_listed(make_records: MakeRecords) -> None:
    names = {f"s{number}": 0.6 for number in range(6)}
    choice, *_ = answered(make_records(strategies=names, lanes=2, seeds=2))
    assert choice.short == "any of 6 strategies"


def test_savings_are_those_of_the_most_accurate_ticket(records: RunRecords) -> None:
    analysis = analyse(records)
    sure = [s for s in analysis.schemes if s.verdict.word == "ticket" and s.lanes]
    full = next(s for s in analysis.schemes if s.name == "Full-SA")
    best = max(sure, key=lambda item: item.test.center)
    saved = answers(analysis)[2]
    assert saved.bits == best.bits
    assert saved.certainty == "sure"
    assert best.cost is not None
    assert full.cost is not None
    fewer = 100 * (1 - parameters_of(best.cost) / parameters_of(full.cost))
    over = time_of(best.cost).increment_over_full
    assert over is not None
    faster = -100 * over.center
    assert saved.short == f"−{fewer:.1f}% parameters, −{faster:.1f}% inference time"
    number = f"{len(sure)} schemes are tickets"
    assert title(analysis).endswith(f"; {number}.")


def test_nothing_proven_is_said_to_be_unproven(make_records: MakeRecords) -> None:
    saved = answered(make_records(seeds=1))[2]
    assert (saved.short, saved.certainty) == ("No ticket is proven", "open")
    assert saved.details[0].startswith("The closest candidate would change costs by −")


def test_the_papers_rule_proves_nothing(records: RunRecords) -> None:
    paper = replace(records, settings=records.settings | {"verdict": "paper"})
    saved = answered(paper)[2]
    assert saved.certainty == "open"
    assert saved.details[-1] == MeansRule.caveat


def test_what_was_not_measured_is_not_known(records: RunRecords) -> None:
    for partial in (replace(records, standalone=[]), replace(records, costs=[])):
        saved = answered(partial)[2]
        assert (saved.short, saved.certainty) == ("Not known", "unknown")


def test_the_command_and_the_versions_repeat_the_run(records: RunRecords) -> None:
    repetition = answered(records)[3]
    assert repetition.code == "ticket-benchmark run --budget 60"
    assert "python 3.11.9" in repetition.details[0]


def test_an_empty_run_knows_nothing(records: RunRecords) -> None:
    bare = replace(records, lanes=[], oracles=[], standalone=[], costs=[], candidates={})
    assert [item.certainty for item in answered(bare)[:3]] == ["unknown"] * 3
    assert title(analyse(bare)) == "Nothing was found."
    assert title(analyse(replace(bare, finished=False))) == "Nothing found yet."

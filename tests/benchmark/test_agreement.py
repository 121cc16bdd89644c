"""Verdicts on real trainings: whatever seeds are looked at, they never contradict each other."""

from itertools import combinations
from pathlib import Path

import pytest

from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.rules import INTERVALS, MeansRule, Rule
from benchmark.records.run import Interval, StandaloneRecord
from benchmark.records.verdicts import judge
from tests.costs import cost_record

COMMITTED = Path(__file__).parents[2] / "docs" / "evidence" / "digits-standalone.json"
HALVES = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return read_evidence(COMMITTED)


def words(
    records: tuple[StandaloneRecord, ...], seeds: tuple[int, ...], rule: Rule = INTERVALS
) -> dict[str, str]:
    """Verdicts from some seeds alone, with Full-SA the largest and slowest."""
    kept = [record for record in records if record.seed in seeds]
    none = Interval(0.0, 0.0, 0.0)
    costs = [
        cost_record(
            *(record.bits, 100, 50 + record.bits.count("1"), 1, 1.0, none),
            Interval(-0.1, -0.2, -0.05) if "0" in record.bits else none,
        )
        for record in kept
        if record.seed == seeds[0]
    ]
    return {verdict.bits: verdict.word for verdict in judge(kept, costs, rule=rule)}


def against(records: tuple[StandaloneRecord, ...], reference: str) -> tuple[StandaloneRecord, ...]:
    """The same trainings with ``reference`` in Full-SA's place, and Full-SA in its."""
    full = "1" * len(reference)
    swapped = {reference: full, full: reference}
    return tuple(
        StandaloneRecord(**(vars(record) | {"bits": swapped.get(record.bits, record.bits)}))
        for record in records
    )


def contradictions(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return [bits for bits in one if {one[bits], other[bits]} == {"ticket", "not a ticket"}]


def test_disjoint_halves_of_the_seeds_agree_or_are_undecided(evidence: Evidence) -> None:
    decided = 0
    for one, other in HALVES:
        first, second = words(evidence.records, one), words(evidence.records, other)
        assert contradictions(first, second) == []
        decided += sum(first[bits] == second[bits] == "not a ticket" for bits in first)
    assert decided > len(first)  # most schemes are clearly worse: agreement is not mere silence


def test_fewer_seeds_never_say_the_contrary_of_all(evidence: Evidence) -> None:
    seeds = (0, 1, 2, 3)
    every = words(evidence.records, seeds)
    for some in [*combinations(seeds, 2), *combinations(seeds, 3)]:
        assert contradictions(words(evidence.records, some), every) == []


def test_halves_agree_on_tickets_too_and_means_alone_do_not(evidence: Evidence) -> None:
    # With Original in Full-SA's place most schemes are as accurate or better: tickets.
    records = against(evidence.records, "0" * 12)
    sure, means = [], []
    for one, other in HALVES:
        first, second = words(records, one), words(records, other)
        assert contradictions(first, second) == []
        sure += [bits for bits in first if first[bits] == second[bits] == "ticket"]
        by_means = words(records, one, MeansRule()), words(records, other, MeansRule())
        means += contradictions(*by_means)
    assert sure
    assert means  # what intervals call undecided

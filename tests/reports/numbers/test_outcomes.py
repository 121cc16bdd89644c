from collections.abc import Callable
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from benchmark.records.run import LaneKey, RunRecords, StandaloneRecord
from reports.numbers.outcomes import oracle_accuracies, scheme_outcomes, strategy_outcomes

MakeRecords = Callable[..., RunRecords]
A, B, C, FULL, NONE = "1000", "0100", "0010", "1111", "0000"


def trained(bits: str, validation: float, *tests: float) -> list[StandaloneRecord]:
    return [StandaloneRecord(bits, s, validation, test, 0.1, 1.0) for s, test in enumerate(tests)]


@pytest.fixture
def small(records: RunRecords) -> RunRecords:
    """Two lanes of one strategy: A and B of the first, C of the second, on two seeds."""
    return replace(
        records,
        blocks_per_stage=(4,),
        lanes=[],
        oracles=[],
        costs=[],
        candidates={LaneKey("s", 0, 0): [A, B], LaneKey("s", 1, 0): [C]},
        standalone=[
            *trained(A, 0.90, 0.91, 0.93),
            *trained(B, 0.95, 0.90, 0.92),
            *trained(C, 0.80, 0.94, 0.96),
            *trained(FULL, 0.9, 0.90, 0.92),
            *trained(NONE, 0.9, 0.80, 0.82),
        ],
    )


def test_validation_picks_a_lanes_candidate_and_test_reports_it(small: RunRecords) -> None:
    outcome = strategy_outcomes(small, scheme_outcomes(small))[0]
    assert outcome.chosen == {LaneKey("s", 0, 0): B, LaneKey("s", 1, 0): C}
    assert outcome.test.center == pytest.approx((0.91 + 0.95) / 2)
    assert outcome.over_full is not None
    assert outcome.over_full.center == pytest.approx((0.0 + 0.04) / 2)
    assert outcome.over_original is not None
    assert outcome.over_original.center == pytest.approx(0.12)
    assert outcome.candidates == 3


def test_without_noise_only_the_spread_of_lanes_is_left(small: RunRecords) -> None:
    outcome = strategy_outcomes(small, scheme_outcomes(small))[0]
    assert outcome.over_full is not None
    half = 12.706204736432095 * np.std([0.0, 0.04], ddof=1) / np.sqrt(2)
    assert outcome.over_full.high - outcome.over_full.center == pytest.approx(half)


def test_lanes_that_choose_the_same_scheme_keep_its_training_noise(small: RunRecords) -> None:
    noisy = [
        replace(item, test_accuracy=item.test_accuracy + 0.01 * (item.bits == A) * item.seed)
        for item in small.standalone
    ]
    same = {LaneKey("s", 0, 0): [A], LaneKey("s", 1, 0): [A]}
    run = replace(small, standalone=noisy, candidates=same)
    schemes = scheme_outcomes(run)
    outcome = strategy_outcomes(run, schemes)[0]
    pair = next(item.verdict.difference for item in schemes if item.bits == A)
    assert pair is not None
    assert outcome.over_full is not None
    assert outcome.over_full.low == pytest.approx(pair.low)
    assert outcome.over_full.high == pytest.approx(pair.high)


def test_schemes_come_by_test_accuracy_with_names_and_finders(small: RunRecords) -> None:
    schemes = scheme_outcomes(small)
    assert [item.bits for item in schemes] == [C, A, B, FULL, NONE]
    assert [item.name for item in schemes] == ["", "", "", "Full-SA", "Original"]
    assert schemes[0].strategies == ("s",)
    assert schemes[3].lanes == ()


def test_one_seed_has_centers_but_no_intervals(make_records: MakeRecords) -> None:
    records = make_records(seeds=1)
    schemes = scheme_outcomes(records)
    assert {item.test.high for item in schemes} == {inf}
    words = {item.verdict.word for item in schemes if item.lanes}
    assert words == {"undecided"}


def test_a_scheme_whose_every_training_failed_is_shown_last_and_chosen_by_nobody(
    small: RunRecords,
) -> None:
    rows = [
        replace(item, test_accuracy=float("nan")) if item.bits == C else item
        for item in small.standalone
    ]
    run = replace(small, standalone=rows)
    outcomes = scheme_outcomes(run)
    lost = outcomes[-1]
    assert (lost.bits, lost.all_diverged, lost.verdict.word) == (C, True, "undecided")
    assert lost.diverged == len(lost.verdict.missing_seeds)
    assert all(C not in item.chosen.values() for item in strategy_outcomes(run, outcomes))
    assert LaneKey("s", 1, 0) not in strategy_outcomes(run, scheme_outcomes(run))[0].chosen


def test_oracle_accuracies_hold_what_lanes_asked_and_both_references(records: RunRecords) -> None:
    known = oracle_accuracies(records)[0]
    assert known["0" * 12] == records.oracles[0].original_accuracy
    assert known["1" * 12] == records.oracles[0].full_accuracy
    lane = records.lanes[3]
    bits = "".join("01"[bit] for bit in lane.schemes[7].astype(int))
    assert known[bits] == lane.accuracy[7]


def test_nothing_trained_gives_nothing(unfinished: RunRecords) -> None:
    assert scheme_outcomes(unfinished) == []
    assert strategy_outcomes(unfinished, []) == []

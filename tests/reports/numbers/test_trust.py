from collections.abc import Callable
from dataclasses import replace
from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmark.records.run import Interval, OracleAnswers, RunRecords
from reports.numbers.analysis import analyse
from reports.numbers.outcomes import scheme_outcomes
from reports.numbers.trust import agreements, correlation, left_open, seed_noise, trust
from reports.sentences.training import gap
from reports.tables.run import trust_table

MakeRecords = Callable[..., RunRecords]
KINDS = ("pearson", "spearman", "kendall")
WHOLE = st.integers(-50, 50).map(float)


def test_pearson_interval_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=12)
    b = a + rng.normal(size=12)
    found = correlation(a, b, "pearson")
    expected = stats.pearsonr(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_spearman_and_kendall_of_ranks_worked_by_hand() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2.0, 1.0, 3.0, 5.0, 4.0])
    spearman, kendall = correlation(a, b, "spearman"), correlation(a, b, "kendall")
    assert spearman.center == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert kendall.center == pytest.approx((8 - 2) / 10)
    half = 1.959963984540054 * sqrt((1 + 0.8**2 / 2) / 2)
    assert spearman.low == pytest.approx(np.tanh(np.arctanh(0.8) - half))


@pytest.mark.parametrize("kind", KINDS)
def test_perfect_order_stays_within_one(kind: str) -> None:
    found = correlation(np.arange(8.0), np.arange(8.0), kind)  # type: ignore[arg-type]
    assert found.center == pytest.approx(1)
    assert 0 < found.low <= found.high <= 1 + 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_or_constant_values_have_no_correlation(kind: str) -> None:
    assert isnan(correlation(np.arange(2.0), np.arange(2.0), kind).center)  # type: ignore[arg-type]
    assert isnan(correlation(np.ones(9), np.arange(9.0), kind).center)  # type: ignore[arg-type]
    few = correlation(np.arange(3.0), np.array([0.0, 2.0, 1.0]), kind)  # type: ignore[arg-type]
    assert (few.low, few.high) == (-1, 1)


@given(arrays(np.float64, (2, 9), elements=WHOLE), st.sampled_from(KINDS))
def test_correlation_lies_in_its_interval_and_turns_round(table: np.ndarray, kind: str) -> None:
    one = correlation(table[0], table[1], kind)  # type: ignore[arg-type]
    other = correlation(table[0], -table[1], kind)  # type: ignore[arg-type]
    if not isnan(one.center):
        assert -1 <= one.low <= one.center <= one.high <= 1 + 1e-9
        assert (one.center, one.low) == pytest.approx((-other.center, -other.high), abs=1e-9)


def test_trust_covers_trained_schemes_that_the_oracle_answered(make_records: MakeRecords) -> None:
    records = make_records(supernets=2, lanes=2)
    schemes = scheme_outcomes(records)
    rows = trust(records, schemes)
    assert [row.supernet_seed for row in rows] == [0, 1]
    for row in rows:
        assert row.schemes == sum(row.supernet_seed in item.oracle for item in schemes)
        assert row.spearman.center > 0.5
        assert row.oracle_range[0] < row.oracle_range[1]


def test_supernets_that_differ_by_a_constant_agree_fully(make_records: MakeRecords) -> None:
    tabulated = agreements(make_records(supernets=2, lanes=1))
    assert [(pair.supernet_seeds, pair.schemes) for pair in tabulated] == [((0, 1), 4096)]
    assert tabulated[0].spearman.center == pytest.approx(1)
    asked = agreements(make_records(supernets=2, lanes=2, tabulated=False))[0]
    assert 2 < asked.schemes < 200
    assert asked.spearman.center == pytest.approx(1)


def test_ceiling_is_the_root_of_the_means_reliability(records: RunRecords) -> None:
    schemes = scheme_outcomes(records)
    noise = seed_noise(records.standalone)
    spread = np.std([item.test.center for item in schemes], ddof=1)
    assert noise.spread == pytest.approx(spread)
    assert noise.ceiling == pytest.approx(sqrt(1 - noise.deviation**2 / 4 / spread**2))
    assert noise.freedom == (len(schemes) - 1) * 3


def test_one_seed_has_no_known_noise(make_records: MakeRecords, unfinished: RunRecords) -> None:
    records = make_records(seeds=1)
    assert isnan(seed_noise(records.standalone).deviation)
    assert isnan(seed_noise(unfinished.standalone).ceiling)
    assert trust(unfinished, []) == []


def test_failed_oracle_answers_are_left_out(records: RunRecords) -> None:
    lanes = [replace(lane, accuracy=np.full(60, np.nan)) for lane in records.lanes]
    run = replace(records, lanes=lanes)
    assert trust(run, scheme_outcomes(run))[0].schemes == 2


def test_both_modes_stand_side_by_side_for_each_source(two_modes: RunRecords) -> None:
    analysis = analyse(two_modes)
    rows = [(row.source, row.batch_norm, row.schemes) for row in analysis.mode_trust]
    assert rows == [
        ("", "recalibrated", 29),
        ("", "running", 29),
        ("elsewhere.json", "recalibrated", 30),
        ("elsewhere.json", "running", 30),
    ]
    for right, wrong in zip(analysis.mode_trust[::2], analysis.mode_trust[1::2], strict=True):
        assert right.pearson.center > 0.5
        assert wrong.pearson.center == pytest.approx(-right.pearson.center)
        assert wrong.kendall.center == pytest.approx(-right.kendall.center)
    table = trust_table(analysis)
    assert [row["compared"] for row in table.records()][1:3] == [
        "supernet 0, running, with stand-alone training",
        "supernet 0, recalibrated, with elsewhere.json",
    ]
    assert "Original and Full-SA left out" in table.caption


def test_supernets_are_compared_in_the_other_mode_too(make_records: MakeRecords) -> None:
    answers = {"000": 0.1, "001": 0.2, "011": 0.4, "111": 0.3, "110": 0.5}
    other = {bits: value + 0.1 for bits, value in answers.items()}
    run = replace(
        make_records(supernets=2, lanes=1),
        answers=[OracleAnswers("running", 0, answers), OracleAnswers("running", 1, other)],
    )
    last = agreements(run)[-1]
    assert (last.supernet_seeds, last.batch_norm, last.schemes) == ((0, 1), "running", 5)
    assert last.spearman.center == pytest.approx(1)


def test_what_an_oracle_leaves_open_worked_by_hand() -> None:
    # Trained = 2 · asked, ± 0.1 that no line explains: residual variance 4 · 0.01 / 2 = 0.02.
    asked = np.array([1.0, 1.0, 3.0, 3.0])
    trained = 2 * asked + np.array([0.1, -0.1, 0.1, -0.1])
    slope, deviation = left_open(asked, trained, training_variance=0.0)
    assert (slope, deviation) == pytest.approx((2, sqrt(0.02)))
    assert left_open(asked, trained, training_variance=0.01)[1] == pytest.approx(0.1)
    assert left_open(asked, trained, training_variance=1.0)[1] == 0
    assert isnan(left_open(np.ones(4), trained, training_variance=0.0)[0])


def test_one_sentence_holds_the_gap_against_the_noise(two_modes: RunRecords) -> None:
    analysis = analyse(two_modes)
    noise = analysis.oracle_noise
    assert noise is not None
    assert noise.source == "elsewhere.json"
    assert noise.slope == pytest.approx(1, abs=0.2)
    assert noise.least == pytest.approx(1.96 * sqrt(2) * noise.deviation / noise.slope, rel=1e-3)
    (sentence,) = gap(analysis)
    assert "the oracle's noise: as 30 schemes of elsewhere.json show" in sentence
    backwards = replace(two_modes, settings=two_modes.settings | {"batch_norm": "running"})
    assert gap(analyse(backwards))[0].startswith("No gap between strategies exceeds")
    blurred = [
        replace(item, test_accuracy=item.test_accuracy + 0.05 * (int(item.bits, 2) % 3))
        for item in two_modes.outside
    ]
    (unsure,) = gap(analyse(replace(two_modes, outside=blurred)))
    assert "doesn't exceed the oracle's noise" in unsure


def test_a_gap_to_the_last_is_none_between_the_first_two(two_modes: RunRecords) -> None:
    analysis = analyse(two_modes)
    noise, found = analysis.oracle_noise, analysis.ranking
    assert noise is not None

    def said(*rewards: float) -> str:
        placed = tuple(
            replace(found.placed[0], reward=Interval(reward, reward, reward)) for reward in rewards
        )
        ranking = replace(found, standings=placed)
        known = replace(analysis, ranking=ranking, oracle_noise=replace(noise, least=0.01))
        (sentence,) = gap(known)
        return sentence

    assert "1.50 from first to second) exceeds the oracle's noise" in said(0.9, 0.885, 0.5)
    near = said(0.9, 0.895, 0.5)
    assert "exceeds from first to last, but not from first to second, the oracle's noise" in near
    assert "(0.50 points of reward from first to last) doesn't exceed" in said(0.9, 0.895)


def test_without_answers_in_both_modes_nothing_is_said_of_gaps(records: RunRecords) -> None:
    analysis = analyse(records)
    assert analysis.oracle_noise is None
    assert gap(analysis) == []

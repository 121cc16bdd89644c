from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.records.noise import Noise
from benchmark.records.rules import MeansRule
from benchmark.records.run import CostRecord, Interval, StandaloneRecord
from benchmark.records.verdicts import Verdict, judge
from tests.costs import cost_record

FULL = "111"


def trained(bits: str, *accuracies: float) -> list[StandaloneRecord]:
    return [
        StandaloneRecord(bits, seed, accuracy, accuracy, 0.1, 1.0)
        for seed, accuracy in enumerate(accuracies)
    ]


def cost(bits: str, parameters: int, latency: tuple[float, float] = (-0.2, -0.1)) -> CostRecord:
    low, high = latency
    ratio = Interval((low + high) / 2, low, high)
    return cost_record(bits, 120, parameters, 1_000, 5.0, ratio, ratio)


COSTS = [cost("111", 120, (-0.05, 0.05)), cost("100", 100), cost("010", 110), cost("000", 90)]


def verdict_of(bits: str, verdicts: list[Verdict]) -> Verdict:
    return next(verdict for verdict in verdicts if verdict.bits == bits)


def test_clearly_better_smaller_and_faster_is_a_ticket() -> None:
    records = trained("100", 0.95, 0.96, 0.955) + trained(FULL, 0.90, 0.91, 0.906)
    verdict = verdict_of("100", judge(records, COSTS))
    assert verdict.word == "ticket"
    assert verdict.reason == "accuracy not below Full-SA, fewer parameters, faster"
    assert verdict.paper_rule is True
    assert verdict.seeds == (0, 1, 2)


def test_clearly_less_accurate_is_no_ticket() -> None:
    records = trained("100", 0.85, 0.86, 0.855) + trained(FULL, 0.90, 0.91, 0.906)
    verdict = verdict_of("100", judge(records, COSTS))
    assert (verdict.word, verdict.reason) == ("not a ticket", "accuracy below Full-SA")
    assert verdict.paper_rule is False


def test_difference_within_noise_is_undecided_though_the_point_rule_says_ticket() -> None:
    records = trained("100", 0.93, 0.90, 0.92) + trained(FULL, 0.90, 0.92, 0.91)
    verdict = verdict_of("100", judge(records, COSTS))
    assert (verdict.word, verdict.reason) == ("undecided", "accuracy interval includes Full-SA")
    assert verdict.paper_rule is True


def test_equal_means_meet_the_point_rule() -> None:
    records = trained("100", 0.1, 0.3) + trained(FULL, 0.3, 0.1)
    assert verdict_of("100", judge(records, COSTS)).paper_rule is True


@pytest.mark.parametrize(
    ("parameters", "latency", "reason"),
    [
        (120, (-0.2, -0.1), "no fewer parameters"),
        (100, (0.0, 0.1), "no faster"),
        (130, (0.1, 0.2), "no fewer parameters, no faster"),
    ],
)
def test_missed_cost_settles_it_whatever_the_accuracy(
    parameters: int, latency: tuple[float, float], reason: str
) -> None:
    records = trained("100", 0.95) + trained(FULL, 0.90)
    costs = [cost(FULL, 120), cost("100", parameters, latency)]
    verdict = verdict_of("100", judge(records, costs))
    assert (verdict.word, verdict.reason, verdict.paper_rule) == ("not a ticket", reason, False)


def test_latency_interval_across_zero_is_undecided() -> None:
    records = trained("100", 0.95, 0.96, 0.955) + trained(FULL, 0.90, 0.91, 0.906)
    costs = [cost(FULL, 120), cost("100", 100, (-0.1, 0.02))]
    verdict = verdict_of("100", judge(records, costs))
    assert (verdict.word, verdict.reason) == ("undecided", "too noisy to time (±6.0 points)")
    assert verdict.paper_rule is True
    assert verdict.hangs_on == ("inference time",)


def test_narrow_latency_interval_across_zero_means_equally_fast() -> None:
    records = trained("100", 0.95, 0.96, 0.955) + trained(FULL, 0.90, 0.91, 0.906)
    costs = [cost(FULL, 120), cost("100", 100, (-0.019, 0.019))]
    verdict = verdict_of("100", judge(records, costs))
    assert (verdict.word, verdict.reason) == ("undecided", "latency interval includes Full-SA")


def test_better_timing_would_not_decide_what_is_open_or_failed_elsewhere() -> None:
    noisy = [cost(FULL, 120), cost("100", 100, (-0.1, 0.02))]
    open_ = trained("100", 0.93, 0.90, 0.92) + trained(FULL, 0.90, 0.92, 0.91)
    worse = trained("100", 0.85, 0.86, 0.855) + trained(FULL, 0.90, 0.91, 0.906)
    for records in (open_, worse):
        assert not verdict_of("100", judge(records, noisy)).hangs_on


def test_the_papers_rule_judges_by_means_alone() -> None:
    records = trained("100", 0.93, 0.90, 0.92) + trained(FULL, 0.90, 0.92, 0.91)
    costs = [cost(FULL, 120), cost("100", 100, (-0.1, 0.02))]
    verdict = verdict_of("100", judge(records, costs, rule=MeansRule()))
    assert (verdict.word, verdict.rule) == ("ticket", MeansRule())
    assert verdict.reason == "accuracy not below Full-SA, fewer parameters, faster"
    slower = [cost(FULL, 120), cost("100", 100, (-0.02, 0.1))]
    verdict = verdict_of("100", judge(records, slower, rule=MeansRule()))
    assert (verdict.word, verdict.reason) == ("not a ticket", "no faster")
    unknown = verdict_of("100", judge(records, [], rule=MeansRule()))
    assert unknown.word == "undecided"


def test_a_scheme_that_diverges_now_and_then_is_no_sure_ticket() -> None:
    nan = float("nan")
    full = trained(FULL, 0.90, 0.91, 0.906)
    verdict = verdict_of("100", judge(trained("100", 0.95, nan, 0.955) + full, COSTS))
    assert (verdict.word, verdict.reason) == ("undecided", "1 of 3 trainings diverged")
    assert verdict.paper_rule is None
    bad = verdict_of("100", judge(trained("100", 0.85, nan, 0.855) + full, COSTS))
    assert (bad.word, bad.reason) == ("not a ticket", "accuracy below Full-SA")
    gone = verdict_of("100", judge(trained("100", nan, nan, nan) + full, COSTS))
    assert (gone.word, gone.reason) == ("undecided", "3 of 3 trainings diverged")


def test_a_full_sa_that_diverges_leaves_everything_open() -> None:
    records = trained("100", 0.85, 0.86, 0.855) + trained(FULL, 0.90, float("nan"), 0.906)
    verdict = verdict_of("100", judge(records, COSTS))
    assert (verdict.word, verdict.reason) == ("undecided", "1 of 3 trainings of Full-SA diverged")


def test_noise_known_from_elsewhere_takes_the_place_of_the_estimate() -> None:
    records = trained("100", 0.93, 0.90, 0.92) + trained(FULL, 0.90, 0.92, 0.91)
    sure = judge(records, COSTS, noise=Noise(variance=1e-8, freedom=40))
    assert verdict_of("100", sure).word == "ticket"


def test_one_seed_is_undecided() -> None:
    verdict = verdict_of("100", judge(trained("100", 0.99) + trained(FULL, 0.5), COSTS))
    assert (verdict.word, verdict.reason) == ("undecided", "one seed gives no accuracy interval")
    assert verdict.difference == Interval(0.49, -inf, inf)


def test_full_sa_is_the_reference_and_original_is_judged() -> None:
    records = (
        trained(FULL, 0.90, 0.91, 0.906) + trained("000", 0.95, 0.96, 0.955) + trained("010", 0.9)
    )
    verdicts = judge(records, COSTS)
    full = verdict_of(FULL, verdicts)
    assert (full.word, full.paper_rule, full.difference) == (
        "reference",
        False,
        Interval(0.0, 0.0, 0.0),
    )
    assert verdict_of("000", verdicts).word == "ticket"


def test_missing_seeds_are_named_and_only_shared_ones_count() -> None:
    records = trained("100", 0.95, 0.97) + trained(FULL, 0.90, 0.91, 0.93)
    verdict = verdict_of("100", judge(records, COSTS))
    assert (verdict.seeds, verdict.missing_seeds) == ((0, 1), (2,))
    assert verdict.difference is not None
    assert verdict.difference.center == pytest.approx(0.055)


def test_failed_training_is_a_missing_seed() -> None:
    records = trained("100", 0.95, float("nan"), 0.96) + trained(FULL, 0.90, 0.91, 0.93)
    assert verdict_of("100", judge(records, COSTS)).missing_seeds == (1,)


def test_without_full_sa_or_costs_nothing_is_decided() -> None:
    alone = verdict_of("100", judge(trained("100", 0.95, 0.96), COSTS))
    assert (alone.word, alone.difference) == ("undecided", None)
    assert alone.reason == "shares no seed with Full-SA"
    uncosted = verdict_of("100", judge(trained("100", 0.95) + trained(FULL, 0.9), []))
    assert "parameters not counted, latency not measured" in uncosted.reason
    assert uncosted.paper_rule is None


@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.permutations(range(4)),
    st.floats(0.5, 0.9),
)
def test_verdicts_ignore_the_order_of_records_and_narrow_with_less_confidence(
    values: list[float], order: list[int], confidence: float
) -> None:
    bits = ["100", "010", "000", FULL]
    rows = [trained(name, *values[3 * n : 3 * n + 3]) for n, name in enumerate(bits)]
    plain = judge([record for row in rows for record in row], COSTS)
    mixed = judge([record for n in order for record in rows[n]], COSTS, confidence=confidence)
    for verdict in plain:
        other = verdict_of(verdict.bits, mixed)
        assert verdict.difference is not None
        assert other.difference is not None
        assert verdict.difference.center == other.difference.center
        assert verdict.difference.low <= other.difference.low + 1e-12

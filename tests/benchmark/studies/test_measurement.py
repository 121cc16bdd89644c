from typing import Any

import pytest

from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.run import CostRecord, Interval, StandaloneRecord
from benchmark.studies.measurement import measure_schemes
from tests.costs import cost_record

FULL, TICKET = "1" * 12, "1" + "0" * 11


def trained(seconds: float) -> list[StandaloneRecord]:
    """TICKET is clearly better than Full-SA, so that only time is left to be judged."""
    return [
        StandaloneRecord(bits, seed, 0.9, accuracy + seed / 1000, 0.1, seconds)
        for bits, accuracy in ((FULL, 0.90), (TICKET, 0.95))
        for seed in range(3)
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, {FULL: [0.0], TICKET: [0.0]}),
        (1.0, {FULL: [0.0], TICKET: [0.0, 6.0]}),  # as long as six trainings took
        (100.0, {FULL: [0.0], TICKET: [0.0, 60.0]}),
    ],
)
def test_only_what_hangs_on_time_is_timed_again_and_no_longer_than_training_took(
    monkeypatch: pytest.MonkeyPatch, seconds: float, expected: dict[str, list[float]]
) -> None:
    asked: dict[str, list[float]] = {}

    def noisy(_: object, bits: str, *__: object, more_seconds: float, **___: Any) -> CostRecord:
        asked.setdefault(bits, []).append(more_seconds)
        wide = Interval(-0.01, -0.2, 0.2)
        return cost_record(bits, 200, 200 if bits == FULL else 100, 9, 1.0, wide, wide)

    monkeypatch.setattr("benchmark.studies.measurement.measure_costs", noisy)
    plan = Plan(Settings())
    costs = list(measure_schemes(plan, [TICKET, FULL], trained(seconds), {}))
    assert [cost.bits for cost in costs] == [FULL, TICKET]
    assert asked == expected


def test_all_finer_timings_share_one_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[float] = []
    clock = iter(range(0, 1000, 45))

    def noisy(_: object, bits: str, *__: object, more_seconds: float, **___: Any) -> CostRecord:
        allowed.extend([more_seconds] * (more_seconds > 0))
        wide = Interval(-0.01, -0.2, 0.2)
        return cost_record(bits, 200, 200 if bits == FULL else 100, 9, 1.0, wide, wide)

    monkeypatch.setattr("benchmark.studies.measurement.measure_costs", noisy)
    monkeypatch.setattr("benchmark.studies.measurement.perf_counter", lambda: float(next(clock)))
    others = [TICKET, "01" + "0" * 10, "001" + "0" * 9]
    known = trained(100.0)
    known += [
        StandaloneRecord(bits, seed, 0.9, 0.95 + seed / 1000, 0.1, 100.0)
        for bits in others[1:]
        for seed in range(3)
    ]
    list(measure_schemes(Plan(Settings()), [*others, FULL], known, {}))
    assert allowed == [60.0, 15.0]  # each takes 45 s here

from pathlib import Path

import numpy as np
import pytest

from benchmark.records.run import Interval, RaceRecord
from reports.numbers.statistics import bootstrap_interval, sign_flip_test, tie_groups
from reports.pages.race_page import race_tables, write_tables


def record(
    strategy: str, seed: int, final: float, *, landscape: str = "trap", message: str = ""
) -> RaceRecord:
    regret = np.linspace(0.08, final, 20) if not message else np.zeros(0)
    return RaceRecord(strategy, landscape, seed, regret, 0.002, message)


def races(*, landscapes: tuple[str, ...] = ("trap", "needle")) -> list[RaceRecord]:
    return [
        record(name, seed, final + 0.001 * seed * (final > 0), landscape=landscape)
        for name, final in (("slow", 0.05), ("exact", 0.0), ("close", 0.02))
        for landscape in landscapes
        for seed in range(10)
    ]


def test_one_table_for_all_landscapes_and_one_for_each() -> None:
    tables = race_tables(races())
    assert [table.name for table in tables] == ["race", "race-trap", "race-needle"]
    assert [table.name for table in race_tables(races(landscapes=("trap",)))] == ["race-trap"]


def test_regret_is_read_at_parts_of_the_budget() -> None:
    rows = race_tables(races())[0].records()
    assert [row["strategy"] for row in rows] == ["exact", "close", "slow"]
    assert [row["group"] for row in rows] == [1, 2, 3]
    best, _, worst = rows
    line = np.linspace(0.08, 0.0, 20)
    for key, place in (("regret_10", 1), ("regret_30", 5), ("regret_100", 19)):
        interval = best[key]
        assert isinstance(interval, Interval)
        assert interval.center == pytest.approx(line[place])
    assert best["solved"] == 1.0
    assert worst["solved"] == 0.0
    assert best["overhead"] == pytest.approx(0.002)


def test_an_instance_on_which_somebody_failed_counts_for_nobody() -> None:
    records = [r for r in races() if r.seed > 0 or r.strategy != "close" or r.landscape != "trap"]
    records.append(record("close", 0, 0.0, message="RuntimeError: broke"))
    table = race_tables(records)[0]
    rows = {row["strategy"]: row for row in table.records()}
    assert rows["close"]["failed"] == 1
    assert rows["slow"]["failed"] == 0
    assert table.caption.startswith("9 instances of each of 2 landscapes, 20 evaluations.")
    slow = rows["slow"]["regret_100"]
    assert isinstance(slow, Interval)
    assert slow.center == pytest.approx(0.05 + 0.001 * np.arange(1, 10).mean())


def test_a_strategy_that_can_not_run_has_a_row_and_a_reason_but_no_numbers() -> None:
    reason = "needs gradients, which a closed form does not have"
    records = races() + [
        RaceRecord("white", name, seed, np.zeros(0), float("nan"), reason, applicable=False)
        for name in ("trap", "needle")
        for seed in range(10)
    ]
    for table in race_tables(records):
        *others, last = table.records()
        assert [row["strategy"] for row in others] == ["exact", "close", "slow"]
        assert (last["strategy"], last["group"], last["regret_100"]) == ("white", "n/a", None)
        assert str(last["note"]).startswith(reason)
    assert race_tables(records)[0].records()[-1]["note"] == f"{reason} (trap, needle)"
    assert race_tables(records)[0].rows[:3] == race_tables(races())[0].rows


def test_files(tmp_path: Path) -> None:
    write_tables(race_tables(races()), tmp_path / "new", name="race")
    text = (tmp_path / "new" / "race.md").read_text()
    assert "## All landscapes" in text
    assert "| exact | 1 |" in text
    assert "failed" not in text
    header = (tmp_path / "new" / "race-trap.csv").read_text().splitlines()[0]
    assert header.startswith("strategy,group,regret_10,regret_10_low,regret_10_high")


def test_a_bootstrap_interval_holds_the_mean_and_shrinks_to_a_point_for_equal_values() -> None:
    rng = np.random.default_rng(0)
    values = rng.exponential(size=200)
    interval = bootstrap_interval(values, rng=rng)
    half = 1.96 * values.std() / 200**0.5
    assert interval.center == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)
    assert bootstrap_interval(np.full(5, 2.0), rng=rng) == Interval(2.0, 2.0, 2.0)


def test_flipping_three_equal_signs_gives_a_quarter() -> None:
    p_value = sign_flip_test(np.array([1.0, 2.0, 3.0]), rng=np.random.default_rng(0))
    assert p_value == pytest.approx(2 / 8, abs=0.01)
    assert sign_flip_test(np.zeros(4), rng=np.random.default_rng(0)) == 1.0


def test_groups_hold_what_cannot_be_told_from_their_leader() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((4, 30))
    samples = [5.0 + noise[0], noise[1], noise[2], 5.1 + noise[3]]
    assert tie_groups(samples, rng=rng) == [2, 1, 1, 2]
    assert tie_groups(samples[:1], rng=rng) == [1]
    assert tie_groups([np.zeros(9), np.zeros(9)], rng=rng) == [1, 1]


def test_where_somebody_failed_everywhere_nobody_is_compared_and_all_are_listed() -> None:
    records = [r for r in races() if r.strategy != "close"]
    records += [record("close", seed, 0.0, message="RuntimeError: broke") for seed in range(10)]
    table = race_tables(records)[0]
    assert table.caption == (
        "0 instances of each of 2 landscapes, 20 evaluations. On no instance every strategy came "
        "to its end, so none are compared."
    )
    assert {row["strategy"]: row["failed"] for row in table.records()} == {
        "slow": 0,
        "exact": 0,
        "close": 10,
    }


def test_one_instance_has_no_interval() -> None:
    (table,) = race_tables([record("exact", 0, 0.0), record("slow", 0, 0.05)])
    assert table.caption.startswith("1 instance, 20 evaluations. Mean regret; groups")
    regret = table.records()[0]["regret_100"]
    assert isinstance(regret, Interval)
    assert regret.high == np.inf

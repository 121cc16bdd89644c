from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey, LaneRecord, RunRecords
from reports.numbers.ranking import common_horizon, rank_strategies, score_lane
from tests.statistics_searches import LEVEL, false_claims, false_claims_by_holm, normal, tied

MakeRecords = Callable[..., RunRecords]


def lane(
    accuracy: list[float], *, name: str = "a", seed: int = 0, net: int = 0, state: str = "finished"
) -> LaneRecord:
    """Schemes 10, so that with λ = 0.02 a reward is the accuracy + 0.01."""
    schemes = np.tile([True, False], (len(accuracy), 1)).reshape(-1, 2)
    values = np.array(accuracy, dtype=np.float64)
    charged, total = np.arange(1.0, len(accuracy) + 1), float(len(accuracy))
    key = LaneKey(name, seed, net)
    return LaneRecord(key, state, "", schemes, values, values, charged, total)  # type: ignore[arg-type]


def run(records: RunRecords, lanes: list[LaneRecord]) -> RunRecords:
    return replace(records, lanes=lanes)


def test_score_is_the_earliest_best_within_the_horizon() -> None:
    score = score_lane(lane([0.5, 0.7, 0.7, 0.9]), Connections(0.02), 3)
    assert (score.found_at, score.accuracy, score.evaluations) == (2, 0.7, 4)
    assert score.reward == pytest.approx(0.71)
    assert score.bits == "10"


def test_lane_without_a_single_answer_is_shown_but_not_ranked() -> None:
    for empty in (lane([]), lane([float("nan")])):
        score = score_lane(empty, Connections(0.02), 5)
        assert np.isnan(score.reward)
        assert not score.ranked


def test_running_lanes_are_compared_where_the_slowest_stands() -> None:
    lanes = [lane([0.1] * 9), lane([0.1] * 5, state="running"), lane([0.1] * 2, state="failed")]
    assert common_horizon(lanes) == 5
    assert common_horizon(lanes[:1] + lanes[2:]) == 9
    assert common_horizon([]) == 0


def test_a_supernet_that_is_still_to_be_searched_does_not_hold_back_the_others() -> None:
    waiting = [lane([], net=1, state="running"), lane([], name="b", net=1, state="running")]
    assert common_horizon([lane([0.1] * 9), lane([0.1] * 7, name="b"), *waiting]) == 9
    begun = lane([0.1] * 2, net=1, state="running")
    assert common_horizon([lane([0.1] * 9), begun, waiting[1]]) == 0


def test_means_order_strategies_and_clear_differences_get_ranks(records: RunRecords) -> None:
    lanes = [
        lane([value + seed / 1000], name=name, seed=seed)
        for name, value in [("low", 0.5), ("high", 0.9), ("also-high", 0.8995)]
        for seed in range(5)
    ]
    ranking = rank_strategies(run(records, lanes))
    assert [(s.strategy, s.rank) for s in ranking.standings] == [
        ("high", 1),
        ("also-high", 1),
        ("low", 3),
    ]
    low = ranking.standings[-1]
    assert low.behind is not None
    assert low.behind.center == pytest.approx(-0.4)
    assert low.test is not None
    assert low.test.p_value == pytest.approx(3 * 2 / 252)
    assert [s.mean_rank for s in ranking.standings] == [1, 2, 3]
    assert ranking.ranks.cells == 5


def test_whoever_stands_above_a_tied_strategy_is_tied(records: RunRecords) -> None:
    steady = {
        "lead": [0.90, 0.901, 0.902, 0.903, 0.904],
        "next": [0.89, 0.891, 0.892, 0.893, 0.894],
    }
    wild = {"wild": [0.5, 0.95, 0.95, 0.95, 0.95]}
    lanes = [
        lane([value], name=name, seed=seed)
        for name, values in (steady | wild).items()
        for seed, value in enumerate(values)
    ]
    standings = rank_strategies(run(records, lanes)).standings
    assert [s.strategy for s in standings] == ["lead", "next", "wild"]
    assert standings[1].test is not None
    assert standings[1].test.p_value < 0.05
    assert [s.rank for s in standings] == [1, 1, 1]


def test_failed_lanes_are_counted_but_don_t_enter_the_mean(failed_lane: RunRecords) -> None:
    ranking = rank_strategies(failed_lane)
    ga = next(s for s in ranking.standings if s.strategy == "ga")
    assert (ga.lanes, ga.failed) == (4, 1)
    assert ranking.ranks.cells == 4
    assert len(ranking.lanes) == len(failed_lane.lanes)


def test_strategy_whose_lanes_all_failed_stands_last_without_a_rank(records: RunRecords) -> None:
    lanes = [lane([0.99], name="broken", state="failed"), lane([0.5], name="works")]
    ranking = rank_strategies(run(records, lanes))
    assert [(s.strategy, s.rank, s.reward is None) for s in ranking.standings] == [
        ("works", 1, False),
        ("broken", None, True),
    ]


def test_strategies_on_different_supernets_are_not_compared(records: RunRecords) -> None:
    lanes = [lane([0.9], name="here"), lane([0.5], name="there", net=1)]
    there = rank_strategies(run(records, lanes)).standings[1]
    assert (there.behind, there.test, there.rank) == (None, None, 1)


def test_the_choice_among_strategies_on_other_supernets_is_corrected_for(
    records: RunRecords,
) -> None:
    values = {"a": 0.9, "b": 0.5, "c": 0.4, "d": 0.3}
    lanes = [
        lane([value + seed / 1000], name=name, seed=seed, net=int(name in "cd"))
        for name, value in values.items()
        for seed in range(5)
    ]
    test = rank_strategies(run(records, lanes)).standings[1].test
    assert test is not None
    assert test.p_value == test.smallest == pytest.approx(6 * 2 / 252)


def test_level_of_a_supernet_is_no_advantage(make_records: MakeRecords) -> None:
    records = make_records(supernets=2, lanes=3)
    lanes = [
        replace(one, accuracy=one.accuracy + one.key.supernet_seed * 0.05) for one in records.lanes
    ]
    plain, shifted = rank_strategies(records), rank_strategies(run(records, lanes))
    for before, after in zip(plain.standings, shifted.standings, strict=True):
        assert before.rank == after.rank
        if before.behind is not None and after.behind is not None:
            assert before.behind.center == pytest.approx(after.behind.center, abs=1e-12)
            assert before.behind.low == pytest.approx(after.behind.low, abs=1e-9)


@settings(max_examples=20)
@given(st.permutations(["x", "y", "z"]), st.randoms(use_true_random=False))
def test_names_and_order_of_lanes_don_t_matter(
    records: RunRecords, names: list[str], random: object
) -> None:
    new = dict(zip(["ean", "ga", "random"], names, strict=True))
    lanes = [
        replace(one, key=replace(one.key, strategy=new[one.key.strategy])) for one in records.lanes
    ]
    random.shuffle(lanes)  # type: ignore[attr-defined]
    before, after = (
        rank_strategies(records).standings,
        rank_strategies(run(records, lanes)).standings,
    )
    assert [new[s.strategy] for s in before] == [s.strategy for s in after]
    for one, other in zip(before, after, strict=True):
        assert (one.rank, one.mean_rank) == (other.rank, other.mean_rank)
        assert one.test == other.test


def test_equal_means_below_the_leader_share_their_place(make_records: MakeRecords) -> None:
    ranking = rank_strategies(make_records(strategies={"a": 0.9, "b": 0.4, "c": 0.4}, lanes=6))
    assert [item.rank for item in ranking.standings] == [1, 2, 2]


def test_equal_strategies_are_rarely_behind_whoever_leads_by_chance() -> None:
    """At full size: ``python -m tests.statistics_searches``; see docs/statistics-searches.md."""
    runs = 100
    most = binom.ppf(0.999, runs, LEVEL)
    assert false_claims(normal, 10, runs, rng=np.random.default_rng(0)) <= most
    assert false_claims(tied, 10, runs, rng=np.random.default_rng(0)) <= most
    assert false_claims_by_holm(normal, 10, runs, rng=np.random.default_rng(0)) > most

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmark.records.run import LaneKey, RunRecords
from benchmark.records.schemes import bits_scheme
from reports.numbers.landscape import density, finds, landscapes, strategy_finds
from reports.numbers.ranking import LaneScore, rank_strategies

MakeRecords = Callable[..., RunRecords]


def score(reward: float, accuracy: float) -> LaneScore:
    return LaneScore(LaneKey("a", 0, 0), "finished", "", 1, reward, accuracy, "1" * 12, 1)


def test_best_scheme_of_the_table_is_its_maximum(records: RunRecords) -> None:
    table = landscapes(records)[0]
    assert table.exhaustive
    assert len(table.reward) == 4096
    best = records.oracles[0].schemes @ np.ones(12) == bits_scheme(table.best_bits).sum()
    assert table.reward.max() == table.reward[best].max()


def test_regret_and_quantile_of_the_best_and_the_worst_scheme(records: RunRecords) -> None:
    tables = landscapes(records)
    table = tables[0]
    best = score(float(table.reward.max()), float(table.accuracy.max()))
    worst = score(float(table.reward.min()), float(table.accuracy.min()))
    found = finds(tables, [best])[best.key]
    assert (found.regret, found.better, found.more_accurate, found.top) == (0, 0, 0, True)
    lost = finds(tables, [worst])[worst.key]
    assert lost.regret == pytest.approx(float(np.ptp(table.reward)))
    ties = np.sum(table.reward <= table.reward.min() + 1e-12)
    assert lost.better == pytest.approx(1 - ties / 4096)
    assert not lost.top


def test_top_five_percent_ends_at_the_205th_scheme(records: RunRecords) -> None:
    tables = landscapes(records)
    ordered = np.sort(tables[0].accuracy)[::-1]
    inside = finds(tables, [score(0.9, float(ordered[200]))])[LaneKey("a", 0, 0)]
    outside = finds(tables, [score(0.9, float(ordered[500]))])[LaneKey("a", 0, 0)]
    assert (inside.top, outside.top) == (True, False)


def test_without_a_table_there_are_no_finds(make_records: MakeRecords) -> None:
    records = make_records(tabulated=False)
    assert landscapes(records) == {}
    assert finds({}, rank_strategies(records).lanes) == {}


def test_strategies_sum_up_their_lanes(records: RunRecords) -> None:
    ranking = rank_strategies(records)
    found = finds(landscapes(records), ranking.lanes)
    regret, top, lanes = strategy_finds(ranking, found)["random"]
    own = [find for key, find in found.items() if key.strategy == "random"]
    assert regret == pytest.approx(np.mean([find.regret for find in own]))
    assert (top, lanes) == (sum(find.top is True for find in own), 5)


def test_where_all_schemes_are_equally_accurate_none_is_at_the_top(records: RunRecords) -> None:
    (oracle,) = records.oracles
    flat = replace(records, oracles=[replace(oracle, accuracy=np.full(4096, 0.9))])
    found = finds(landscapes(flat), [score(0.9, 0.9)])[LaneKey("a", 0, 0)]
    assert found.top is None
    steps = density(landscapes(flat)[0], 12).edges * 100
    assert steps.max() - steps.min() < 0.01


def test_ties_make_the_top_larger(records: RunRecords) -> None:
    (oracle,) = records.oracles
    accuracy = np.where(np.arange(4096) < 1024, 0.9, 0.5)
    tied = landscapes(replace(records, oracles=[replace(oracle, accuracy=accuracy)]))
    assert tied[0].top_share == 0.25
    assert tied[0].top_tied
    assert not landscapes(make_few(records))[0].top_tied
    assert finds(tied, [score(0.9, 0.9)])[LaneKey("a", 0, 0)].top is True


def make_few(records: RunRecords) -> RunRecords:
    """Eight schemes of which each has an accuracy of its own."""
    (oracle,) = records.oracles
    few = replace(oracle, schemes=oracle.schemes[:8], accuracy=np.linspace(0.1, 0.8, 8))
    return replace(records, oracles=[few])


def test_a_find_that_was_not_tabulated_has_no_negative_regret(records: RunRecords) -> None:
    found = finds(landscapes(make_few(records)), [score(0.99, 0.97)])[LaneKey("a", 0, 0)]
    assert (found.regret, found.better) == (0, 0)

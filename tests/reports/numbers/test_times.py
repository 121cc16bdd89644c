from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmark.records.run import RunRecords
from reports.numbers.ranking import rank_strategies
from reports.numbers.times import search_times

MakeRecords = Callable[..., RunRecords]


def test_search_is_own_time_and_the_price_of_each_evaluation(make_records: MakeRecords) -> None:
    records = make_records(strategies={"ean": 0.8}, lanes=2, evaluations=60)
    own = [replace(lane, own_seconds=np.linspace(0.1, 6.0, 60)) for lane in records.lanes]
    records = replace(records, lanes=own)
    (found,) = search_times(records, rank_strategies(records))
    # The oracle scored 900 schemes in 12.5 s, the supernet was trained in 80 s.
    assert found.search.center == pytest.approx(6.0 + 60 * 12.5 / 900)
    assert (found.own, found.evaluations, found.training, found.lanes) == (6.0, 60.0, 80.0, 2)
    assert found.share == pytest.approx(found.search.center / 80)


def test_own_time_that_is_not_known_is_not_made_up(records: RunRecords) -> None:
    found = search_times(records, rank_strategies(records))
    assert [item.strategy for item in found] == ["ean", "ga", "random"]
    assert all(item.own is None for item in found)
    assert found[0].search.center == pytest.approx(60 * 12.5 / 900)


def test_a_table_has_no_training_to_compare_with(records: RunRecords) -> None:
    table = replace(records, oracles=[replace(records.oracles[0], training_seconds=0.0)])
    assert all(item.share is None for item in search_times(table, rank_strategies(table)))
    unknown = replace(table, oracles=[replace(table.oracles[0], evaluations=0, seconds=0.0)])
    assert search_times(unknown, rank_strategies(unknown)) == ()


def test_lanes_of_a_supernet_that_is_not_recorded_yet_are_left_out(records: RunRecords) -> None:
    early = replace(records, oracles=[])
    assert search_times(early, rank_strategies(early)) == ()

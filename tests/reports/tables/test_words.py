from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmark.records.run import Interval, RunRecords
from reports.charts.ranks import ranks_table
from reports.numbers.analysis import analyse
from reports.numbers.member import Member
from reports.tables.words import (
    batch_norm,
    interval_words,
    module_of,
    not_trained,
    oracle_words,
    seed_words,
    timing_words,
)
from tests.costs import timed

MakeRecords = Callable[..., RunRecords]


def test_a_batch_norm_that_no_oracle_states_is_that_of_the_settings_or_not_stated(
    records: RunRecords,
) -> None:
    bare = replace(records, oracles=[replace(records.oracles[0], facts={"landscape": "made"})])
    assert batch_norm(bare) == "not stated"
    meant = replace(bare, settings=bare.settings | {"batch_norm": "running"})
    assert batch_norm(meant) == "running"
    assert batch_norm(records) == "recalibrated"


def test_supernets_are_those_of_lanes_where_none_was_searched_to_its_end(
    make_records: MakeRecords,
) -> None:
    early = replace(make_records(supernets=2, lanes=1, tabulated=False), oracles=[])
    assert "2 frozen supernets" in oracle_words(early)
    table = replace(early, settings=early.settings | {"oracle": "table.parquet"})
    assert oracle_words(table) == "validation split, a table, batch norm not stated"


@pytest.mark.parametrize(
    ("timed", "said"),
    [
        (0, "Inference time was not measured."),
        (1, "The one latency interval is within ±2 points."),
        (3, "Every latency interval is within ±2 points."),
    ],
)
def test_latency_intervals_are_spoken_of_where_there_are_any(
    records: RunRecords, timed: int, said: str
) -> None:
    assert timing_words(analyse(replace(records, costs=records.costs[:timed]))) == said


def test_wide_latency_intervals_are_counted_among_those_that_there_are(records: RunRecords) -> None:
    wide = timed(records.costs[0], increment_over_full=Interval(0.0, -0.03, 0.031))
    some = replace(records, costs=[wide, *records.costs[1:3]], finished=False)
    said = timing_words(analyse(some))
    assert said.startswith("1 of 3 latency intervals is wider than ±2 points, up to ±3.1:")
    assert timing_words(analyse(replace(some, costs=[]))) == "Inference time was not measured yet."


def test_means_are_over_the_trainings_of_each_scheme_with_or_without_full(
    records: RunRecords,
) -> None:
    others = [one for one in records.standalone if "0" in one.bits]
    analysis = analyse(replace(records, standalone=others))
    assert seed_words(analysis.schemes) == "4 stand-alone seeds"
    assert seed_words(()) == "no training that came to its end"


def test_why_nothing_was_trained(records: RunRecords) -> None:
    table = replace(records, settings=records.settings | {"oracle": "t"}, finished=False)
    assert not_trained(table) == "A table was searched and no network trained"
    assert not_trained(replace(records, finished=False)).endswith(" yet")
    assert not not_trained(records).endswith(" yet")


def test_intervals_are_promised_where_there_is_one() -> None:
    none, one = Interval(0.5, float("-inf"), float("inf")), Interval(0.5, 0.4, 0.6)
    assert interval_words([none, None, one], 0.9) == " with 90% intervals"
    assert interval_words([none, None], 0.9) == " (too few for intervals)"


def test_a_tiny_p_of_friedmans_test_is_below_and_not_equal(make_records: MakeRecords) -> None:
    many = make_records(lanes=12, strategies={"a": 0.9, "b": 0.6, "c": 0.3}, tabulated=False)
    caption = ranks_table(analyse(many)).caption
    assert "no difference at all: p < 0.001." in caption


def test_a_strategy_without_any_result_is_named_beside_the_ranks(failed_lane: RunRecords) -> None:
    lanes = [
        replace(lane, state="failed") if lane.key.strategy == "ga" else lane
        for lane in failed_lane.lanes
    ]
    caption = ranks_table(analyse(replace(failed_lane, lanes=lanes))).caption
    assert caption.endswith("Without a result in any cell, and so not ranked: ga.")


def test_a_module_is_called_as_published_and_in_capitals_where_a_run_does_not_say(
    records: RunRecords,
) -> None:
    first = records.oracles[0]
    old = replace(records, oracles=[replace(first, facts={"attention": "simam"})])
    new = replace(first, facts={"attention": "simam", "attention module": "SimAM"})
    assert module_of(old) == "SIMAM"
    assert module_of(replace(records, oracles=[new])) == "SimAM"
    assert module_of(replace(records, settings={"attention": "se"}, oracles=[])) == "SE"
    assert module_of(replace(records, settings={}, oracles=[])) == ""
    # Who is older and who newer searched on the same oracle all the same.
    traits = [Member("run", run).traits() for run in (old, replace(records, oracles=[new]))]
    assert traits[0] == traits[1]

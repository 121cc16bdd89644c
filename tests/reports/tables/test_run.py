from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmark.records.run import Interval, RunRecords
from reports.numbers.analysis import analyse
from reports.tables.run import (
    evaluations_table,
    facts_table,
    lanes_table,
    ranking_table,
    schemes_table,
    trust_table,
)
from reports.tables.table import to_csv

MakeRecords = Callable[..., RunRecords]


def test_ranking_has_a_row_a_strategy(records: RunRecords) -> None:
    rows = ranking_table(analyse(records)).records()
    assert [row["strategy"] for row in rows] == ["ean", "ga", "random"]
    assert [row["rank"] for row in rows] == [1, 1, 3]
    assert rows[0]["to_leader"] is None
    assert isinstance(rows[2]["to_full_sa"], Interval)


def test_captions_name_split_seeds_and_batch_norm(records: RunRecords) -> None:
    analysis = analyse(records)
    for table in (ranking_table(analysis), schemes_table(analysis), trust_table(analysis)):
        assert "validation split, 1 frozen supernet, batch norm recalibrated" in table.caption
        assert "4 stand-alone seeds" in table.caption
    assert "batch norm recalibrated" in lanes_table(analysis).caption


def test_schemes_have_a_row_a_trained_scheme_with_its_cost(records: RunRecords) -> None:
    analysis = analyse(records)
    rows = schemes_table(analysis).records()
    assert len(rows) == len(analysis.schemes)
    full = next(row for row in rows if row["name"] == "Full-SA")
    assert (full["scheme"], full["verdict"]) == ("1111|1111|1111", "reference")
    assert (full["connections"], full["parameters"], full["seeds"]) == (12, 473_892, 4)


def test_lanes_show_failures_with_their_message(failed_lane: RunRecords) -> None:
    rows = lanes_table(analyse(failed_lane)).records()
    assert len(rows) == 15
    failed = [row for row in rows if row["state"] == "failed"]
    assert [(row["strategy"], row["strategy_seed"]) for row in failed] == [("ga", 1)]
    assert failed[0]["message"] == "StrategyError: no <parents> left & | gone"
    assert failed[0]["chosen"] is None


def test_unfinished_run_has_all_tables(unfinished: RunRecords) -> None:
    analysis = analyse(unfinished)
    assert schemes_table(analysis).rows == ()
    assert schemes_table(analysis).caption == "No candidate has been trained from scratch yet."
    assert [row["running"] for row in ranking_table(analysis).records()] == [5, 5, 5]
    assert trust_table(analysis).rows == ()


def test_every_evaluation_is_a_row(records: RunRecords) -> None:
    table = evaluations_table(records)
    assert len(table.rows) == 15 * 60
    row = table.records()[59]
    lane = records.lanes[0]
    assert (row["strategy"], row["evaluation"]) == ("ean", 60)
    assert row["accuracy"] == lane.accuracy[59]
    assert row["best_reward"] == pytest.approx(0.9495)
    assert to_csv(table).splitlines()[0] == (
        "strategy,strategy_seed,supernet_seed,evaluation,scheme,connections,accuracy,loss,"
        "reward,best_reward"
    )


def test_supernets_are_compared_with_each_other(make_records: MakeRecords) -> None:
    rows = trust_table(analyse(make_records(supernets=2, lanes=2))).records()
    assert [row["compared"] for row in rows] == [
        "supernet 0 with stand-alone training",
        "supernet 1 with stand-alone training",
        "supernet 0 with supernet 1",
    ]
    assert rows[2]["kendall"] is None


def test_facts_hold_command_hashes_and_seeds(records: RunRecords) -> None:
    facts = {(row["group"], row["name"]): row["value"] for row in facts_table(records).records()}
    assert facts["experiment", "identity"] == records.experiment
    assert facts["environment", "command"] == "ticket-benchmark run --budget 60"
    assert facts["supernet 0", "identity"] == records.oracles[0].identity
    assert facts["stand-alone", "seeds"] == "0, 1, 2 and 3"
    assert facts["settings", "budget"] == "60"


def test_a_table_was_neither_trained_nor_scored(records: RunRecords) -> None:
    table = replace(records, settings=records.settings | {"oracle": "t.parquet"})
    rows = facts_table(table).records()
    assert ("table", "identity") in {(row["group"], row["name"]) for row in rows}
    assert not any("supernet" in str(row["name"]) or "scor" in str(row["name"]) for row in rows)

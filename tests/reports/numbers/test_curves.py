from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from benchmark.records.run import LaneKey, LaneRecord, RunRecords
from reports.charts.curves import time_curves_table
from reports.numbers.analysis import analyse
from reports.numbers.curves import checkpoints, curves, time_curves
from reports.numbers.ranking import rank_strategies
from reports.tables.table import Value
from tests.reports.conftest import cut


def test_curves_never_fall_and_end_at_the_ranked_mean(records: RunRecords) -> None:
    ranking = rank_strategies(records)
    drawn = curves(records, ranking)
    assert [curve.strategy for curve in drawn] == [s.strategy for s in ranking.standings]
    for curve, standing in zip(drawn, ranking.standings, strict=True):
        assert standing.reward is not None
        assert len(curve.center) == 60
        assert np.all(np.diff(curve.center) >= -1e-15)
        assert (curve.center[-1], curve.low[-1]) == pytest.approx(
            (standing.reward.center, standing.reward.low)
        )


def test_lane_that_stopped_early_of_its_own_accord_keeps_its_best(records: RunRecords) -> None:
    first, *others = (lane for lane in records.lanes if lane.key.strategy == "ean")
    short = cut(first, 4)
    run = replace(records, lanes=[short, *others])
    assert len(curves(run, rank_strategies(run))[0].center) == 60


def test_failed_lane_is_drawn_on_its_own_up_to_its_end(failed_lane: RunRecords) -> None:
    last = curves(failed_lane, rank_strategies(failed_lane))[-1]
    assert last.failed
    assert len(last.center) == 20
    assert last.label == "ga, seed 1: failed"


def test_running_lanes_end_at_the_common_horizon(unfinished: RunRecords) -> None:
    assert {len(c.center) for c in curves(unfinished, rank_strategies(unfinished))} == {30}


def test_equal_parts_of_the_budget(records: RunRecords) -> None:
    ranking = rank_strategies(records)
    found = checkpoints(curves(records, ranking), ranking.horizon)
    assert [item.evaluations for item in found] == [6, 18, 60] * 3
    ends = {item.strategy: item.reward.center for item in found if item.evaluations == 60}
    for standing in ranking.placed:
        assert standing.reward is not None
        assert ends[standing.strategy] == pytest.approx(standing.reward.center)


def lane(name: str, seed: int, accuracy: list[float], own: list[float] | None) -> LaneRecord:
    schemes = np.zeros((len(accuracy), 12), dtype=bool)
    values = np.array(accuracy)
    seconds = None if own is None else np.array(own)
    return LaneRecord(
        LaneKey(name, seed, 0),
        "finished",
        "",
        schemes,
        accuracy=values,
        loss=values,
        charged=np.arange(1.0, len(values) + 1),
        total=float(len(values)),
        own_seconds=seconds,
    )


def test_seconds_add_the_strategys_own_time_to_the_oracles(records: RunRecords) -> None:
    # An answer takes 2 s: lane 0 asks at 2, 4, 6 s, lane 1 thinks 1 s before each request.
    oracle = replace(records.oracles[0], seconds=20.0, evaluations=10)
    lanes = [
        lane("a", 0, [0.5, 0.7, 0.6], None),
        lane("a", 1, [0.3, 0.3, 0.9], [1.0, 2.0, 3.0]),
    ]
    run = replace(records, oracles=[oracle], lanes=lanes)
    (curve,) = time_curves(run, rank_strategies(run))
    assert curve.where.tolist() == [3, 4, 6, 9]
    assert (curve.center - 0.02).tolist() == pytest.approx([0.4, 0.5, 0.5, 0.8])
    assert [row["seconds"] for row in points(run)] == [3, 4, 9]


def points(run: RunRecords) -> list[Mapping[str, Value]]:
    return time_curves_table(analyse(run)).records()


def test_without_any_time_there_is_no_curve_against_seconds(records: RunRecords) -> None:
    free = [replace(oracle, seconds=0.0) for oracle in records.oracles]
    run = replace(records, oracles=free)
    assert time_curves(run, rank_strategies(run)) == ()

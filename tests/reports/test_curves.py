from dataclasses import replace

import numpy as np
import pytest

from benchmark.records import RunRecords
from reports.curves import curves
from reports.ranking import rank_strategies
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

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.records.run import RunRecords
from benchmark.records.schemes import scheme_bits
from reports.charts.fronts import draw_front, draw_sparsity, sparsity_table, volumes_table
from reports.numbers.analysis import analyse
from reports.numbers.fronts import best_within, hypervolume, non_dominated

MakeRecords = Callable[..., RunRecords]
SIZES = np.array([0, 1, 1, 2, 4])
ACCURACY = np.array([0.50, 0.60, 0.55, 0.60, 0.80])


def test_best_within_a_number_of_connections_worked_by_hand() -> None:
    best = best_within(SIZES[1:], ACCURACY[1:], 5)
    assert best[1:].tolist() == [0.60, 0.60, 0.60, 0.80, 0.80]
    assert np.isnan(best[0])


def test_non_dominated_schemes_worked_by_hand() -> None:
    assert non_dominated(SIZES, ACCURACY).tolist() == [True, True, False, False, True]
    assert non_dominated(np.array([1, 1]), np.array([0.6, 0.6])).tolist() == [True, False]
    assert non_dominated(np.array([0, 1]), np.array([np.nan, 0.6])).tolist() == [False, True]


def test_hypervolume_worked_by_hand() -> None:
    # Over 5 blocks: +0.10 from 1/5 to 4/5 of the connections, +0.30 from there on.
    found = hypervolume(SIZES, ACCURACY, blocks=5, reference=0.50)
    assert found == pytest.approx(0.10 * 3 / 5 + 0.30 * 1 / 5)


def test_original_and_full_sa_alone_dominate_nothing() -> None:
    ends, values = np.array([0, 5]), np.array([0.5, 0.9])
    assert hypervolume(ends, values, blocks=5, reference=0.5) == 0
    assert hypervolume(ends[:0], values[:0], blocks=5, reference=0.5) == 0


@given(arrays(np.float64, 6, elements=st.integers(0, 20).map(lambda n: n / 20)))
def test_hypervolume_is_the_area_under_the_best_within(values: np.ndarray) -> None:
    sizes = np.array([0, 1, 2, 2, 3, 4])
    gain = np.maximum(best_within(sizes, values, 4) - 0.3, 0)[:4]
    found = hypervolume(sizes, values, blocks=4, reference=0.3)
    assert found == pytest.approx(float(gain.mean()), abs=1e-12)


def test_a_run_has_fronts_for_every_ranked_strategy(records: RunRecords) -> None:
    found = analyse(records).fronts
    assert [item.strategy for item in found.volumes] == ["ean", "ga", "random"]
    for item in found.volumes:
        assert item.volume.low <= item.volume.center <= item.volume.high
        assert item.share is not None
        assert 0 < item.share <= 1 + 1e-12
    for name in ("ean", "ga", "random"):
        own = [point for point in found.points if point.strategy == name]
        assert [p.connections for p in own] == sorted(p.bits.count("1") for p in own)
        assert np.all(np.diff([p.accuracy for p in own]) > 0)


def test_landscapes_that_are_not_tabulated_give_no_share(make_records: MakeRecords) -> None:
    table = volumes_table(analyse(make_records(tabulated=False, lanes=2)))
    assert [row["share"] for row in table.records()] == [None] * 3


def test_lanes_without_such_a_scheme_are_counted_not_dropped(records: RunRecords) -> None:
    rows = sparsity_table(analyse(records)).records()
    assert len(rows) == 3 * 13
    none = [row for row in rows if row["connections"] == 0]
    assert {row["lanes"] for row in none} == {5}
    assert sum(row["found"] == 0 and row["accuracy"] is None for row in none) == 2
    assert sum(row["found"] == 1 and row["accuracy"] is not None for row in none) == 1
    assert {row["found"] for row in rows if row["connections"] == 12} == {5}


def test_failed_answers_leave_no_front(records: RunRecords) -> None:
    lanes = [
        replace(lane, accuracy=np.full(60, np.nan)) if lane.key.strategy == "ga" else lane
        for lane in records.lanes
    ]
    found = analyse(replace(records, lanes=lanes)).fronts
    assert {item.strategy for item in found.volumes} == {"ean", "random"}


def test_figures_tell_strategies_apart_without_colour(records: RunRecords) -> None:
    found = analyse(records).fronts
    style = {"ean": 0, "ga": 1, "random": 2}
    front = ET.fromstring(draw_front(found.points, 0, style, 12))
    lines = [item for item in front.iter("path") if "curve" in item.get("class", "")]
    assert len({item.get("stroke-dasharray") for item in lines}) == 3
    sparsity = ET.fromstring(draw_sparsity(found.sparsity, style, 12))
    kinds = [item.get("class", "") for item in sparsity.iter()]
    assert any("hollow" in kind for kind in kinds)
    assert {"ean", "ga", "random"} <= {item.text for item in sparsity.iter("text")}
    assert not draw_front([], 0, style, 12)
    assert not draw_sparsity([], style, 12)


def test_answers_that_cost_more_count_only_once_they_are_paid(unfinished: RunRecords) -> None:
    # All lanes are compared at 30 evaluations, which buy 15 answers at two each.
    dear = [
        replace(lane, charged=2 * lane.charged, total=2 * lane.total)
        if lane.key.strategy == "ga"
        else lane
        for lane in unfinished.lanes
    ]
    found = analyse(replace(unfinished, lanes=dear)).fronts
    paid = {
        scheme_bits(row) for lane in dear if lane.key.strategy == "ga" for row in lane.schemes[:15]
    }
    points = [point.bits for point in found.points if point.strategy == "ga"]
    assert points
    assert set(points) <= paid
    best = max(
        row.accuracy.center for row in found.sparsity if row.strategy == "ga" and row.accuracy
    )
    means = [lane.accuracy[:15].max() for lane in dear if lane.key.strategy == "ga"]
    assert best == pytest.approx(np.mean(means))

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np

from benchmark.records.run import OracleAnswers, RunRecords
from reports.charts.curves import draw_curves
from reports.charts.landscape import draw_landscape
from reports.charts.schemes import draw_accuracies, draw_schemes
from reports.charts.trust import draw_trust
from reports.figures.series import short, styles
from reports.numbers.analysis import Analysis, analyse
from reports.numbers.curves import Curve

MakeRecords = Callable[..., RunRecords]
ANSWERS = OracleAnswers("running", 0, {"0" * 12: 0.5, "1" * 12: 0.6})
STYLE = styles(["ean", "ga", "random"])


def parse(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)


def classes(drawn: str) -> list[str]:
    return [item.get("class", "") for item in parse(drawn).iter()]


def texts(drawn: str) -> list[str]:
    return [item.text or "" for item in parse(drawn).iter("text")]


def landscape_of(analysis: Analysis) -> str:
    return draw_landscape(analysis.landscapes[0], analysis.ranking.lanes, STYLE, 12)


def test_curves_are_named_where_they_end_and_told_apart_without_colour(records: RunRecords) -> None:
    drawn = draw_curves(analyse(records).curves, STYLE)
    assert {"ean", "ga", "random", "evaluations"} <= set(texts(drawn))
    lines = [item for item in parse(drawn).iter("path") if "curve" in item.get("class", "")]
    assert len({item.get("stroke-dasharray") for item in lines}) == 3
    assert sum(kind.startswith("band") for kind in classes(drawn)) == 3


def test_step_curve_worked_by_hand() -> None:
    values = np.array([np.nan, 0.90, 0.90, 0.92])
    drawn = draw_curves([Curve("a", "a", values, values, values, failed=False)], {"a": 0})
    line = next(item for item in parse(drawn).iter("path") if item.get("class") == "curve c0")
    corners = [tuple(map(float, c.split())) for c in (line.get("d") or "")[1:].split("L")]
    xs, ys = zip(*corners, strict=True)
    assert len(corners) == 4
    assert xs[1] == xs[2] == xs[3]
    assert ys[0] == ys[1] > ys[2] == ys[3]


def test_single_lanes_have_curves_without_bands(make_records: MakeRecords) -> None:
    drawn = draw_curves(analyse(make_records(lanes=1)).curves, STYLE)
    assert not [kind for kind in classes(drawn) if kind.startswith("band")]


def test_failed_lane_is_drawn_broken(failed_lane: RunRecords) -> None:
    drawn = draw_curves(analyse(failed_lane).curves, STYLE)
    assert "curve c1 broken" in classes(drawn)


def test_long_runs_get_a_logarithmic_axis(make_records: MakeRecords) -> None:
    drawn = draw_curves(analyse(make_records(lanes=2, evaluations=150)).curves, STYLE)
    assert "evaluations, logarithmic scale" in texts(drawn)


def test_scheme_cells_are_filled_where_connected(records: RunRecords) -> None:
    schemes = analyse(records).schemes
    found = classes(draw_schemes(schemes, (4, 4, 4)))
    assert found.count("on") == sum(item.bits.count("1") for item in schemes)
    assert found.count("off") == sum(item.bits.count("0") for item in schemes)


def test_stages_are_set_apart(records: RunRecords) -> None:
    drawn = draw_schemes(analyse(records).schemes[:1], (4, 4, 4))
    lefts = [float(item.get("x", "0")) for item in parse(drawn).iter("rect")]
    gaps = np.diff(lefts)
    assert set(np.flatnonzero(gaps > gaps.min() + 1)) == {3, 7}


def test_deep_networks_fit(make_records: MakeRecords) -> None:
    deep = replace(analyse(make_records()).schemes[0], bits="10" * 27)
    drawn = draw_schemes([deep], (18, 18, 18))
    root = parse(drawn)
    width = float((root.get("viewBox") or "").split()[2])
    ends = [float(item.get("x", "0")) + float(item.get("width", "0")) for item in root.iter("rect")]
    assert max(ends) < width


def test_accuracies_show_both_references_and_whiskers(records: RunRecords) -> None:
    analysis = analyse(records)
    drawn = draw_accuracies(analysis.schemes)
    assert {"Full-SA", "Original"} <= set(texts(drawn))
    assert sum(kind.startswith("whisker") for kind in classes(drawn)) == len(analysis.schemes)


def test_accuracies_of_one_seed_have_no_whiskers(make_records: MakeRecords) -> None:
    drawn = draw_accuracies(analyse(make_records(seeds=1)).schemes)
    # Full-SA differs from itself by nothing, whatever the noise.
    assert [kind for kind in classes(drawn) if kind.startswith("whisker")] == [
        "whisker v-reference"
    ]


def test_landscape_marks_every_ranked_lane(records: RunRecords) -> None:
    drawn = landscape_of(analyse(records))
    assert sum("found" in kind for kind in classes(drawn)) == 15
    assert "density" in classes(drawn)


def test_nothing_to_draw_draws_nothing() -> None:
    assert not draw_curves([], {})
    assert not draw_schemes([], (4,))
    assert not draw_accuracies([])
    assert not draw_trust([], ANSWERS, "trust")


def test_long_names_are_shortened() -> None:
    assert short("simulated-annealing-with-restarts") == "simulated-anneali…"
    assert short("ean") == "ean"

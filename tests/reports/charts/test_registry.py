from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from benchmark.records.run import Interval, RunRecords
from reports.charts.chart import RunChart, drawn_strategies
from reports.charts.convergence import AGREEMENT, convergence_table
from reports.charts.curves import draw_curves
from reports.charts.landscape import landscape_table
from reports.charts.registry import CHARTS, figures, run_charts
from reports.charts.times import draw_times
from reports.charts.trust import trust_points_table
from reports.numbers.analysis import analyse
from reports.numbers.times import SearchTime
from reports.tables.table import to_csv

MakeRecords = Callable[..., RunRecords]


def search_time(strategy: str, seconds: float, training: float = 40.0) -> SearchTime:
    share = seconds / training if training else None
    spread = Interval(seconds, seconds, seconds)
    return SearchTime(strategy, spread, None, 60.0, training, share, lanes=1)


@pytest.fixture(scope="module")
def whole(two_modes: RunRecords) -> dict[str, RunChart]:
    return run_charts(analyse(two_modes))


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_a_table_of_its_name_with_described_columns(
    name: str, whole: dict[str, RunChart]
) -> None:
    table = whole[name].table
    assert table.name == whole[name].chart.name == name
    assert table.rows
    assert len({column.key for column in table.columns}) == len(table.columns)
    assert all(column.description for column in table.columns)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert to_csv(table).count("\n") == len(table.rows) + 1


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_sound_described_and_has_a_caption(
    name: str, whole: dict[str, RunChart]
) -> None:
    for drawing in whole[name].drawings:
        root = ET.fromstring(drawing.figure)
        title, description = root[0], root[1]
        assert root.get("role") == "img"
        assert title.get("id") == f"{drawing.name}-title"
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert title.text
        assert description.text
        assert drawing.caption.endswith(".")


def test_a_run_with_everything_has_every_chart(two_modes: RunRecords) -> None:
    assert set(figures(run_charts(analyse(two_modes)))) == {
        *("curves", "curves-seconds", "ranks", "agreement", "distinct", "times", "sparsity"),
        *("front-0", "schemes", "accuracies", "landscape-0", "ratios-0", "scores-0"),
        *("trust-own-0", "trust-own-1", "trust-outside-0", "trust-outside-1"),
    }


def test_charts_without_data_are_left_out(records: RunRecords) -> None:
    bare = replace(records, lanes=[], oracles=[], standalone=[], costs=[], candidates={})
    assert figures(run_charts(analyse(bare))) == {}


def test_all_that_is_drawn_of_a_strategy_carries_its_name(records: RunRecords) -> None:
    analysis = analyse(records)
    drawn = draw_curves(analysis.convergence.agreement, {"ean": 0, "ga": 1}, AGREEMENT)
    groups = [item.get("data-strategy") for item in ET.fromstring(drawn).findall("g")]
    assert groups == ["ean", "ga"]
    assert "random" not in drawn


def test_colours_follow_the_command_line_and_not_the_rank(make_records: MakeRecords) -> None:
    few = analyse(make_records(strategies={"b": 0.5, "a": 0.9}, lanes=2, tabulated=False))
    assert drawn_strategies(few) == {"b": 0, "a": 1}


def test_bars_are_as_long_as_the_seconds_they_stand_for() -> None:
    times = [search_time("ean", 10.0), search_time("ga", 20.0)]
    drawn = ET.fromstring(draw_times(times, {"ean": 0, "ga": 1}))
    training, ean, ga = (float(bar.get("width") or 0) for bar in drawn.iter("rect"))
    assert (ean / training, ga / training) == pytest.approx((0.25, 0.5), rel=0.01)
    words = [item.text for item in drawn.iter("text")]
    assert {"40.0 s", "10.0 s (25.0%)", "20.0 s (50.0%)"} <= set(words)


def test_no_search_that_took_time_is_said_to_have_taken_none() -> None:
    drawn = draw_times([search_time("ean", 0.03, training=0.0)], {"ean": 0})
    assert "< 0.1 s" in [item.text for item in ET.fromstring(drawn).iter("text")]
    assert "0.0 s" not in drawn


def test_no_times_give_no_bars() -> None:
    assert draw_times([search_time("ean", 0.0, training=0.0)], {"ean": 0}) == ""


def test_a_run_that_has_only_begun_has_tables_without_rows(unfinished: RunRecords) -> None:
    rows = {name: len(chart.table.rows) for name, chart in run_charts(analyse(unfinished)).items()}
    assert rows["curves"] > 0
    assert rows["trust-points"] == 0


def test_landscape_counts_every_scheme_once(records: RunRecords) -> None:
    rows = landscape_table(analyse(records)).records()
    assert sum(int(str(row["schemes"])) for row in rows) == 4096
    assert sum(int(str(row["schemes"])) for row in rows if row["connections"] == 6) == 924


def test_convergence_joins_both_curves_by_evaluation(records: RunRecords) -> None:
    rows = convergence_table(analyse(records)).records()
    first, last = rows[0], rows[59]
    assert (first["evaluations"], first["agreement"]) == (1, None)
    assert last["evaluations"] == 60
    assert last["agreement"] is not None


def test_points_of_trust_name_where_they_were_trained(two_modes: RunRecords) -> None:
    rows = trust_points_table(analyse(two_modes)).records()
    assert {row["trained"] for row in rows} == {"here", "elsewhere.json"}
    assert {row["batch_norm"] for row in rows} == {"recalibrated", "running"}

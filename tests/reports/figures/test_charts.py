from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from benchmark.records.run import Interval, RunRecords
from reports.figures.charts import charts, drawn_strategies
from reports.figures.search import AGREEMENT, draw_curves
from reports.figures.times import draw_times
from reports.numbers.analysis import analyse
from reports.numbers.times import SearchTime

MakeRecords = Callable[..., RunRecords]


def search_time(strategy: str, seconds: float, training: float = 40.0) -> SearchTime:
    share = seconds / training if training else None
    spread = Interval(seconds, seconds, seconds)
    return SearchTime(strategy, spread, None, 60.0, training, share, lanes=1)


def test_a_run_with_everything_has_every_chart(two_modes: RunRecords) -> None:
    assert list(charts(analyse(two_modes))) == [
        *("curves", "curves-seconds", "ranks", "agreement", "distinct", "times", "sparsity"),
        *("front-0", "schemes", "accuracies", "landscape-0", "ratios-0", "scores-0"),
        *("trust-own-0", "trust-own-1", "trust-outside-0", "trust-outside-1"),
    ]


def test_charts_without_data_are_left_out(records: RunRecords) -> None:
    bare = replace(records, lanes=[], oracles=[], standalone=[], costs=[], candidates={})
    assert charts(analyse(bare)) == {}


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


def test_no_times_give_no_bars() -> None:
    assert draw_times([search_time("ean", 0.0, training=0.0)], {"ean": 0}) == ""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from jaxtyping import Bool, Float64
from rich.console import Console

from benchmark.basics.errors import UsageError
from benchmark.records.objective import Objective
from benchmark.records.objectives import OBJECTIVES
from benchmark.records.run import RunRecords
from reports.compare.comparison import compare
from reports.compare.comparison_report import ComparisonReport
from reports.numbers.member import Member
from tests.reports.conftest import cut
from tests.reports.pages.test_report import Balanced

MakeRecords = Callable[..., RunRecords]


def varied(records: RunRecords, facts: dict[str, Any] | None = None, **settings: Any) -> RunRecords:
    """The same run with other facts of the task and other settings."""
    return replace(
        records,
        facts=records.facts | (facts or {}),
        settings=records.settings | settings,
        experiment=f"{facts}{settings}",
    )


def on_other_supernets(records: RunRecords, **facts: Any) -> RunRecords:
    """The same run on supernets of another identity; ``facts`` of its oracles changed."""
    oracles = [
        replace(oracle, identity=f"other {oracle.identity}", facts=oracle.facts | facts)
        for oracle in records.oracles
    ]
    return replace(records, oracles=oracles)


@pytest.fixture(scope="module")
def two_tasks(records: RunRecords) -> list[Member]:
    """Digits, and the same searches under another task's name."""
    other = on_other_supernets(varied(records, {"task": "cifar100", "fingerprint": "cc"}))
    return [Member("a", records), Member("b", other)]


def refusal(*runs: RunRecords) -> str:
    members = [Member(f"run {number}", run) for number, run in enumerate(runs)]
    with pytest.raises(UsageError) as error:
        compare(members)
    return str(error.value)


def test_other_splits_of_a_task_are_refused_by_their_fingerprints(records: RunRecords) -> None:
    one, other = (varied(records, {"fingerprint": mark}) for mark in ("aa11", "bb22"))
    message = refusal(one, other)
    assert "digits is split differently: aa11 in run 0, bb22 in run 1" in message
    assert message.endswith("--mix splits compares them all the same")


@pytest.mark.parametrize(
    ("kind", "settings", "environment", "said"),
    [
        ("objectives", {"objective_weight": 0.5}, {}, "different rewards: λ 0.02 in"),
        ("budgets", {"budget": 30}, {}, "60 evaluations in a, 30 evaluations in b"),
        ("code", {}, {"code": "ffff"}, "versions of the code or of torch: unknown in a, ffff in b"),
    ],
)
def test_what_must_not_be_mixed_is_refused_or_said_on_the_page(
    records: RunRecords,
    kind: str,
    settings: dict[str, Any],
    environment: dict[str, Any],
    said: str,
) -> None:
    other = replace(
        varied(on_other_supernets(records), None, **settings),
        environment=records.environment | environment,
    )
    members = [Member("a", records), Member("b", other)]
    with pytest.raises(UsageError, match=f"--mix {kind} compares"):
        compare(members)
    report = ComparisonReport(members, allowed=[kind])
    assert said in report.headline[0]
    assert report.headline[0].startswith(f"Mixed on request ({kind})")


@final
class _Dense(Objective):
    """Connections, which the other objective takes for a price, as a gain."""

    formula = "accuracy + λ · fraction of connected blocks"

    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        rewards: Float64[np.ndarray, " schemes"] = accuracy + 0.02 * schemes.mean(axis=1)
        return rewards

    @property
    def traits(self) -> dict[str, float]:
        return {"λ": 0.02}


def test_objectives_that_weigh_other_things_alike_are_not_one_problem(
    records: RunRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OBJECTIVES, "dense", f"{__name__}:_Dense")
    other = varied(on_other_supernets(records), objective="dense")
    assert "of unconnected blocks (λ 0.02) in run 0, " in refusal(records, other)
    members = [Member("a", records), Member("b", other)]
    found = compare(members, allowed=["objectives"])
    assert [problem.label.partition(", ")[2] for problem in found.problems] == [
        records.objective.formula,
        _Dense.formula,
    ]


def test_an_unknown_kind_to_mix_is_refused(two_tasks: list[Member]) -> None:
    with pytest.raises(UsageError, match=r"splits, objectives.*received 'tasks'"):
        compare(two_tasks, allowed=["tasks"])


def test_ranks_come_from_every_cell_and_from_every_problem(two_tasks: list[Member]) -> None:
    found = compare(two_tasks)
    assert [problem.label for problem in found.problems] == ["digits", "cifar100"]
    assert found.over_cells.cells == 10
    assert found.over_problems.cells == 2
    assert found.over_cells.missing == ()
    assert sum(mean.center for mean in found.over_cells.mean) == pytest.approx(6)
    # Both problems hold the same searches, so means over problems rank as one problem does.
    alone = found.problems[0].ranking
    assert [s.strategy for s in alone.standings] == list(found.over_problems.strategies)
    assert [mean.center for mean in found.over_problems.mean] == [1, 2, 3]


def test_runs_on_one_supernet_share_their_cells(records: RunRecords) -> None:
    """Strategies of two runs meet in the cells of the oracle that both asked."""

    def only(*names: str) -> RunRecords:
        kept = [lane for lane in records.lanes if lane.key.strategy in names]
        return replace(records, lanes=kept, experiment=str(names))

    apart = compare([Member("a", only("ean", "ga")), Member("b", only("random", "ga"))])
    assert len(apart.problems) == 1
    assert apart.problems[0].repeated == 5
    together = compare([Member("a", records), Member("again", records)])
    assert together.problems[0].repeated == 15
    assert apart.over_cells == together.over_cells
    assert apart.over_cells.cells == 5


def test_a_strategy_that_a_problem_lacks_is_not_ranked_across_problems(
    two_tasks: list[Member],
) -> None:
    ours, theirs = two_tasks
    fewer = [lane for lane in theirs.records.lanes if lane.key.strategy != "ga"]
    report = ComparisonReport(
        [ours, Member("b", replace(theirs.records, lanes=fewer, experiment="fewer"))]
    )
    assert report.comparison.shared == ("ean", "random")
    assert any(text.startswith("ga was not run on every problem") for text in report.headline)
    gap = [row for row in report.tables[3].records() if row["why"]]
    assert [(row["problem"], row["strategy"], row["why"]) for row in gap] == [
        ("cifar100", "ga", "not run on this problem")
    ]


def test_problems_are_averaged_over_cells_that_all_were_run_on(records: RunRecords) -> None:
    """`ga` with fewer seeds than its rivals: the others' means leave their further seeds out.

    Both runs are of one problem, on a supernet each: four cells.
    """
    few = [
        lane for lane in records.lanes if lane.key.strategy != "ga" or lane.key.strategy_seed < 2
    ]
    same = [lane for lane in few if lane.key.strategy_seed < 2]
    uneven, even = (
        ComparisonReport([Member("a", run), Member("b", on_other_supernets(run))])
        for run in (replace(records, lanes=lanes) for lanes in (few, same))
    )
    assert uneven.comparison.over_problems == even.comparison.over_problems
    assert uneven.comparison.over_problems.missing == ()
    assert "were run on: 4 on digits" in uneven.tables[2].caption


def test_failed_and_running_lanes_are_missing_cells(
    failed_lane: RunRecords, two_tasks: list[Member]
) -> None:
    other = two_tasks[1].records
    halted = [
        cut(lane, 10, state="running") if lane.key.strategy_seed == 4 else lane
        for lane in other.lanes
    ]
    running = replace(other, lanes=halted, finished=False)
    report = ComparisonReport([Member("a", failed_lane), Member("b", running)])
    ranks = report.comparison.over_cells
    assert ranks.cells == 10 - 2
    assert (("digits", 0, 1), "ga") in ranks.missing
    assert {cell for cell, _ in ranks.missing} == {("digits", 0, 1), ("cifar100", 0, 4)}
    assert report.headline[0].startswith("b is unfinished: 12 of 15 lanes ended")
    assert "ga on digits (supernet 0, seed 1)" in report.tables[1].caption
    why = [row["why"] for row in report.tables[3].records() if row["missing"]]
    assert "1 failed: StrategyError: no <parents> left & | gone" in why
    assert why.count("1 still at work") == 3


def test_a_strategy_with_other_settings_has_another_name(two_tasks: list[Member]) -> None:
    ours, theirs = two_tasks
    tuned = varied(theirs.records, None, set={"ean": {"learning_rate": 0.1}})
    found = compare([ours, Member("b", tuned)])
    assert found.strategies == ("ga", "random", "ean", "ean (learning_rate=0.1)")


def test_what_sets_problems_apart_is_in_their_names(records: RunRecords) -> None:
    other = on_other_supernets(records, **{"batch norm": "running"})
    found = compare([Member("a", records), Member("b", other)])
    assert [problem.label for problem in found.problems] == [
        *("digits, recalibrated", "digits, running"),
    ]


def test_budgets_are_compared_at_the_smaller_one(records: RunRecords) -> None:
    long = on_other_supernets(records)
    short = replace(
        varied(records, None, budget=30), lanes=[cut(lane, 30) for lane in records.lanes]
    )
    (problem,) = compare(
        [Member("long", long), Member("short", short)], allowed=["budgets"]
    ).problems
    assert problem.horizon == 30
    assert {lane.evaluations for lane in problem.ranking.lanes} == {30}
    rewards = [lane.reward for lane in problem.ranking.lanes]
    assert rewards[:15] == rewards[15:]


def test_page_and_tables_hold_every_problem(two_tasks: list[Member], tmp_path: Path) -> None:
    report = ComparisonReport(two_tasks)
    paths = report.write(tmp_path / "new")
    assert [path.name for path in paths] == [
        *("compare.html", "compare.md", "runs.csv", "ranks.csv", "ranks-problems.csv"),
        *("results.csv", "trained.csv", "cells.csv", "curves-0.csv", "curves-1.csv"),
        "COLUMNS.md",
    ]
    parsed = Balanced()
    parsed.feed(paths[0].read_text(encoding="utf-8"))
    parsed.close()
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.tags.count("svg") == 4
    assert parsed.outside == []
    cells = list(csv.DictReader(io.StringIO(paths[7].read_text(encoding="utf-8"))))
    assert len(cells) == 30
    for number, problem in enumerate(report.comparison.problems):
        points = list(csv.DictReader(io.StringIO(paths[8 + number].read_text(encoding="utf-8"))))
        assert {row["strategy"] for row in points} == set(problem.strategies)
        last = {row["strategy"]: float(row["best_reward"]) for row in points}
        for item in problem.ranking.standings:
            assert item.reward is not None
            assert last[item.strategy] == pytest.approx(100 * item.reward.center)
        assert f'data-csv="curves-{number}"' in paths[0].read_text(encoding="utf-8")
    assert [path.read_bytes() for path in paths] == [
        path.read_bytes() for path in ComparisonReport(two_tasks).write(tmp_path / "again")
    ]
    console = Console(file=io.StringIO(), width=160)
    report.print(console)
    assert "Every problem" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.hostile
def test_names_are_text_everywhere(hostile: RunRecords, tmp_path: Path) -> None:
    other = on_other_supernets(varied(hostile, {"task": "<b>x</b>"}))
    members = [Member("</script><b>a</b>", hostile), Member("b", other)]
    paths = ComparisonReport(members).write(tmp_path)
    page = paths[0].read_text(encoding="utf-8")
    assert page.count("</script>") == page.count("<script") == 2
    for path in paths[:2]:
        assert "<b>" not in path.read_text(encoding="utf-8")


def test_runs_without_an_answer_are_compared_as_what_they_are(unfinished: RunRecords) -> None:
    empty = replace(unfinished, lanes=[cut(lane, 0) for lane in unfinished.lanes], oracles=[])
    report = ComparisonReport([Member("a", empty), Member("b", replace(empty, experiment="b"))])
    assert report.curve_tables[0].rows == ()
    assert any("Nothing can be ranked" in text for text in report.headline)
    assert report.comparison.over_cells.cells == 0
    assert report.comparison.over_cells.strategies == ("ean", "ga", "random")


def test_notebooks_get_sentences_a_figure_and_tables(two_tasks: list[Member]) -> None:
    report = ComparisonReport(two_tasks)
    fragment = report._repr_html_()
    assert '<img alt="Mean ranks and critical difference"' in fragment
    assert "data:image/svg+xml;base64," in fragment
    assert "Over 10 cells of these 2 problems" in fragment
    assert "<style" not in fragment
    assert report._repr_markdown_().startswith("# Ticket Benchmark: runs compared")


def test_whoever_shares_the_best_mean_rank_is_named(make_records: MakeRecords) -> None:
    same = make_records(strategies={"a": 0.8, "b": 0.8, "c": 0.3}, tabulated=False)
    other = on_other_supernets(varied(same, {"task": "cifar100", "fingerprint": "cc"}))
    first, across, *_ = ComparisonReport([Member("a", same), Member("b", other)]).headline
    assert "a and b share the best mean rank, 1.50 of 3; all others lie further behind" in first
    assert "a and b share the best mean rank, 1.50 of 3; they can't be told from c" in across


def test_latencies_of_runs_that_timed_nothing_come_from_no_machine(records: RunRecords) -> None:
    one = replace(records, environment=records.environment | {"processor": "A"})
    other = replace(one, environment=one.environment | {"processor": "B"}, experiment="other")

    def said(*runs: RunRecords) -> list[str]:
        members = [Member(str(number), run) for number, run in enumerate(runs)]
        return [text for text in ComparisonReport(members).headline if "Latencies" in text]

    assert said(one, other) == [
        "Latencies come from 2 machines (A and B): a ticket is one on the machine of its run."
    ]
    assert said(one, replace(other, costs=[])) == []

"""A real run as stops and losses leave it: its folder still has a report, and a comparison."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from tests.reports.stored import unpack
from tests.reports.test_states import NO_NUMBER, of
from tests.stored import store_run

_LEFT = "DELETE FROM facts WHERE key IN ('finished', 'answers', 'outside', 'gradcam')"
_TEN = (
    "DELETE FROM standalone WHERE scheme || seed NOT IN "
    "(SELECT scheme || seed FROM standalone ORDER BY seed, scheme LIMIT 10)"
)
_FEWER = (
    "DELETE FROM journal WHERE lane IN (SELECT lane FROM lanes WHERE strategy_seed > 1)",
    "DELETE FROM lanes WHERE strategy_seed > 1",
)
STATES = {
    "one seed": ["DELETE FROM standalone WHERE seed > 0"],
    "killed after ten trainings": [_TEN, "DELETE FROM costs", _LEFT],
    "killed before the first training": ["DELETE FROM standalone", "DELETE FROM costs", _LEFT],
    "killed while it searched": [
        *("DELETE FROM standalone", "DELETE FROM costs", _LEFT),
        "DELETE FROM facts WHERE key IN ('candidates', 'oracles')",
        "DELETE FROM journal WHERE call > 3",
        "UPDATE lanes SET state = 'running'",
    ],
    "no answer is a number": ["UPDATE journal SET accuracy = NULL, loss = NULL"],
    "one scheme is as good as another": ["UPDATE journal SET accuracy = 0.5"],
}


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the stored run with two lanes a strategy, in a state."""

    @cache
    def make(state: str) -> Path:
        folder = tmp_path_factory.mktemp(state.replace(" ", "-"))
        with closing(sqlite3.connect(unpack(folder))) as store, store:
            (text,) = store.execute("SELECT value FROM facts WHERE key = 'description'").fetchone()
            known = json.loads(text)
            known["lanes"] = [key for key in known["lanes"] if key["strategy_seed"] < 2]
            store.execute(
                "UPDATE facts SET value = ? WHERE key = 'description'", (json.dumps(known),)
            )
            for statement in [*_FEWER, *STATES[state]]:
                store.execute(statement)
        return folder

    return make


@pytest.fixture(scope="module")
def said(left: Callable[[str], Path]) -> Callable[[str], str]:
    """What `report` says of a state, its page and files beside it."""

    @cache
    def report(state: str) -> str:
        shown = CliRunner().invoke(main, ["report", str(left(state))])
        assert shown.exit_code == 0, shown.output
        return shown.output

    return report


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_report(
    state: str, left: Callable[[str], Path], said: Callable[[str], str]
) -> None:
    for text in (said(state), (left(state) / "report.md").read_text(encoding="utf-8")):
        assert NO_NUMBER.findall(text) == []


def test_a_killed_run_speaks_of_what_it_has(
    left: Callable[[str], Path], said: Callable[[str], str]
) -> None:
    state = "killed after ten trainings"
    text = " ".join(said(state).split())
    assert "6 of 6 lanes finished, 10 of 36 trainings done" in text
    assert "No candidate has been trained" not in text
    page = (left(state) / "report.html").read_text(encoding="utf-8")
    assert "Inference time was not measured yet." in page
    assert "Every latency interval" not in page
    assert "the intervals overlap" not in page
    assert "Full-SA, which savings are counted from, has not been trained yet." in page


def test_one_seed_has_no_intervals_that_overlap(
    left: Callable[[str], Path], said: Callable[[str], str]
) -> None:
    text = " ".join(said("one seed").split())
    assert "One stand-alone seed gives no interval: train more seeds to decide." in text
    assert "overlap" not in text
    page = (left("one seed") / "report.html").read_text(encoding="utf-8")
    assert "no intervals, which take several seeds of several schemes" in page
    assert "degrees of freedom" not in page.partition('id="methods"')[0]
    assert "test accuracy minus Full-SA (points)<" in page


def test_states_are_compared_with_the_whole_run(
    left: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    unpack(tmp_path / "whole")
    folders = [tmp_path / "whole", left("killed while it searched"), left("one seed")]
    given = ["compare", *map(str, folders), "--out", str(tmp_path / "compared")]
    shown = CliRunner().invoke(main, given)
    assert shown.exit_code == 0, shown.output
    assert NO_NUMBER.findall(shown.output) == []


def test_papers_are_written_without_a_number_too(
    left: Callable[[str], Path], tmp_path: Path
) -> None:
    folder, paper = left("no answer is a number"), tmp_path / "paper"
    shown = CliRunner().invoke(main, ["report", str(folder), "--paper", str(paper)])
    assert shown.exit_code == 0, shown.output
    for path in [*paper.glob("*.tex"), *paper.glob("data/*.csv"), *paper.glob("figures/*.svg")]:
        assert NO_NUMBER.findall(path.read_text(encoding="utf-8")) == [], path


def test_studies_and_progress_of_a_run_without_a_number(tmp_path: Path) -> None:
    folder = store_run(of(answers=1, lanes=2), tmp_path / "run")
    given = ["export", str(folder), "--optuna", str(tmp_path / "studies.log")]
    shown = CliRunner().invoke(main, given)
    assert shown.exit_code == 0, shown.output
    seen = CliRunner().invoke(main, ["watch", str(folder), "--once"])
    assert seen.exit_code == 0, seen.output
    assert "best reward so far" not in seen.output
    assert NO_NUMBER.findall(seen.output) == []

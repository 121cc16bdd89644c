import io
import threading
import time

import pytest
from rich.console import Console

from benchmark.watching import live
from benchmark.watching.live import LiveProgress


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def pipe() -> Console:
    return Console(file=io.StringIO(), width=100)


def test_a_pipe_gets_one_line_for_each_finished_stage(pipe: Console) -> None:
    progress = LiveProgress(pipe)
    with progress.bars, progress.stage("Scoring every scheme", 4096, "schemes") as advance:
        advance(4000)
        advance(96)
    assert _shown(pipe).startswith("Scoring every scheme: 4,096 schemes in 0.")


def test_a_stage_that_was_done_before_says_so(pipe: Console) -> None:
    progress = LiveProgress(pipe)
    with progress.bars, progress.stage("Training supernet 1 of 1", 30, "epochs"):
        pass
    assert "found, not repeated; 30 epochs" in _shown(pipe)


def test_a_stage_without_work_shows_nothing(pipe: Console) -> None:
    progress = LiveProgress(pipe)
    with progress.bars, progress.stage("Searching", 0, "evaluations") as advance:
        advance(0)
    assert _shown(pipe) == ""


def test_a_terminal_shows_what_is_running_and_how_far_it_is() -> None:
    terminal = Console(file=io.StringIO(), width=120, force_terminal=True)
    progress = LiveProgress(terminal)
    with progress.bars, progress.stage("Searching", 20, "evaluations") as advance:
        advance(5)
        progress.bars.refresh()
    shown = _shown(terminal)
    assert "Searching" in shown
    assert "5/20" in shown
    assert "left:" in shown


def _lines(pipe: Console, number: int) -> list[str]:
    """What has been said, once that are so many lines."""
    until = time.monotonic() + 30
    while len(lines := _shown(pipe).splitlines()) < number and time.monotonic() < until:
        time.sleep(0.005)
    return lines


def test_a_pipe_hears_from_time_to_time_what_is_running_and_how_far_it_is(
    pipe: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY", 0.02)
    now = [100.0]
    monkeypatch.setattr(live, "perf_counter", lambda: now[0])
    progress = LiveProgress(pipe)
    with progress.bars, progress.stage("Searching", 3000, "evaluations") as advance:
        assert _lines(pipe, 1)[0] == "Searching: 0 of 3,000 evaluations after 0 s"
        now[0] = 110.0
        advance(1000)  # found done: no measure of how fast it goes on
        first = len(_lines(pipe, 1))
        assert _lines(pipe, first + 2)[-1] == "Searching: 1,000 of 3,000 evaluations after 10 s"
        now[0] = 140.0
        advance(500)  # in 30 s, so that 1500 take 90
        first = len(_lines(pipe, 1))
        said = _lines(pipe, first + 2)[-1]
        assert said == "Searching: 1,500 of 3,000 evaluations after 40 s, about 2 min left"
        now[0] = 180.0  # and 40 of them have gone by
        first = len(_lines(pipe, 1))
        assert _lines(pipe, first + 2)[-1].endswith("after 80 s, about 50 s left")
    assert _shown(pipe).splitlines()[-1] == "Searching: 1,500 evaluations in 80.0 s"


def test_nothing_goes_on_speaking_after_a_stage_even_one_that_fails(
    pipe: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY", 0.01)
    before = threading.active_count()
    progress = LiveProgress(pipe)
    with pytest.raises(ZeroDivisionError), progress.stage("Searching", 2, "evaluations"):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_lines_come_once_a_minute_at_least() -> None:
    assert live.EVERY < 60

import io

import pytest
from rich.console import Console

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

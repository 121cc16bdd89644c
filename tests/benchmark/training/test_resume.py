"""Training that was stopped and goes on equals training that never stopped, bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.basics.errors import StoreError, UsageError
from benchmark.supernet.train import SupernetSpec, frozen_supernet, train_supernet
from benchmark.training import Checkpoint, Figures, Watch
from tasks.base import Task
from tests.benchmark.training.tiny import SPEC, same, spec, tiny_task

RECIPES = {
    "adamw, one-cycle": SPEC,
    "momentum, cosine": spec(optimizer="sgd", schedule="cosine", learning_rate=0.1),
    "nesterov, milestones, two parts": spec(
        optimizer="nesterov", schedule="multi-step", milestones=(1, 3), accumulate=2
    ),
    "bf16": spec(precision="bf16"),
    "fp16": spec(precision="fp16"),
    "shared SGE": SupernetSpec(
        SPEC.task,
        type(SPEC.network)(SPEC.network.backbone, "sge", reduction=2, sharing="share"),
        SPEC.recipe,
        retain=0.5,
        root_seed=0,
        seed=1,
    ),
}


class Interrupted(Exception):  # noqa: N818 - what happens to it, not an error of ours
    pass


@pytest.fixture(scope="module")
def task() -> Task:
    return tiny_task()


def _stopping(after: int) -> Watch:
    steps = 0

    def step(_: int) -> None:
        nonlocal steps
        steps += 1
        if steps == after:
            raise Interrupted

    return Watch(images=step)


@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_in_the_middle_of_an_epoch(task: Task, tmp_path: Path, name: str) -> None:
    wanted, _ = train_supernet(RECIPES[name], task)
    checkpoint = Checkpoint(tmp_path / "state", "a supernet")
    for after in (1, 6, 7):
        # Before the first checkpoint, in the second epoch, and in the third.
        with pytest.raises(Interrupted):
            train_supernet(RECIPES[name], task, checkpoint=checkpoint, watch=_stopping(after))
    figures: list[Figures] = []
    again: list[tuple[int, int]] = []
    watch = Watch(lambda epochs, steps: again.append((epochs, steps)), epoch=figures.append)
    network, _ = train_supernet(RECIPES[name], task, checkpoint=checkpoint, watch=watch)
    assert again == [(2, 8)]
    assert [figure.epoch for figure in figures] == [3, 4]
    assert same(network, wanted)


_KILLED_IN_ITS_SEVENTH_STEP = """
import os, signal, sys
from pathlib import Path
from benchmark.supernet.train import frozen_supernet
from benchmark.training import Watch
from tests.benchmark.training.tiny import SPEC, tiny_task

steps = []
def step(images):
    steps.append(images)
    if len(steps) == 7:
        os.kill(os.getpid(), signal.SIGKILL)
frozen_supernet(SPEC, tiny_task(), Path(sys.argv[1]), watch=Watch(images=step))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_what_the_next_one_goes_on_from(task: Task, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", _KILLED_IN_ITS_SEVENTH_STEP, str(tmp_path)]
    killed = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {".checkpoint", ".lock"}
    again: list[tuple[int, int]] = []
    watch = Watch(resumed=lambda epochs, steps: again.append((epochs, steps)))
    frozen = frozen_supernet(SPEC, task, tmp_path, watch=watch)
    assert again == [(1, 4)]
    assert same(frozen.load(), train_supernet(SPEC, task)[0])
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".lock"}


def test_seconds_before_an_interruption_count(task: Task, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", "a supernet")
    _, seconds = train_supernet(SPEC, task, checkpoint=checkpoint)
    _, all_seconds = train_supernet(SPEC, task, checkpoint=checkpoint)
    assert seconds > 0
    assert all_seconds == seconds


@pytest.fixture(scope="module")
def whole(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    checkpoint = Checkpoint(tmp_path_factory.mktemp("whole") / "state", "a supernet")
    train_supernet(SPEC, task, checkpoint=checkpoint)
    return checkpoint


def test_a_checkpoint_of_something_else_is_refused(task: Task, whole: Checkpoint) -> None:
    with pytest.raises(StoreError, match="belongs to a supernet, not to another"):
        train_supernet(SPEC, task, checkpoint=Checkpoint(whole.path, "another"))


@pytest.mark.parametrize("kept", [0, 7, 5_000])
def test_a_damaged_checkpoint_is_named_with_the_way_out(
    task: Task, whole: Checkpoint, tmp_path: Path, kept: int
) -> None:
    path = tmp_path / "state"
    path.write_bytes(whole.path.read_bytes()[:kept])
    with pytest.raises(StoreError, match=r"state is no intact checkpoint .*; delete it to start"):
        train_supernet(SPEC, task, checkpoint=Checkpoint(path, "a supernet"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on files")
def test_a_disk_that_fills_up_keeps_the_former_checkpoint(task: Task, tmp_path: Path) -> None:
    """The operating system refuses the write half-way: here through the limit of file sizes."""
    import resource  # noqa: PLC0415 - not on Windows

    checkpoint = Checkpoint(tmp_path / "state", "a supernet")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def epoch(figures: Figures) -> None:
        if figures.epoch == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))

    try:
        with pytest.raises(UsageError, match=r"can't write .*state .*; the state after epoch 2 is"):
            train_supernet(SPEC, task, checkpoint=checkpoint, watch=Watch(epoch=epoch))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    network, _ = train_supernet(SPEC, task, checkpoint=checkpoint)
    assert same(network, train_supernet(SPEC, task)[0])

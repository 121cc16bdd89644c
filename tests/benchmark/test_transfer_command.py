"""`transfer` from the digits to both stand-ins and both generated trees: the same command."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from click.testing import CliRunner, Result

from benchmark.cli import main
from tasks.base import TaskSpec
from tasks.registry import load_task
from tests.benchmark.sample_tickets import REACHED, SCHEME, TICKET
from tests.tasks.crowd.trees import crowd_tree
from tests.tasks.trees import imagenet_tree
from tests.tasks.voc.trees import voc_tree

FIGURES = {
    "digits-crowd": ("mae", "root_mean_squared_error"),
    "digits-voc": ("miou", "macc", "allacc"),
}
NETWORKS = ["Original", "Full-SA", "Full-Share", "Ticket"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a ticket of the digits and one of an ImageNet backbone."""
    folder = tmp_path_factory.mktemp("transfer")
    _write_ticket(folder / "digits.json", "111000001001", (4, 4, 4), {"task": "digits"})
    other = {"task": "imagenet", "backbone": "resnet18", "sharing": "share"}
    _write_ticket(folder / "imagenet.json", "11000001", (2, 2, 2, 2), other)
    return folder


def _write_ticket(path: Path, bits: str, stages: tuple[int, ...], settings: dict[str, str]) -> None:
    trainings, costs = (
        tuple(
            replace(record, bits=bits if record.bits == SCHEME else "1" * len(bits))
            for record in records
        )
        for records in (REACHED, TICKET.costs)
    )
    changed = {"scheme": bits, "blocks_per_stage": stages, "settings": settings}
    TICKET.model_copy(update=changed | {"trainings": trainings, "costs": costs}).write(path)


def transferred(folder: Path, ticket: str, task: str, *options: str) -> Result:
    out = folder / f"out-{task}"
    return CliRunner().invoke(
        main,
        [
            *("transfer", str(folder / ticket), "--task", task, *options),
            *("--out", str(out), "--cache", str(folder / "cache"), "--workers", "1"),
        ],
    )


def _rows(folder: Path, task: str, name: str = "transfer") -> list[dict[str, str]]:
    text = (folder / f"out-{task}" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("task", list(FIGURES))
def test_a_ticket_of_the_digits_is_carried_in_one_command(folder: Path, task: str) -> None:
    ran = transferred(folder, "digits.json", task, "--smoke")
    assert ran.exit_code == 0, ran.output
    _check(folder, task)
    page = (folder / f"out-{task}" / "transfer.html").read_text(encoding="utf-8")
    assert f"{task} with weights from digits" in page


@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "tree", "options"),
    [
        ("shanghaitech-a", crowd_tree, ("--task-option", "window=256")),
        ("voc2012", voc_tree, ()),
    ],
)
def test_a_ticket_of_imagenets_backbone_is_carried_to_generated_trees(
    folder: Path, task: str, tree: Callable[[Path], Path], options: Sequence[str]
) -> None:
    images = folder / "imagenet"
    if not images.exists():
        imagenet_tree(images, "folders")
    data = ("--data", str(tree(folder / f"data-{task}")), "--source-data", str(images))
    ran = transferred(folder, "imagenet.json", task, "--smoke", *data, *options)
    assert ran.exit_code == 0, ran.output
    _check(folder, task)


def _check(folder: Path, task: str) -> None:
    rows = _rows(folder, task)
    assert [row["network"] for row in rows] == NETWORKS
    figures = FIGURES["digits-voc" if "voc" in task else "digits-crowd"]
    for row in rows:
        failed = row["failed"] != "0"
        assert failed == bool(row["why"])
        assert failed or all(row[figure] for figure in figures)


@pytest.mark.long
def test_transfers_of_the_digits_beat_the_trivial_predictors_clearly(
    folder: Path, tmp_path: Path
) -> None:
    copy(folder / "digits.json", tmp_path)
    for task in FIGURES:
        ran = transferred(tmp_path, "digits.json", task, "--seeds", "1", "--confidence", "0.9")
        assert ran.exit_code == 0, ran.output
    for row in _rows(tmp_path, "digits-voc"):
        # All background, which 85% of pixels are, is worth an eleventh of that.
        assert float(row["miou"]) > 3 * 100 / 11
    test = load_task(TaskSpec("digits-crowd", cache=str(tmp_path / "cache"))).test()
    counts = np.concatenate([maps.sum((1, 2, 3)).numpy() for _, maps in test.batches(1)])
    # No constant has a smaller mean absolute error than the median.
    trivial = np.abs(counts - np.median(counts)).mean()
    for row in _rows(tmp_path, "digits-crowd"):
        assert float(row["mae"]) < trivial / 2


@pytest.mark.parametrize(
    ("ticket", "options", "message"),
    [
        ("absent", ("--task", "digits-voc"), "can't read a ticket from"),
        ("digits.json", ("--task", "digit-voc"), "did you mean 'digits-voc'?"),
        ("digits.json", ("--task", "voc2012", "--data", "nowhere"), "nowhere"),
        ("digits.json", ("--task", "digits-voc", "--data", "x"), "comes with its data"),
        ("digits.json", ("--task", "digits-voc", "--scheme", "101"), "expected a scheme of 12"),
        ("digits.json", ("--task", "digits-voc", "--candidates", "1"), "is a ticket file"),
        (
            "digits.json",
            ("--task", "digits-voc", "--seeds", "0"),
            "--seeds: expected a whole number",
        ),
        (".", ("--task", "digits-voc"), "holds no run (run.sqlite is missing)"),
    ],
)
def test_bad_input_is_one_clear_line(
    folder: Path, ticket: str, options: Sequence[str], message: str
) -> None:
    arguments = ["transfer", str(folder / ticket), *options, "--cache", str(folder / "cache")]
    ran = CliRunner().invoke(main, [*arguments, "--out", str(folder / "bad")])
    assert ran.exit_code == 2
    assert message in ran.output
    assert "Traceback" not in ran.output
    assert ran.output.count("\n") == 1

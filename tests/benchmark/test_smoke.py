"""The whole path, from foreign files to the report, on a few images and steps."""

import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmark import Settings, run
from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.commands.options import given_values
from benchmark.planning.estimate import Estimate
from benchmark.planning.plan import recipes, task_spec
from benchmark.planning.rates import A100, EFFICIENCY, GTX_1080_TI, Device, Workload, counted
from benchmark.planning.recipes import RECIPES
from benchmark.records.settings import RecipeChanges
from benchmark.records.ticket import read_ticket
from benchmark.standalone.costs import count_flops
from benchmark.training.optimizers import rate_factor
from reports.numbers.tickets import ticket_file, ticket_schemes
from tasks.recipes import Recipe
from tasks.registry import TASKS, outlined, task_class
from tests.tasks.trees import LAYOUTS, cifar_tree, imagenet_tree

SMALL = ("--backbone", "resnet26-thin", "--strategies", "random", "--workers", "1")


def _smoke(task: str, data: Path, out: Path) -> None:
    arguments = ["run", "--smoke", "--task", task, "--data", str(data), "--out", str(out), *SMALL]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output


def test_cifar100_becomes_a_report(tmp_path: Path) -> None:
    data, out = cifar_tree(tmp_path / "data"), tmp_path / "run"
    _smoke("cifar100", data, out)
    assert "cut to rows" in (out / "report.html").read_text()
    assert len((out / "validation.txt").read_text().splitlines()) == 200
    # The same data elsewhere are the same experiment.
    _smoke("cifar100", data.rename(tmp_path / "moved"), out)


def test_imagenet_becomes_a_report_and_every_layout_is_the_same_experiment(tmp_path: Path) -> None:
    first, *others = [imagenet_tree(tmp_path / layout, layout) for layout in LAYOUTS]
    _smoke("imagenet", first, tmp_path / "run")
    assert "cut to rows" in (tmp_path / "run" / "report.html").read_text()
    for data in others:
        # A folder that holds another experiment would be refused.
        _smoke("imagenet", data, tmp_path / "run")


def test_a_dry_run_prints_the_plan_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["run", "--recipe", "paper-resnet164-se", "--dry-run", *SMALL]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "resnet26-thin with se, full; retain probability 0.5; batch norm running" in words
    assert "1 run × 3,000 evaluations of 10,000 images" in words
    assert "164 epochs (sgd 0.1, batch 128" in words
    assert "multi-step at 81, 122" in words
    assert "GPU hours" in words
    assert list(tmp_path.iterdir()) == []


def _planned(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["run", "--dry-run", "--strategies", "random", *arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_plan_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.cifar100.download", None)  # not to be called
    monkeypatch.setenv("COLUMNS", "200")
    data, choice = tmp_path / "absent", ("--task-option", "download=yes")
    words = _planned("--task", "cifar100", *choice, "--data", str(data))
    assert "40,000 images to train on" in words
    assert f"as published: a run will fetch them into {data}" in words
    assert not data.exists()


def test_a_plan_counts_the_images_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("tasks.decoding.in_rgb", None)  # none is decoded
    data = str(imagenet_tree(tmp_path / "data"))
    arguments = ("--task", "imagenet", "--data", data)
    found = (
        f"Data: 3 classes, 24 images to train on, 6 to validate on, 6 to test on (found in {data})"
    )
    for more in ((), ("--skip-broken",), ("--recipe", "paper-resnet50-se")):
        words = _planned(*arguments, *more)
        assert found in words
        assert "evaluations of 6 images" in words
    assert "8 images to train on, 6 to validate on" in _planned(*arguments, "--smoke")
    published = _planned("--task", "imagenet")
    assert "1,000 classes, 1,181,167 images to train on, 100,000 to validate on" in published
    assert "as published: --data PATH counts yours" in published


def test_a_plan_is_of_the_work_that_a_run_has(tmp_path: Path) -> None:
    settings = Settings(task="imagenet", data=imagenet_tree(tmp_path / "data"), budget=10)
    estimate = Estimate(settings)
    supernets, _, standalone = estimate.steps
    forward = float(estimate.network.flops.sum())
    assert supernets.images == 40 * 24
    assert standalone.images == standalone.jobs * 120 * 24
    assert supernets.flops == 3 * forward * 40 * 24
    # Three classes instead of a thousand.
    assert forward == Estimate(Settings(task="imagenet")).network.flops.sum() - 2 * 2048 * 997


@pytest.mark.parametrize(
    ("task", "options", "share"),
    [
        ("voc2012", {"crop": "97"}, (13 / 60) ** 2),  # cells of 8×8, of which the last is cut
        ("shanghaitech-a", {"window": "256"}, 256**2 / (576 * 768)),
    ],
)
def test_a_plan_is_of_images_of_the_size_that_an_option_chooses(
    task: str, options: dict[str, str], share: float
) -> None:
    published, chosen = (Estimate(Settings(task=task, task_options=o)) for o in ({}, options))
    assert chosen.network.flops.sum() / published.network.flops.sum() == pytest.approx(
        share, rel=0.02
    )


def test_a_plan_is_of_the_recipe_that_an_option_chooses() -> None:
    settings = Settings(task="shanghaitech-b", task_options={"preset": "csrnet"})
    assert Estimate(settings).standalone_recipe.epochs == 400


def test_digits_can_be_tried_out_too(tmp_path: Path) -> None:
    report = run(Settings(smoke=True, strategies=("random",)), out=tmp_path / "run", workers=1)
    assert report.records.finished
    assert [len(lane.schemes) for lane in report.records.lanes] == [2]
    for item in ticket_schemes(report.analysis):
        name = ticket_file(item.bits, (4, 4, 4), "digits")
        ticket = read_ticket(tmp_path / "run" / "tickets" / name)
        assert (ticket.scheme, ticket.claim.word) == (item.bits, item.verdict.word)
    judged = CliRunner().invoke(main, ["report", str(tmp_path / "run"), "--verdict", "paper"])
    assert judged.exit_code == 0
    assert "by the paper's rule" in " ".join(judged.output.split())
    assert "means alone" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_network_whose_schemes_nobody_could_list_is_searched_like_any_other(
    tmp_path: Path,
) -> None:
    settings = Settings(smoke=True, strategies=("random",), backbone="resnet134-basic")
    report = run(settings, out=tmp_path / "run", workers=1)
    assert report.records.finished
    assert {lane.schemes.shape[1] for lane in report.records.lanes} == {66}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--task", "cifar100"),
            "name the folder that holds cifar-100-python/ (train, test, meta) with --data",
        ),
        (
            ("--task", "imagenet", "--data", "absent"),
            "Error: --data absent: No such file or directory; give the folder that holds ILSVRC",
        ),
        (("--task", "imagenet", "--data", "~nobody-here/x"), "write the path out"),
        (("--data", "absent"), "task digits comes with its data"),
        (("--task-option", "normalisation=own"), "has no option 'normalisation'"),
        (("--recipe", "paper-resnet39-se"), "did you mean 'paper-resnet38-se'?"),
        (("--training", "supernet.epoch=3"), "did you mean 'supernet.epochs'?"),
        (("--training", "epochs=3"), "expected supernet.NAME or standalone.NAME"),
        (("--training", "supernet.epochs"), "--training: expected NAME=VALUE"),
        (("--training", "supernet.epochs=0"), "supernet.epochs: expected a whole number from 1"),
    ],
)
def test_what_can_not_be_is_one_line_and_exit_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ([], ["--dry-run"]):
        if more and arguments == ("--task", "cifar100"):
            continue  # without a folder the published data set is planned
        result = CliRunner().invoke(main, ["run", *SMALL, *arguments, *more])
        assert result.exit_code == 2
        assert result.output.startswith("Error: ")
        assert result.output.count("\n") == 1
        assert message in result.output
        assert list(tmp_path.iterdir()) == []


def _trained(name: str, **changes: object) -> tuple[Recipe, Recipe]:
    settings = Settings(recipe=name, **changes)
    return recipes(settings, outlined(task_spec(settings)))


def test_recipes_say_what_the_paper_says() -> None:
    _, thin = _trained("paper-resnet38-se")
    assert (thin.epochs, thin.schedule) == (100, "cosine")
    assert Settings(recipe="paper-resnet38-se").task_options["augmentation"] == "flip"
    supernet, deep = _trained("paper-resnet164-se")
    assert (deep.epochs, deep.milestones, deep.gamma) == (164, (81, 122), 0.1)
    assert (deep.optimizer, deep.learning_rate, deep.weight_decay) == ("sgd", 0.1, 1e-4)
    assert supernet.epochs == 150
    supernet, wide = _trained("paper-resnet50-se")
    assert (wide.epochs, wide.milestones, wide.batch_size) == (120, (30, 60, 90), 256)
    assert (supernet.epochs, supernet.schedule) == (40, "constant")
    # Steps of the search times three schemes a step.
    budgets = {name: recipe.settings["budget"] for name, recipe in RECIPES.items()}
    assert budgets["paper-resnet164-se"] == 1000 * 3
    assert budgets["paper-resnet50-dia"] == 300 * 3
    assert RECIPES["paper-resnet164-dia"].settings["sharing"] == "share"


CIFAR = (
    "3 runs × 3,000 evaluations of 10,000 images",
    "11 schemes × 3 seeds × {} epochs (sgd 0.1, batch 128, weight decay 0.0001, {})",
)
THIN = (
    "1 × 150 epochs (sgd 0.1, batch 128, weight decay 0.0001, cosine)",
    CIFAR[0],
    CIFAR[1].format(100, "cosine"),
)
DEEP = (
    "1 × 150 epochs (sgd 0.1, batch 128, weight decay 0.0001, multi-step at 74, 112)",
    CIFAR[0],
    CIFAR[1].format(164, "multi-step at 81, 122"),
)
WIDE = (
    "1 × 40 epochs (sgd 0.1, batch 256, weight decay 0.0001, constant)",
    "3 runs × 900 evaluations of 100,000 images",
    (
        "11 schemes × 1 seed × 120 epochs (sgd 0.1, batch 256, weight decay 0.0001, "
        "multi-step at 30, 60, 90)"
    ),
)


@pytest.mark.parametrize("name", RECIPES)
def test_plans_agree_with_the_paper(name: str) -> None:
    """150 and 40 epochs of supernet, 1000 and 300 steps of 3 schemes, 100, 164 and 120 epochs."""
    expected = {"38": THIN, "164": DEEP, "50": WIDE}[name.split("-")[1].removeprefix("resnet")]
    settings = Settings(recipe=name, strategies=("ean", "enas", "ga"))
    assert tuple(step.amount for step in Estimate(settings).steps) == expected
    assert (settings.retain, settings.batch_norm) == (0.5, "running")


@pytest.mark.parametrize("name", ["paper-resnet164-se", "paper-resnet50-se"])
def test_a_tasks_own_recipes_are_those_of_its_backbone_in_the_paper(name: str) -> None:
    task = task_class(Settings(recipe=name).task)
    assert _trained(name) == (task.supernet_recipe, task.standalone_recipe)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_complete(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.summary
    assert recipe.source
    assert recipe.settings["task"] in TASKS
    for section in ("supernet", "standalone"):
        assert {"epochs", "schedule", "learning_rate"} <= set(recipe.settings[section])


def test_whatever_is_given_wins_over_the_recipe() -> None:
    settings = Settings(
        recipe="paper-resnet164-se",
        retain=0.2,
        standalone={"learning_rate": 0.05},
        task_options={"normalisation": "own"},
    )
    assert settings.retain == 0.2
    assert settings.standalone.learning_rate == 0.05
    assert settings.standalone.epochs == 164
    assert settings.task_options == {"normalisation": "own", "augmentation": "crop-flip"}
    assert settings.command() == (
        "python -m benchmark run --strategies ean,ga,enas,darts,l1,l2,gm "
        "--recipe paper-resnet164-se --task-option normalisation=own "
        "--task-option augmentation=crop-flip --retain 0.2 "
        + " ".join(
            f"--training standalone.{name}={value}"
            for name, value in (
                ("epochs", 164),
                ("batch_size", 128),
                ("optimizer", "sgd"),
                ("learning_rate", 0.05),
                ("weight_decay", 0.0001),
                ("schedule", "multi-step"),
                ("milestones", "81,122"),
                ("gamma", 0.1),
            )
        )
    )


def test_fewer_epochs_squeeze_the_milestones() -> None:
    _, recipe = _trained("paper-resnet164-se", standalone_epochs=82)
    assert (recipe.epochs, recipe.milestones) == (82, (40, 61))


@pytest.mark.parametrize("epochs", [82, "82"])
def test_milestones_of_a_recipe_follow_epochs_that_are_set_alone(epochs: int | str) -> None:
    changes = {"epochs": epochs}
    supernet, alone = _trained("paper-resnet164-se", standalone=changes, supernet=changes)
    assert (alone.epochs, alone.milestones) == (82, (40, 61))
    assert (supernet.epochs, supernet.milestones) == (82, (40, 61))
    both = changes | {"milestones": [9]}
    assert _trained("paper-resnet164-se", standalone=both)[1].milestones == (9,)
    with pytest.raises(UsageError, match=r"standalone\.epochs: expected a whole number from 1"):
        Settings(recipe="paper-resnet164-se", standalone={"epochs": "many"})


def test_the_command_of_a_recipe_without_milestones_gives_the_same_settings() -> None:
    settings = Settings(recipe="paper-resnet38-se", supernet={"epochs": 9})
    words = shlex.split(settings.command())
    training = [word for flag, word in pairwise(words) if flag == "--training"]
    assert "supernet.milestones=" in training
    assert given_values({"training": training})["supernet"]["milestones"] == ()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("paper-resnet38-se", {"enas", "darts", "ga", "l1", "l2", "gm", "ean"}),
        ("paper-resnet164-se", {"enas", "darts", "ga", "l1", "l2", "gm", "ean"}),
        ("paper-resnet164-se-share", {"ean", "darts", "ga", "enas", "hsp"}),
        ("paper-resnet164-dia", {"ean"}),
        ("paper-resnet50-sge", {"ean"}),
    ],
)
def test_recipes_compare_the_strategies_of_their_tables(name: str, rows: set[str]) -> None:
    assert set(Settings(recipe=name).strategies) == rows


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1]),
        ("multi-step", [1, 1, 0.1, 0.01]),
        ("cosine", [1, 0.5 + 8**-0.5, 0.5, 0.5 - 8**-0.5]),
    ],
)
def test_rates_of_four_epochs(schedule: str, expected: list[float]) -> None:
    recipe = Recipe(4, 8, "sgd", 0.1, 0.0, schedule, (2, 3))  # type: ignore[arg-type]  # a name
    assert [rate_factor(recipe, epoch) for epoch in range(4)] == pytest.approx(expected)


def test_an_estimate_is_worked_by_hand() -> None:
    settings = Settings(
        strategies=("random",), seeds=2, budget=10, candidates=1, standalone_seeds=3
    )
    estimate = Estimate(settings)
    forward = float(estimate.network.flops.sum())
    supernets, search, standalone = estimate.steps
    assert supernets.flops == 3 * forward * 30 * 1_800
    assert search.flops <= 20 * 10_000 * forward
    assert standalone.flops == (2 + 2) * 3 * 3 * forward * 12 * 1_800
    assert [step.jobs for step in estimate.steps] == [1, 1, 12]
    least, most = supernets.hours(A100)
    assert most == pytest.approx(least * 0.85 / 0.25)
    per_image = np.maximum(estimate.network.flops / 156e12, estimate.network.bytes / 1555e9).sum()
    launched = len(estimate.network.flops) * 8e-6 / estimate.supernet_recipe.batch_size
    assert least == pytest.approx(3 * 30 * 1_800 * max(per_image, launched) / 0.85 / 3600)


def test_a_plan_counts_the_images_that_an_option_chooses() -> None:
    """PASCAL VOC's 1,464 or SBD's 10,582 images, of which 146 are held out."""
    plain, augmented = (
        Estimate(Settings(task="voc2012", task_options={"list": chosen}))
        for chosen in ("train", "augmented")
    )
    for one, other in zip(plain.steps[::2], augmented.steps[::2], strict=True):
        assert other.flops / one.flops == pytest.approx(10_436 / 1_318, rel=1e-3)


def test_the_papers_own_hours_lie_in_the_range() -> None:
    """Table VI: 4.46 h to train ResNet164's supernet, 0.94 h for 1,000 evaluations."""
    settings = Settings(recipe="paper-resnet164-se", strategies=("ean",), budget=1000)
    estimate = Estimate(settings)
    supernet, _, _ = estimate.steps
    least, most = supernet.hours(GTX_1080_TI)
    assert least < 4.46 < most
    seconds = estimate.network.seconds(GTX_1080_TI, images=1e7, batch=500, passes=1)
    assert seconds / 3600 / EFFICIENCY[1] < 0.94 < seconds / 3600 / EFFICIENCY[0]


def test_an_operator_takes_its_operations_or_its_bytes_and_a_batch_its_launches() -> None:
    work = Workload(np.array([100.0, 10.0]), np.array([1.0, 20.0]))
    device = Device("slow", flops=10.0, bandwidth=1.0)
    assert work.seconds(device, images=2.0, batch=1, passes=3) == 6 * (10 + 20)
    fast = Device("fast", flops=1e15, bandwidth=1e15)
    assert work.seconds(fast, images=8.0, batch=4, passes=1) == pytest.approx(2 * 2 * 8e-6)


def test_operators_are_counted_as_torch_counts_them() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.ReLU(), torch.nn.Flatten()
    )
    work = counted(network.eval(), (3, 5, 5))
    assert work.flops.tolist() == [2 * 4 * 9 * 3 * 9, 0]
    assert work.bytes.tolist() == [4 * (75 + 36), 4 * (36 + 36)]
    assert work.flops.sum() == count_flops(network, (3, 5, 5))


def test_a_backbone_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="unknown backbone 'resnet0'"):
        Estimate(Settings(backbone="resnet0"))


def test_changes_are_only_what_was_given() -> None:
    assert RecipeChanges(epochs=3).given() == {"epochs": 3}
    assert RecipeChanges().given() == {}

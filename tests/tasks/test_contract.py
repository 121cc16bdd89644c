"""What every task must keep; each registered task goes through it, on small data on disk."""

import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.basics.identity import content_hash
from benchmark.networks.backbone import shape_named
from benchmark.networks.registry import ATTENTIONS
from benchmark.networks.spec import NetworkSpec
from benchmark.standalone.costs import check_fit
from tasks.base import Task, TaskSpec
from tasks.errors import DataError
from tasks.registry import TASKS, forget_tasks, load_task, outlined, task_class
from tasks.splits import Batches, Split
from tests.benchmark.attentions import KINDS
from tests.extensions.test_task import FashionMnist, fashion_tree
from tests.tasks.crowd.trees import crowd_tree
from tests.tasks.dots import Dots
from tests.tasks.trees import cifar_tree, imagenet_tree
from tests.tasks.voc.trees import voc_tree

TREES: dict[str, Callable[[Path], Path]] = {
    "cifar100": cifar_tree,
    "imagenet": imagenet_tree,
    "shanghaitech-a": crowd_tree,
    "shanghaitech-b": crowd_tree,
    "voc2012": voc_tree,
    "fashion-mnist": fashion_tree,
}
"""What writes small data for each task that reads a folder."""
# What makes a task's splits depend on the seed, where the default doesn't, or its images small.
OPTIONS = {
    "imagenet": (("validation", "seeded"),),
    "shanghaitech-a": (("window", "256"),),
    "shanghaitech-b": (("window", "256"),),
    "voc2012": (("crop", "97"),),
}


OTHERS = (Dots, FashionMnist)
"""Tasks of the tests' own."""


@pytest.fixture(scope="module", autouse=True)
def others() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for task in OTHERS:
            patch.setitem(TASKS, task.name, f"{task.__module__}:{task.__name__}")
        yield
    forget_tasks()


@pytest.fixture(scope="module", params=sorted({*TASKS, *(task.name for task in OTHERS)}))
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TaskSpec:
    name = request.param
    if name not in TREES:
        return TaskSpec(name, cache=str(tmp_path_factory.mktemp(name)))
    root = TREES[name](tmp_path_factory.mktemp(name) / "data")
    return TaskSpec(name, data=str(root), options=OPTIONS.get(name, ()))


@pytest.fixture(scope="module")
def task(spec: TaskSpec) -> Task:
    return load_task(spec)


@pytest.fixture(scope="module")
def other(spec: TaskSpec) -> Task:
    return load_task(replace(spec, seed=1))


Row = tuple[Tensor, Tensor]


def _listed(batches: Batches) -> list[Row]:
    """Image and target, row by row; both may differ in size."""
    return [row for images, targets in batches for row in zip(images, targets, strict=True)]


def _rows(split: Split, size: int = 64) -> list[Row]:
    return _listed(split.batches(size))


def _epoch(task: Task, seed: int, size: int = 64) -> list[Row]:
    return _listed(task.training_batches(size, rng=np.random.default_rng(seed)))


def _same(first: list[Row], second: list[Row]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(image, other) and torch.equal(target, match)
        for (image, target), (other, match) in zip(first, second, strict=True)
    )


def _classifies(task: Task) -> bool:
    """Whether a row has one class; a head of its own asks another question."""
    return task.head is None


def _noise(task: Task, targets: Tensor, seed: int = 0) -> Tensor:
    """Outputs of no meaning, in the shape that the task's networks give."""
    shape = (len(targets), task.classes, *targets.shape[1:][-2:])
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_splits_have_the_declared_shape_and_classes(task: Task) -> None:
    training = _epoch(task, 0)
    assert len(training) == task.epoch_size
    for rows in (training, _rows(task.validation()), _rows(task.test())):
        shapes = {image.shape for image, _ in rows}
        assert {image.dtype for image, _ in rows} == {torch.float32}
        assert {shape[0] for shape in shapes} == {task.image_shape[0]}
        if _classifies(task):
            assert shapes == {task.image_shape}
            assert {int(target) for _, target in rows} == set(range(task.classes))


def test_batches_have_the_size_asked_for_and_the_last_one_the_rest(task: Task) -> None:
    size = task.epoch_size - 1
    training = task.training_batches(size, rng=np.random.default_rng(0))
    assert [len(targets) for _, targets in training] == [size, 1]
    validation = task.validation()
    size = len(validation) - 1
    # A batch also ends where the next image has another size.
    runs = [len(list(run)) for _, run in groupby(image.shape for image, _ in _rows(validation))]
    expected = [part for run in runs for part in ([size, 1] if run > size else [run])]
    assert [len(targets) for _, targets in validation.batches(size)] == expected


def test_parts_of_each_batch_make_up_the_whole(task: Task) -> None:
    def part(rows: Callable[[int], slice]) -> list[tuple[Tensor, Tensor]]:
        return list(task.training_batches(64, rng=np.random.default_rng(0), rows=rows))

    whole, first, rest = (
        part(lambda n: slice(0, n)),
        part(lambda n: slice(0, n // 3 + 1)),
        part(lambda n: slice(n // 3, n)),
    )
    for batch, head, tail in zip(whole, first, rest, strict=True):
        for all_rows, start, end in zip(batch, head, tail, strict=True):
            assert torch.equal(torch.cat([start, end[1:]]), all_rows)


def test_training_draws_follow_the_generator_and_not_the_batch_size(task: Task) -> None:
    first, same, another = _epoch(task, 0), _epoch(task, 0, size=17), _epoch(task, 1)
    assert _same(first, same)
    assert not _same(first, another)


def test_an_epoch_left_early_draws_as_much_as_one_used_up(task: Task) -> None:
    left, used = np.random.default_rng(0), np.random.default_rng(0)
    task.training_batches(8, rng=left).close()
    list(task.training_batches(8, rng=used))
    assert left.random() == used.random()


def test_splits_are_cut_and_rearranged_without_a_change(task: Task) -> None:
    split = task.validation()
    rows = _rows(split)
    assert len(split.strata()) == len(split) == len(rows)
    assert _same(_rows(split.head(3)), rows[:3])
    assert _same(_rows(split.take(np.array([1, 0]))), [rows[1], rows[0]])
    assert _same(_rows(split.to("cpu")), rows)


def test_splits_are_frozen_by_the_spec(spec: TaskSpec, task: Task, other: Task) -> None:
    again = task_class(spec.name).load(spec)  # not the one that is kept
    for split, same in (
        (task.validation(), again.validation()),
        (task.test(), again.test()),
    ):
        assert _same(_rows(split), _rows(same))
    assert again.facts() == task.facts()
    assert not _same(_epoch(other, 0), _epoch(task, 0))


def test_facts_tell_data_of_different_seeds_apart(task: Task, other: Task) -> None:
    assert other.facts()["fingerprint"] != task.facts()["fingerprint"]
    assert task.facts()["task"] == task.name
    assert task.facts()["validation draws"] == len(task.validation())
    assert task.facts()["test draws"] == len(task.test())
    assert task.facts()["classes"] == task.classes


def test_what_is_held_out_is_named_row_by_row(task: Task) -> None:
    names = task.held_out()
    assert len(set(names)) == len(names)
    assert len(names) in (0, len(task.validation()))


def test_tallies_of_parts_add_up_to_the_whole(task: Task) -> None:
    for _, targets in task.validation().batches(64):
        outputs = _noise(task, targets)
        parts = [
            task.metric.tally(outputs[rows], targets[rows])
            for rows in torch.arange(len(targets)).split(33)  # type: ignore[no-untyped-call]  # torch's own
        ]
        whole = task.metric.tally(outputs, targets)
        torch.testing.assert_close(torch.stack(parts).sum(dim=0), whole)


def test_guessing_scores_like_chance_and_knowing_scores_one(task: Task) -> None:
    if not _classifies(task):
        return
    targets = torch.stack([target for _, target in _rows(task.validation())])
    known = torch.nn.functional.one_hot(targets, task.classes).float() * 100
    perfect = task.metric.score(task.metric.tally(known, targets), len(targets))
    assert perfect.accuracy == 1
    assert perfect.loss == pytest.approx(0, abs=1e-6)
    # Always the first class: right for its rows only.
    first = torch.zeros_like(known)
    first[:, 0] = 100
    blind = task.metric.score(task.metric.tally(first, targets), len(targets))
    assert blind.accuracy == pytest.approx(float((targets == 0).double().mean()))


def test_scores_lie_in_the_range_that_searches_expect_and_figures_are_named(task: Task) -> None:
    batches = [(_noise(task, targets), targets) for _, targets in task.validation().batches(64)]
    tally = torch.stack([task.metric.tally(*batch) for batch in batches]).sum(dim=0)
    rows = len(task.validation())
    assert 0 <= task.metric.score(tally, rows).accuracy <= 1
    assert list(task.metric.shown(tally, rows)) == [figure.name for figure in task.metric.figures]


def test_the_loss_is_the_metrics_loss(task: Task) -> None:
    batches = [(_noise(task, targets), targets) for _, targets in task.validation().batches(64)]
    tally = torch.stack([task.metric.tally(*batch) for batch in batches]).sum(dim=0)
    rows = len(task.validation())
    losses = [float(task.loss(*batch)) * len(batch[1]) for batch in batches]
    score = task.metric.score(tally, rows)
    assert sum(losses) / rows == pytest.approx(score.loss, rel=1e-5)


def test_a_network_learns_from_what_its_head_gives_in_training(task: Task) -> None:
    if _classifies(task):
        return  # as all trainings of the other tests do
    spec = NetworkSpec.on(task, shape_named(task.backbone), attention="se", sharing="full")
    network = spec.build(torch.Generator().manual_seed(0)).train()
    images, targets = next(task.training_batches(2, rng=np.random.default_rng(0)))
    # As the training loop lays large images: see benchmark/training/precision.py.
    loss = task.loss(network(images.contiguous(), [True] * spec.backbone.blocks), targets)
    assert loss.shape == ()
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert all(
        parameter.grad is not None and bool(torch.isfinite(parameter.grad).all())
        for parameter in network.parameters()
    )


def test_head_and_trunk_are_data(task: Task) -> None:
    network = NetworkSpec.on(task, shape_named(task.backbone), attention="se", sharing="full")
    assert pickle.loads(pickle.dumps(network)) == network
    assert content_hash(network=network.described())


def test_a_task_cut_to_a_few_rows_gives_the_first_of_each_split(spec: TaskSpec, task: Task) -> None:
    cut = load_task(replace(spec, rows=2))
    assert cut.epoch_size == 2
    assert _same(_epoch(cut, 0, size=1), _epoch(task, 0, size=1)[:2])
    assert _same(_rows(cut.validation()), _rows(task.validation())[:2])
    assert len(cut.test()) == 2
    assert cut.facts()["cut to rows"] == 2
    for name in ("head", "trunk", "scoring_rows", "latency_rows", "calibration_draws"):
        assert getattr(cut, name) == getattr(task, name)
    ((_, targets),) = cut.training_batches(2, rng=np.random.default_rng(0))
    outputs = _noise(cut, targets)
    assert torch.equal(cut.loss(outputs, targets), task.loss(outputs, targets))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((("colour", "own"),), "has no option 'colour'"),
        (None, "expected one of .*; received 'wrong'"),
    ],
)
def test_options_that_are_not_offered_are_refused(
    spec: TaskSpec, options: tuple[tuple[str, str], ...] | None, message: str
) -> None:
    offered = list(task_class(spec.name).options)
    if options is None and not offered:
        return
    wrong = ((offered[0], "wrong"),) if options is None else options
    with pytest.raises(DataError, match=message):
        load_task(replace(spec, options=wrong))


def test_a_plan_without_data_knows_what_options_change(spec: TaskSpec) -> None:
    for name, values in task_class(spec.name).options.items():
        for value in values:
            options = tuple(sorted((dict(spec.options) | {name: value}).items()))
            chosen = replace(spec, options=options)
            outline, loaded = outlined(chosen), load_task(chosen)
            for part in ("image_shape", "trunk", "head", "metric", "supernet_recipe", "backbone"):
                assert getattr(outline, part) == getattr(loaded, part), (options, part)
            assert outline.standalone_recipe == loaded.standalone_recipe
            if spec.data is None:
                assert outline.published == loaded.sizes()


def test_counting_decodes_nothing_and_finds_what_a_run_does(
    spec: TaskSpec, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    if spec.data is None:
        return
    monkeypatch.setattr("tasks.decoding.in_rgb", None)
    monkeypatch.setattr("tasks.voc.masks._indices", None)
    assert load_task(replace(spec, skip_broken=True, count_only=True)).sizes() == task.sizes()


def test_data_are_asked_for_where_they_are_missing_and_refused_where_they_are_embedded(
    spec: TaskSpec,
) -> None:
    if spec.data is None:
        with pytest.raises(
            DataError, match=f"{spec.name} comes with its data: leave out --data /x"
        ):
            load_task(replace(spec, data="/x"))
    else:
        with pytest.raises(DataError, match=r"name the folder that holds .* with --data PATH"):
            load_task(replace(spec, data=None))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent", "No such file or directory"),
        ("file", "Not a directory"),
        ("empty", "it is empty"),
        ("littered", "it is empty"),
        ("x" * 300, "File name too long"),
        ("others", "with --data"),
    ],
)
def test_a_folder_of_other_data_or_none_is_named(
    spec: TaskSpec, tmp_path: Path, name: str, problem: str
) -> None:
    if spec.data is None:
        return
    (tmp_path / "file").touch()
    for folder in ("empty", "littered/.git", "littered/@eaDir", "others/photos"):
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(DataError, match=rf"{name}.*{problem}"):
        load_task(replace(spec, data=str(tmp_path / name)))


def test_a_folder_that_can_not_be_listed_is_named(
    spec: TaskSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    if spec.data is None:
        return
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=rf"--data {spec.data}: Permission denied; give the folder"):
        load_task(replace(spec, seed=2))


def test_what_systems_leave_in_folders_is_no_data(
    spec: TaskSpec, task: Task, tmp_path: Path
) -> None:
    """Macs, Windows, network disks, notebooks and git: hidden files, previews and copies."""
    if spec.data is None:
        return
    shutil.copytree(spec.data, tmp_path / "data")
    places = [tmp_path / "data", *(p for p in (tmp_path / "data").rglob("*") if p.is_dir())]
    for place in places:
        files = [path for path in place.iterdir() if path.is_file()]
        for path in files:
            (place / f"._{path.name}").write_bytes(b"\0\5\26\7" + bytes(60))
        for folder in ("@eaDir", "__MACOSX", ".ipynb_checkpoints", ".git"):
            (place / folder).mkdir()
            for path in files[:2]:
                shutil.copy(path, place / folder / path.name)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".gitignore"):
            (place / name).write_bytes(b"litter")
    littered = load_task(replace(spec, data=str(tmp_path / "data")))
    assert littered.facts() == task.facts()
    assert list(littered.held_out()) == list(task.held_out())


@pytest.mark.parametrize(
    ("attention", "sharing"), [kind for kind in KINDS if kind[0] in ATTENTIONS]
)
def test_the_backbone_fits_with_every_attention_module(
    task: Task, attention: str, sharing: Literal["full", "share"]
) -> None:
    shape = shape_named(task.backbone)
    spec = NetworkSpec.on(task, shape, attention=attention, sharing=sharing)
    check_fit(spec, task.image_shape)


def test_the_task_says_how_images_were_normalised(task: Task) -> None:
    scale = task.normalised_by()
    if scale is not None:
        images, _ = next(task.test().batches(4))
        mean, deviation = (torch.tensor(values)[:, None, None] for values in scale)
        pixels = images * deviation + mean
        assert -1e-4 <= float(pixels.min()) <= float(pixels.max()) <= 1 + 1e-4


def test_the_task_says_what_it_is(task: Task) -> None:
    assert task.summary
    assert task.source

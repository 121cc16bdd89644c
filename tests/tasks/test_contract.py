"""What every task must keep; each registered task goes through it, on small data on disk."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.costs import check_fit
from benchmark.networks.backbones import shape_named
from benchmark.oracle.supernet import NetworkSpec
from tasks.base import Batches, Split, Task, TaskSpec
from tasks.errors import DataError
from tasks.registry import TASKS, load_task, task_class
from tests.tasks.trees import cifar_tree, imagenet_tree

TREES: dict[str, Callable[[Path], Path]] = {"cifar100": cifar_tree, "imagenet": imagenet_tree}
# What makes a task's splits depend on the seed, where the default doesn't.
SEEDED = {"imagenet": (("validation", "seeded"),)}


@pytest.fixture(scope="module", params=sorted(TASKS))
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TaskSpec:
    name = request.param
    if name not in TREES:
        return TaskSpec(name)
    root = TREES[name](tmp_path_factory.mktemp(name) / "data")
    return TaskSpec(name, data=str(root), options=SEEDED.get(name, ()))


@pytest.fixture(scope="module")
def task(spec: TaskSpec) -> Task:
    return load_task(spec)


@pytest.fixture(scope="module")
def other(spec: TaskSpec) -> Task:
    return load_task(replace(spec, seed=1))


def _joined(batches: Batches) -> tuple[Tensor, Tensor]:
    images, targets = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(targets)


def _rows(split: Split, size: int = 64) -> tuple[Tensor, Tensor]:
    return _joined(split.batches(size))


def _epoch(task: Task, seed: int, size: int = 64) -> tuple[Tensor, Tensor]:
    return _joined(task.training_batches(size, rng=np.random.default_rng(seed)))


def test_splits_have_the_declared_shape_and_classes(task: Task) -> None:
    training = _epoch(task, 0)
    assert len(training[1]) == task.epoch_size
    for images, targets in (training, _rows(task.validation()), _rows(task.test())):
        assert images.shape == (len(targets), *task.image_shape)
        assert images.dtype == torch.float32
        assert np.unique(targets).tolist() == list(range(task.classes))


def test_batches_have_the_size_asked_for_and_the_last_one_the_rest(task: Task) -> None:
    size = task.epoch_size - 1
    for batches, rows in (
        (task.training_batches(size, rng=np.random.default_rng(0)), task.epoch_size),
        (task.validation().batches(len(task.validation()) - 1), len(task.validation())),
    ):
        assert [len(targets) for _, targets in batches] == [rows - 1, 1]


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
    assert all(torch.equal(*pair) for pair in zip(first, same, strict=True))
    assert not torch.equal(first[0], another[0])


def test_an_epoch_left_early_draws_as_much_as_one_used_up(task: Task) -> None:
    left, used = np.random.default_rng(0), np.random.default_rng(0)
    task.training_batches(8, rng=left).close()
    _joined(task.training_batches(8, rng=used))
    assert left.random() == used.random()


def test_splits_say_their_targets_and_are_cut_at_the_end(task: Task) -> None:
    split = task.validation()
    images, targets = _rows(split)
    assert len(split.strata()) == len(split) == len(targets)
    assert torch.equal(_rows(split.head(3))[0], images[:3])
    assert torch.equal(_rows(split.take(np.array([2, 0])))[0], images[[2, 0]])
    assert torch.equal(_rows(split.to("cpu"))[0], images)


def test_splits_are_frozen_by_the_spec(spec: TaskSpec, task: Task, other: Task) -> None:
    again = task_class(spec.name).load(spec)  # not the one that is kept
    for split, same in (
        (task.validation(), again.validation()),
        (task.test(), again.test()),
    ):
        assert torch.equal(_rows(split)[0], _rows(same)[0])
    assert again.facts() == task.facts()
    assert not torch.equal(_epoch(other, 0)[0], _epoch(task, 0)[0])


def test_facts_tell_data_of_different_seeds_apart(task: Task, other: Task) -> None:
    assert other.facts()["fingerprint"] != task.facts()["fingerprint"]
    assert task.facts()["validation draws"] == len(task.validation())
    assert task.facts()["test draws"] == len(task.test())
    assert task.facts()["classes"] == task.classes


def test_what_is_held_out_is_named_row_by_row(task: Task) -> None:
    names = task.held_out()
    assert len(set(names)) == len(names)
    assert len(names) in (0, len(task.validation()))


def test_tallies_of_parts_add_up_to_the_whole(task: Task) -> None:
    _, targets = _rows(task.validation())
    outputs = torch.randn(len(targets), task.classes, generator=torch.Generator().manual_seed(0))
    whole = task.metric.tally(outputs, targets)
    parts = [
        task.metric.tally(outputs[rows], targets[rows])
        for rows in torch.arange(len(targets)).split(333)  # type: ignore[no-untyped-call]  # torch's own
    ]
    torch.testing.assert_close(torch.stack(parts).sum(dim=0), whole)


def test_guessing_scores_like_chance_and_knowing_scores_one(task: Task) -> None:
    _, targets = _rows(task.validation())
    known = torch.nn.functional.one_hot(targets, task.classes).float() * 100
    perfect = task.metric.score(task.metric.tally(known, targets), len(targets))
    assert perfect.accuracy == 1
    assert perfect.loss == pytest.approx(0, abs=1e-6)
    # Always the first class: right for its rows only.
    first = torch.zeros_like(known)
    first[:, 0] = 100
    blind = task.metric.score(task.metric.tally(first, targets), len(targets))
    assert blind.accuracy == pytest.approx(float((targets == 0).double().mean()))


def test_the_loss_is_the_metrics_loss(task: Task) -> None:
    _, targets = _rows(task.validation())
    outputs = torch.randn(len(targets), task.classes, generator=torch.Generator().manual_seed(0))
    score = task.metric.score(task.metric.tally(outputs, targets), len(targets))
    assert float(task.loss(outputs, targets)) == pytest.approx(score.loss, rel=1e-5)


def test_a_task_cut_to_a_few_rows_gives_the_first_of_each_split(spec: TaskSpec, task: Task) -> None:
    cut = load_task(replace(spec, rows=5))
    assert cut.epoch_size == 5
    images, targets = _epoch(cut, 0, size=3)
    whole, _ = _epoch(task, 0, size=3)
    assert torch.equal(images, whole[:5])
    assert torch.equal(_rows(cut.validation())[0], _rows(task.validation())[0][:5])
    assert len(cut.test()) == 5
    assert cut.facts()["cut to rows"] == 5
    assert cut.loss(torch.zeros(5, cut.classes), targets) == pytest.approx(np.log(cut.classes))


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


def test_a_place_without_data_is_refused(spec: TaskSpec, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        load_task(replace(spec, data=str(tmp_path)))


@pytest.mark.parametrize(
    ("attention", "sharing"), [("se", "full"), ("sge", "full"), ("dia", "share")]
)
def test_the_backbone_fits_with_every_attention_module(
    task: Task, attention: str, sharing: Literal["full", "share"]
) -> None:
    shape = shape_named(task.backbone)
    backbone = shape.backbone(task.image_shape[0], task.classes)
    spec = NetworkSpec(backbone, attention, shape.reduction(attention), sharing)
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

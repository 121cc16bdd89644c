"""What every task must keep; each registered task goes through it."""

from typing import Literal

import numpy as np
import pytest
import torch

from benchmark.costs import check_fit
from benchmark.networks.backbones import shape_named
from benchmark.oracle.supernet import NetworkSpec
from tasks.base import Task
from tasks.registry import TASKS, load_task


@pytest.fixture(scope="module", params=sorted(TASKS))
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(request.param, seed=0)


def test_splits_have_the_declared_shape_and_classes(task: Task) -> None:
    training = task.training_epoch(rng=np.random.default_rng(0))
    assert len(training) == task.epoch_size
    for split in (training, task.validation(), task.test()):
        assert split.images.shape == (len(split), *task.image_shape)
        assert split.images.dtype == torch.float32
        assert np.unique(split.targets).tolist() == list(range(task.classes))


def test_training_draws_follow_the_generator(task: Task) -> None:
    first, same, other = (
        task.training_epoch(rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first.images, same.images)
    assert not torch.equal(first.images, other.images)


def test_validation_and_test_are_frozen_by_the_seed(task: Task) -> None:
    again, other = type(task)(0), type(task)(1)
    assert torch.equal(again.validation().images, task.validation().images)
    assert torch.equal(again.test().images, task.test().images)
    assert not torch.equal(other.validation().images, task.validation().images)


def test_facts_tell_data_of_different_seeds_apart(task: Task) -> None:
    assert type(task)(0).facts() == task.facts()
    assert type(task)(1).facts()["fingerprint"] != task.facts()["fingerprint"]
    assert task.facts()["validation draws"] == len(task.validation())


def test_tallies_of_parts_add_up_to_the_whole(task: Task) -> None:
    split = task.validation()
    outputs = torch.randn(len(split), task.classes, generator=torch.Generator().manual_seed(0))
    whole = task.metric.tally(outputs, split.targets)
    parts = [
        task.metric.tally(outputs[rows], split.targets[rows])
        for rows in torch.arange(len(split)).split(333)  # type: ignore[no-untyped-call]  # torch's own
    ]
    torch.testing.assert_close(torch.stack(parts).sum(dim=0), whole)


def test_guessing_scores_like_chance_and_knowing_scores_one(task: Task) -> None:
    targets = task.validation().targets
    known = torch.nn.functional.one_hot(targets, task.classes).float() * 100
    perfect = task.metric.score(task.metric.tally(known, targets), len(targets))
    assert perfect.accuracy == 1
    assert perfect.loss == pytest.approx(0, abs=1e-6)
    blind = task.metric.score(task.metric.tally(known.roll(1, dims=0), targets), len(targets))
    assert blind.accuracy == pytest.approx(1 / task.classes, abs=0.05)


def test_the_loss_is_the_metrics_loss(task: Task) -> None:
    split = task.validation()
    outputs = torch.randn(len(split), task.classes, generator=torch.Generator().manual_seed(0))
    score = task.metric.score(task.metric.tally(outputs, split.targets), len(split))
    assert float(task.loss(outputs, split.targets)) == pytest.approx(score.loss, rel=1e-5)


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


def test_the_task_says_what_it_is(task: Task) -> None:
    assert task.summary
    assert task.source

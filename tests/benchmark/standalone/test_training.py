from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.networks.resnet import THIN, ResNet
from benchmark.networks.spec import NetworkSpec
from benchmark.records.run import LaneKey, LaneRecord
from benchmark.standalone.training import (
    Job,
    Training,
    pick_candidates,
    train_all,
    train_standalone,
)
from benchmark.storage.store import Store
from benchmark.workers.pool import WorkerPool
from tasks.base import TaskSpec
from tasks.digits import Digits

TINY = ResNet(widths=(4, 4), blocks_per_stage=(1, 1), in_channels=4, classes=10)
TRAINING = Training(
    task=TaskSpec("digits"),
    network=NetworkSpec(TINY, "se", reduction=2, sharing="full"),
    recipe=replace(Digits.standalone_recipe, epochs=1),
    root_seed=0,
)


def test_networks_of_a_seed_start_from_the_same_weights() -> None:
    original, full, other = (
        TRAINING.initial_network(bits, seed) for bits, seed in (("00", 0), ("11", 0), ("00", 1))
    )
    shared = original.state_dict()
    assert set(shared) < set(full.state_dict())
    assert all(torch.equal(full.state_dict()[name], value) for name, value in shared.items())
    first = "network.backbone.first.conv.weight"
    assert not torch.equal(other.state_dict()[first], shared[first])


def test_a_training_repeats_itself_in_another_process() -> None:
    here = train_standalone(Job(TRAINING, "10", 0))
    jobs = [Job(TRAINING, "10", 0), Job(TRAINING, "00", 0)]
    there = dict(WorkerPool(2).map(train_standalone, jobs))[0]
    assert replace(there, seconds=here.seconds) == here


def test_training_learns() -> None:
    network = replace(TRAINING.network, backbone=THIN.backbone(4, 10))
    training = replace(TRAINING, network=network, recipe=replace(TRAINING.recipe, epochs=3))
    record = train_standalone(Job(training, "1" * 12, 0))
    assert record.test_accuracy > 0.2  # chance is 0.1
    assert record.validation_accuracy != record.test_accuracy
    assert record.seconds > 0


def test_a_training_that_diverges_has_no_scores() -> None:
    wild = replace(TRAINING.recipe, optimizer="sgd", learning_rate=1e30)
    record = train_standalone(Job(replace(TRAINING, recipe=wild), "11", 0))
    assert np.isnan([record.validation_accuracy, record.test_accuracy, record.test_loss]).all()
    assert "diverged" in record.failure
    assert record.best_epoch is None


def test_looking_at_every_epoch_changes_nothing_but_shows_the_best() -> None:
    task = TaskSpec("digits", rows=64)
    short = replace(TRAINING, task=task, recipe=replace(TRAINING.recipe, epochs=3, batch_size=16))
    plain = train_standalone(Job(short, "11", 0))
    watched = train_standalone(Job(replace(short, every_epoch=True), "11", 0))
    assert plain.best_test_accuracy is None
    assert watched.best_epoch in (1, 2, 3)
    assert watched.best_test_accuracy is not None
    assert watched.best_test_accuracy >= watched.test_accuracy
    unwatched = replace(watched, best_epoch=None, best_test_accuracy=None)
    assert replace(unwatched, seconds=plain.seconds) == plain


def test_known_trainings_are_not_repeated(tmp_path: Path) -> None:
    cache = Store(tmp_path / "cache.sqlite")

    def train(schemes: list[str], seeds: list[int]) -> list[tuple[str, int, float]]:
        records = train_all(
            TRAINING, schemes, seeds, identity="x", cache=cache, workers=WorkerPool(1)
        )
        return [(record.bits, record.seed, record.seconds) for record in records]

    first = train(["00"], [0])
    both = train(["00", "11"], [0])
    assert both[0] == first[0]
    assert [(bits, seed) for bits, seed, _ in both] == [("00", 0), ("11", 0)]


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAINING, root_seed=1),
        replace(TRAINING, recipe=replace(TRAINING.recipe, epochs=2)),
        replace(TRAINING, task=TaskSpec("digits", seed=1)),
    ],
)
def test_whatever_changes_a_result_changes_the_identity(other: Training) -> None:
    task = Digits()
    assert other.identity(task) != TRAINING.identity(task)


def _lane(bits: list[str]) -> LaneRecord:
    schemes = np.array([[bit == "1" for bit in row] for row in bits])
    zeros = np.zeros(len(bits))
    return LaneRecord(LaneKey("x", 0, 0), "finished", "", schemes, zeros, zeros, zeros, 0.0)


def test_candidates_are_the_best_distinct_schemes() -> None:
    lane = _lane(["100", "010", "100", "001", "111"])
    rewards = np.array([0.5, 0.9, 0.5, 0.7, 0.1])
    assert pick_candidates(lane, rewards, 3) == ["010", "001", "100"]


def test_ties_go_to_fewer_connections_then_to_the_first_found() -> None:
    lane = _lane(["110", "010", "100"])
    assert pick_candidates(lane, np.array([0.5, 0.5, 0.5]), 3) == ["010", "100", "110"]


def test_failed_answers_are_no_candidates() -> None:
    lane = _lane(["110", "010"])
    assert pick_candidates(lane, np.array([np.nan, 0.5]), 3) == ["010"]

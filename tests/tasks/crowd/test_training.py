"""Whether networks learn to count."""

import numpy as np
import pytest

from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.standalone.training import train_network
from benchmark.training.evaluation import evaluate_task
from tasks.splits import Batches


def _counts(batches: Batches) -> np.ndarray:
    return np.concatenate([maps.sum((1, 2, 3)).numpy() for _, maps in batches])


@pytest.mark.long
@pytest.mark.parametrize("preset", ["c3", "csrnet"])
def test_a_small_network_beats_saying_the_mean_clearly(preset: str) -> None:
    plan = Plan(Settings(task="digits-crowd", task_options={"preset": preset}))
    task = plan.task
    network = train_network(plan.training, plan.original, 0, on_epoch=lambda _: None)
    found = evaluate_task(network, task, task.test())
    true = _counts(task.test().batches(64))
    # Windows are nearly as large as scenes.
    mean = _counts(task.training_batches(64, rng=np.random.default_rng(0))).mean()
    assert not found.failure
    assert found.figures["MAE"] < np.abs(true - mean).mean() / 3
    assert found.figures["root mean squared error"] < ((true - mean) ** 2).mean() ** 0.5 / 3

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tasks.digits import Digits, compose
from tasks.metrics import Classification
from tasks.splits import TensorSplit


@pytest.fixture(scope="module")
def task() -> Digits:
    return Digits()


def _scans(task: Digits) -> dict[str, set[bytes]]:
    return {name: {scan.tobytes() for scan in scans} for name, (scans, _) in task.pools.items()}


def test_pools_are_apart_and_use_every_digit(task: Digits) -> None:
    sizes = {name: len(labels) for name, (_, labels) in task.pools.items()}
    assert sizes == {"training": 900, "validation": 400, "test": 497}
    scans = _scans(task)
    names = list(scans)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert not scans[name] & scans[other]
    real = {(scan / 16 - 0.3).astype(np.float32).tobytes() for scan in load_digits().images}
    assert set.union(*scans.values()) == real


def test_pools_are_stratified(task: Digits) -> None:
    shares = [np.bincount(labels) / len(labels) for _, labels in task.pools.values()]
    for share in shares:
        assert share == pytest.approx(shares[0], abs=0.005)


def test_the_label_is_the_digit_that_the_cue_names() -> None:
    # A pool in which plane values give the class away, and enough draws to average noise.
    labels = np.arange(10, dtype=np.int64)
    scans = np.broadcast_to(labels[:, None, None] * np.float32(1), (10, 8, 8))
    split = compose(scans, labels, 2_000, rng=np.random.default_rng(0))
    levels = split.images[:, 3].mean(dim=(1, 2))
    cued = torch.bucketize(levels, torch.tensor([-0.2, 0.2]))
    shown = split.images[torch.arange(2_000), cued].mean(dim=(1, 2)).round()
    # The mean of 64 noisy pixels has σ = 0.06: 0.2 is more than three of them away.
    assert float((shown == split.targets).double().mean()) > 0.995


def test_no_pixel_of_the_cue_gives_the_level_away(task: Digits) -> None:
    split = task.validation()
    assert isinstance(split, TensorSplit)
    cue = split.images[:, 3]
    levels = cue.mean(dim=(1, 2))
    within = (cue - levels[:, None, None]).std()
    assert float(within) == pytest.approx(np.hypot(0.5, 0.1), rel=0.02)
    assert float(levels.std()) == pytest.approx(0.4 * np.sqrt(2 / 3), rel=0.05)


def test_digits_and_cue_are_independent(task: Digits) -> None:
    split = task.validation()
    assert isinstance(split, TensorSplit)
    means = split.images.mean(dim=(2, 3)).T
    correlations = torch.corrcoef(means) - torch.eye(4)
    assert float(correlations.abs().max()) < 0.05


def test_accuracy_and_loss_of_a_hand_worked_batch() -> None:
    outputs = torch.tensor([[0.0, 0.0], [np.log(3.0), 0.0], [0.0, np.log(3.0)]])
    targets = torch.tensor([0, 0, 0])
    metric = Classification()
    score = metric.score(metric.tally(outputs, targets), 3)
    # Ties go to the first class; losses are ln 2, ln 4/3 and ln 4.
    assert score.accuracy == pytest.approx(2 / 3)
    assert score.loss == pytest.approx((np.log(2) + np.log(4 / 3) + np.log(4)) / 3)

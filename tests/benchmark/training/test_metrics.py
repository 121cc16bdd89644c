import csv
import sys
from pathlib import Path

import pytest

from benchmark.basics.errors import UsageError
from benchmark.training import Figures
from benchmark.training.metrics import metrics


def _figures(epoch: int, loss: float) -> Figures:
    return Figures(epoch, 3, 10 * epoch, loss, 0.1 / epoch, 500.0, 2.0)


def test_metrics_have_a_row_an_epoch_and_none_twice(tmp_path: Path) -> None:
    with metrics(tmp_path) as watch:
        watch.epoch(_figures(1, 2.5))
        watch.epoch(_figures(2, 2.0))
    # Killed after writing the row of epoch 2, before its checkpoint: it is repeated.
    with metrics(tmp_path) as watch:
        watch.resumed(1, 10)
        watch.epoch(_figures(2, 2.0))
        watch.epoch(_figures(3, 1.5))
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["step"], row["loss"]) for row in rows] == [
        ("1", "10", "2.5"),
        ("2", "20", "2.0"),
        ("3", "30", "1.5"),
    ]
    assert rows[0]["images_per_second"] == "500.0"


def test_tensorboard_reads_the_curves_back(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with metrics(tmp_path, tensorboard=True) as watch:
        watch.epoch(_figures(1, 2.5))
        watch.epoch(_figures(2, 99.0))
    with metrics(tmp_path, tensorboard=True) as watch:
        watch.resumed(1, 10)
        watch.epoch(_figures(2, 2.0))
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss/train", "learning rate", "images per second"}
    losses = [(event.step, event.value) for event in events.Scalars("loss/train")]
    assert losses == [(10, 2.5), (20, 2.0)]


def test_without_its_package_tensorboard_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'ticket-benchmark\[tensorboard\]'"),
        metrics(tmp_path, tensorboard=True),
    ):
        pass

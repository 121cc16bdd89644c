from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmark.basics.errors import DivergenceError
from benchmark.networks.attention import State
from benchmark.networks.se import SE
from benchmark.supernet.train import frozen_supernet, train_supernet
from benchmark.training import Figures, Watch
from benchmark.training.group import parts
from tasks.base import Task
from tasks.limited import Limited
from tasks.splits import Batches, Rows, everything
from tests.benchmark.attentions import registered
from tests.benchmark.training.tiny import SPEC, same, spec, tiny_task


@pytest.fixture(scope="module")
def task() -> Task:
    return tiny_task()


class Poisoned(Limited):
    """One image of the second epoch's third batch is NaN."""

    epochs = 0

    def training_batches(
        self, size: int, *, rng: np.random.Generator, device: str = "cpu", rows: Rows = everything
    ) -> Batches:
        self.epochs += 1
        batches = super().training_batches(size, rng=rng, device=device, rows=rows)
        for number, (images, targets) in enumerate(batches):
            poison = torch.nan if (self.epochs, number) == (2, 2) else 0.0
            yield images + poison, targets


def test_a_loss_that_is_nan_stops_training_and_keeps_the_last_epoch(
    task: Task, tmp_path: Path
) -> None:
    poisoned = Poisoned(task, 100)
    with pytest.raises(DivergenceError) as error:
        frozen_supernet(SPEC, poisoned, tmp_path)
    (kept,) = tmp_path.glob("*.checkpoint")
    assert str(error.value) == (
        "training diverged: loss nan in epoch 2 of 4, step 3 of that epoch; the state before that "
        f"epoch is kept in {kept}; try a smaller learning rate (--training "
        "supernet.learning_rate=…)"
    )
    # Only one epoch of this task is poisoned, so it can go on from what was kept.
    again: list[int] = []
    watch = Watch(resumed=lambda epochs, _: again.append(epochs))
    frozen = frozen_supernet(SPEC, poisoned, tmp_path, watch=watch)
    assert again == [1]
    assert same(frozen.load(), train_supernet(SPEC, task)[0])


def test_a_loss_that_explodes_is_stopped_before_it_is_infinite(task: Task) -> None:
    wild = spec(optimizer="sgd", schedule="constant", learning_rate=1e4)
    with pytest.raises(DivergenceError, match=r"loss [0-9.e+]+ in epoch 1 of 4, step"):
        train_supernet(wild, task)


def test_each_epoch_is_told_in_figures(task: Task) -> None:
    seen: list[Figures] = []
    images: list[int] = []
    cosine = spec(optimizer="sgd", schedule="cosine", learning_rate=0.1)
    train_supernet(cosine, task, watch=Watch(epoch=seen.append, images=images.append))
    assert images == [32, 32, 32, 4] * 4
    assert [figure.step for figure in seen] == [4, 8, 12, 16]
    assert [figure.learning_rate for figure in seen] == pytest.approx(
        [0.1, 0.085355, 0.05, 0.014645], rel=1e-4
    )
    assert seen[-1].loss < seen[0].loss
    assert all(figure.images_per_second > 0 for figure in seen)
    assert seen[-1].seconds_left == 0


def test_a_step_in_parts_is_the_same_step_but_for_batch_norms(task: Task) -> None:
    first, _ = train_supernet(spec(epochs=1, optimizer="sgd", learning_rate=1e-3), task)
    parted, _ = train_supernet(
        spec(epochs=1, optimizer="sgd", learning_rate=1e-3, accumulate=2), task
    )
    assert not same(first, parted)
    for one, other in zip(first.parameters(), parted.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=0)


class Noisy(SE):
    """Noise that no layer is known for; and what others draw of torch meanwhile."""

    def gate(self, means: Tensor, state: State) -> tuple[Tensor, State]:
        gate, state = super().gate(means, state)
        return (gate + 0.1 * torch.randn_like(gate) if self.training else gate), state


def test_noise_of_any_kind_comes_from_the_seeds_and_leaves_torchs_generator_alone(
    task: Task,
) -> None:
    with registered({"noisy": Noisy}):
        noisy = replace(SPEC, network=replace(SPEC.network, attention="noisy"))
        trained = []
        for other in (1, 2):
            torch.manual_seed(other)
            before = torch.get_rng_state()
            trained.append(train_supernet(noisy, task)[0])
            assert torch.equal(before, torch.get_rng_state())
    assert same(*trained)
    assert not same(trained[0], train_supernet(SPEC, task)[0])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_keeps_weights_in_float32_and_learns(task: Task, precision: str) -> None:
    seen: list[Figures] = []
    network, _ = train_supernet(spec(precision=precision), task, watch=Watch(epoch=seen.append))
    exact: list[Figures] = []
    wanted, _ = train_supernet(SPEC, task, watch=Watch(epoch=exact.append))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not same(network, wanted)
    assert seen[0].loss == pytest.approx(exact[0].loss, rel=0.05)


@pytest.mark.parametrize("change", [{"memory_format": "contiguous"}, {"threads": 2}])
def test_layout_and_threads_change_no_more_than_rounding(
    task: Task, change: dict[str, object]
) -> None:
    before = torch.get_num_threads()
    network, _ = train_supernet(spec(epochs=1, **change), task)
    assert torch.get_num_threads() == before
    wanted, _ = train_supernet(spec(epochs=1), task)
    for one, other in zip(network.parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


@given(rows=st.integers(0, 50), count=st.integers(1, 9))
def test_parts_are_neighbours_of_nearly_equal_size(rows: int, count: int) -> None:
    found = parts(rows, count)
    assert [row for part in found for row in range(rows)[part]] == list(range(rows))
    sizes = [part.stop - part.start for part in found]
    assert len(sizes) == count
    assert max(sizes) - min(sizes) <= 1

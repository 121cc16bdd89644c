import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics import MeanAbsoluteError, MeanSquaredError

from tasks.crowd.counting import Counting, MapLoss
from tasks.crowd.density import density_map
from tasks.crowd.points import People
from tasks.crowd.presets import C3_LOSS, CSRNET_LOSS
from tests.tasks.crowd.definitions import block_sums, gradient

PLAIN = MapLoss(scale=1.0, mean=False)


def _maps(*counts: float) -> torch.Tensor:
    """A map of 1×2 cells for each count."""
    return torch.tensor([[[[0.25 * count, 0.75 * count]]] for count in counts])


def test_errors_of_counts_by_hand() -> None:
    """Off by 2, -3 and 0 of 10, 8 and 2 people: MAE 5/3, root of 13/3, 5 of 20 missed."""
    metric = Counting(PLAIN)
    tally = metric.tally(_maps(12, 5, 2), _maps(10, 8, 2))
    assert metric.shown(tally, 3) == pytest.approx(
        {"MAE": 5 / 3, "root mean squared error": (13 / 3) ** 0.5}
    )
    assert metric.score(tally, 3).accuracy == pytest.approx(1 / (1 + 0.25))


def test_figures_are_shown_as_the_field_does() -> None:
    names = [(figure.name, figure.lower_is_better) for figure in Counting(PLAIN).figures]
    assert names == [("MAE", True), ("root mean squared error", True)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 3000)), min_size=1, max_size=20))
def test_errors_are_those_of_torchmetrics(pairs: list[tuple[float, float]]) -> None:
    found, true = (torch.tensor(values, dtype=torch.float64) for values in zip(*pairs, strict=True))
    metric = Counting(PLAIN)
    shown = metric.shown(
        metric.tally(found[:, None, None, None], true[:, None, None, None]), len(pairs)
    )
    absolute, root = MeanAbsoluteError(), MeanSquaredError(squared=False)
    assert shown["MAE"] == pytest.approx(
        float(absolute(found, true)), rel=1e-5, abs=1e-9
    )  # theirs in float32
    assert shown["root mean squared error"] == pytest.approx(
        float(root(found, true)), rel=1e-5, abs=1e-9
    )  # theirs in float32


def test_counts_are_put_back_to_the_scale_of_people() -> None:
    """With c3, a cell of one person is to say 100/64; the sum of outputs · 64/100 are people."""
    metric = Counting(C3_LOSS)
    tally = metric.tally(_maps(10) * 100 / 64, _maps(10))
    assert metric.score(tally, 1).accuracy == pytest.approx(1)
    assert metric.score(tally, 1).loss == pytest.approx(0, abs=1e-9)


def test_losses_by_hand() -> None:
    outputs, targets = torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    assert MapLoss(scale=2.0, mean=True).of_rows(outputs, targets).tolist() == [1.0]
    assert MapLoss(scale=2.0, mean=False).of_rows(outputs, targets).tolist() == [2.0]


def test_losses_are_those_of_the_published_codes() -> None:
    """C-3-Framework: mean over pixels of nearest ×8 against 100 · density, up to a constant.

    CSRNet: sum over cells against 64 · the mean density of a cell.
    """
    rng = np.random.default_rng(0)
    people = People(rng.integers(32, size=(20, 2)), np.full(20, 4.0), (32, 32))
    density = density_map(people, radius=7)
    cells = torch.from_numpy(block_sums(density, 8))[None, None]
    outputs = torch.rand(
        1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    published, _ = gradient(outputs, torch.from_numpy(100 * density)[None, None])
    leaf = outputs.clone().requires_grad_()
    (ours,) = torch.autograd.grad(C3_LOSS.of_rows(leaf, cells).mean(), leaf)
    torch.testing.assert_close(ours, published)
    mean = cells / 64
    expected = torch.nn.functional.mse_loss(outputs, 64 * mean, reduction="sum")
    torch.testing.assert_close(CSRNET_LOSS.of_rows(outputs, cells).sum(), expected)


def test_an_image_set_without_people_has_an_accuracy() -> None:
    metric = Counting(PLAIN)
    right, off = (metric.tally(_maps(n, n), _maps(0, 0)) for n in (0, 3))
    assert metric.score(right, 2).accuracy == 1
    assert metric.score(off, 2).accuracy == pytest.approx(1 / (1 + 3))


@pytest.mark.parametrize(
    ("outputs", "targets", "dead"),
    [
        (_maps(0, 0), _maps(3, 0), True),
        (_maps(0, 1e-6), _maps(3, 0), False),
        (_maps(0, 0), _maps(0, 0), False),
        (torch.tensor([[[[-1.0, 1.0]]]]), _maps(3), False),
    ],
    ids=["dead", "alive", "nobody there", "sum of zero"],
)
def test_a_head_that_says_zero_everywhere_is_dead(
    outputs: torch.Tensor, targets: torch.Tensor, *, dead: bool
) -> None:
    metric = Counting(PLAIN)
    reason = metric.failure(metric.tally(outputs, targets), len(targets))
    assert bool(reason) is dead
    assert not dead or "predicts exactly nobody in all 2 images" in reason

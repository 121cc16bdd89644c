import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from tasks.voc.masks import VOID
from tasks.voc.metric import MeanIoU, confusion, row_losses, shares

TARGETS = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 255], [2, 2, 255, 255]])
PREDICTED = torch.tensor([[0, 0, 0, 1], [1, 1, 2, 2], [2, 0, 1, 3]])


def test_a_confusion_matrix_by_hand() -> None:
    """Rows: 4 pixels of class 0, 3 of class 1, 2 of class 2, none of class 3; 3 void."""
    counts = confusion(PREDICTED, TARGETS, 4)
    assert counts.tolist() == [[3, 1, 0, 0], [0, 2, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    found = shares(counts.double())
    assert found.iou.tolist() == pytest.approx([3 / 5, 2 / 4, 1 / 3, 0])
    assert found.accuracy.tolist() == pytest.approx([3 / 4, 2 / 3, 1 / 2, 0])
    assert found.mean_iou == pytest.approx((3 / 5 + 2 / 4 + 1 / 3) / 4)  # the absent class counts
    assert found.mean_accuracy == pytest.approx((3 / 4 + 2 / 3 + 1 / 2) / 4)
    assert found.overall == pytest.approx(6 / 9)


def test_all_void_scores_nothing() -> None:
    found = shares(confusion(PREDICTED, torch.full_like(TARGETS, VOID), 4).double())
    assert (found.mean_iou, found.mean_accuracy, found.overall) == (0, 0, 0)


def test_scores_of_each_class_are_torchmetrics() -> None:
    rng = np.random.default_rng(0)
    targets = torch.from_numpy(rng.choice([0, 1, 2, 3, 5, VOID], size=(4, 17, 23)))
    predicted = torch.from_numpy(rng.integers(6, size=(4, 17, 23)))
    found = shares(confusion(predicted, targets, 6).double())
    iou = MulticlassJaccardIndex(6, ignore_index=VOID, average=None)(predicted, targets)
    torch.testing.assert_close(found.iou, iou.double(), atol=1e-6, rtol=0)
    accuracy = MulticlassAccuracy(6, ignore_index=VOID, average=None)(predicted, targets)
    torch.testing.assert_close(found.accuracy, accuracy.double(), atol=1e-6, rtol=0)
    overall = MulticlassAccuracy(num_classes=6, ignore_index=VOID, average="micro")
    assert found.overall == pytest.approx(float(overall(predicted, targets)), abs=1e-6)


masks = arrays.arrays(np.int64, (3, 5, 4), elements=st.sampled_from([0, 1, 2, VOID]))
guesses = arrays.arrays(np.int64, (3, 5, 4), elements=st.integers(0, 2))


@given(masks, guesses)
def test_confusions_of_parts_add_up_and_count_every_pixel_that_is_not_void(
    mask: np.ndarray, guess: np.ndarray
) -> None:
    targets, predicted = torch.from_numpy(mask), torch.from_numpy(guess)
    whole = confusion(predicted, targets, 3)
    parts = [confusion(guess, mask, 3) for guess, mask in zip(predicted, targets, strict=True)]
    assert torch.equal(torch.stack(parts).sum(dim=0), whole)
    assert int(whole.sum()) == int((mask != VOID).sum())
    slow = [[int(((mask == row) & (guess == at)).sum()) for at in range(3)] for row in range(3)]
    assert whole.tolist() == slow


@given(masks, guesses, guesses)
def test_what_is_predicted_under_void_makes_no_difference(
    mask: np.ndarray, guess: np.ndarray, other: np.ndarray
) -> None:
    mixed = np.where(mask == VOID, other, guess)
    counts = [confusion(torch.from_numpy(g), torch.from_numpy(mask), 3) for g in (guess, mixed)]
    assert torch.equal(*counts)


@given(masks, guesses)
def test_flipping_image_and_mask_together_changes_no_score(
    mask: np.ndarray, guess: np.ndarray
) -> None:
    targets, predicted = torch.from_numpy(mask), torch.from_numpy(guess)
    assert torch.equal(
        confusion(predicted.flip(2), targets.flip(2), 3), confusion(predicted, targets, 3)
    )


def test_losses_leave_void_out_and_weigh_images_alike() -> None:
    logits = torch.zeros(3, 4, 3, 4)
    logits[:, 2] = 1
    targets = torch.stack([TARGETS, torch.full_like(TARGETS, 2), torch.full_like(TARGETS, VOID)])
    normaliser = np.log(3 + np.e)
    expected = [(7 * normaliser + 2 * (normaliser - 1)) / 9, normaliser - 1, 0]
    assert row_losses(logits, targets).tolist() == pytest.approx(expected, rel=1e-6)


def test_scores_are_made_from_sums_over_the_whole_set() -> None:
    """An average over images would give each of them 0.5 or 0.75 here, and another mean."""
    metric = MeanIoU(4)
    logits = torch.nn.functional.one_hot(PREDICTED, 4).permute(2, 0, 1).float()
    rows = [(logits[None, :, at : at + 1], TARGETS[None, at : at + 1]) for at in range(3)]
    tally = torch.stack([metric.tally(*row) for row in rows]).sum(dim=0)
    shown = metric.shown(tally, rows=3)
    assert list(shown) == [figure.name for figure in metric.figures]
    assert shown["mIoU"] == metric.score(tally, 3).accuracy
    assert shown["mIoU"] == pytest.approx((3 / 5 + 2 / 4 + 1 / 3) / 4)
    assert shown["allAcc"] == pytest.approx(6 / 9)
    whole = metric.tally(logits[None], TARGETS[None])
    assert torch.equal(tally[:-1], whole[:-1])

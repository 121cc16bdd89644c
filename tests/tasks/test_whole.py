import numpy as np
import pytest
import torch

from tasks.errors import BrokenImageError
from tasks.pixels import Normalisation
from tasks.whole import KeptImages, WholeImages

SIZES = [(4, 5), (4, 5), (4, 5), (6, 2), (4, 5)] + [(3, 3)] * 17
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)


def read(row: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = SIZES[row]
    return np.full((3, height, width), row, dtype=np.uint8), np.full((height, width), row)


def whole() -> WholeImages:
    return WholeImages(read, np.arange(len(SIZES)), NORMALISATION)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_hold_one_size_and_keep_the_order(size: int, keep: bool) -> None:  # noqa: FBT001 - a parameter
    split = whole().to("cpu") if keep else whole()
    assert isinstance(split, KeptImages) == keep
    found = []
    for images, targets in split.batches(size):
        assert len(images) == len(targets) <= size
        assert images.shape[2:] == targets.shape[1:]
        rows = targets[:, 0, 0]
        expected = (rows / 255 - 0.5) / 0.25
        torch.testing.assert_close(images[:, 0, 0, 0], expected.float())
        found += rows.tolist()
    assert found == list(range(len(SIZES)))


def test_batches_are_full_where_sizes_allow_it() -> None:
    assert [len(images) for images, _ in whole().batches(8)] == [3, 1, 1, 8, 8, 1]


def test_rows_are_taken_in_the_order_asked_for() -> None:
    rows = np.array([9, 3, 9])
    for split in (whole(), whole().to("cpu")):
        taken = split.take(rows)
        assert [int(targets[0, 0, 0]) for _, targets in taken.batches(1)] == rows.tolist()
        assert len(taken) == 3
        assert len(split.take(rows[:0])) == 0
        assert list(split.take(rows[:0]).batches(4)) == []


def test_what_does_not_fit_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.whole.spare_memory", lambda _: 500)
    assert isinstance(whole().to("cpu"), WholeImages)
    assert isinstance(whole().head(1).to("cpu"), KeptImages)


def test_what_reading_raises_arrives() -> None:
    def broken(row: int) -> tuple[np.ndarray, np.ndarray]:
        if row == 12:
            raise BrokenImageError("row 12")
        return read(row)

    with pytest.raises(BrokenImageError, match="row 12"):
        list(WholeImages(broken, np.arange(20), NORMALISATION).batches(4))

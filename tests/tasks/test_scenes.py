from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.digits import Digits
from tasks.errors import DataError
from tasks.generated import written
from tasks.scenes import digit_pools, enlarged, ground, inside, paste, photograph


def test_pools_hold_every_digit_once() -> None:
    training, testing = digit_pools(0)
    assert (len(training), len(testing)) == (1300, 497)
    assert np.unique(testing.labels).tolist() == list(range(10))
    assert set(training.of(range(3)).labels) == {0, 1, 2}
    assert not np.array_equal(digit_pools(1)[1].labels, testing.labels)


def test_no_digit_of_test_scenes_was_trained_on_in_the_classification_task() -> None:
    _, testing = digit_pools(0)
    scans, labels = Digits(0, validation_size=1, test_size=1).pools["test"]
    assert np.array_equal(testing.labels, labels)
    np.testing.assert_allclose(testing.scans - 0.3, scans, atol=1e-6)


def test_grounds_follow_the_generator_and_leave_room_for_digits() -> None:
    first, same, other = (ground(20, 31, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (20, 31, 3)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert first.max() < 0.8
    assert photograph(first).mode == "RGB"
    assert photograph(first, grey=True).size == (31, 20)


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(-12, 12),
    st.integers(-12, 12),
)
def test_what_lies_inside_is_what_an_unbounded_canvas_would_show(
    height: int, width: int, top: int, left: int
) -> None:
    stamp = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    unbounded = np.zeros((40, 40), dtype=np.float32)
    unbounded[top + 15 : top + 18, left + 15 : left + 19] = stamp
    image = np.zeros((height, width), dtype=np.float32)
    seen, place = inside(stamp, height, width, top, left)
    image[place] = seen
    assert np.array_equal(image, unbounded[15 : 15 + height, 15 : 15 + width])


def test_full_ink_covers_and_no_ink_leaves_the_ground() -> None:
    canvas = np.zeros((4, 4, 3), dtype=np.float32)
    ink = np.array([[1, 0], [0.5, 0]], dtype=np.float32)
    paste(canvas, ink, 1, 2, np.array([0.2, 0.4, 0.6], dtype=np.float32))
    np.testing.assert_allclose(canvas[1, 2], [0.2, 0.4, 0.6])
    np.testing.assert_allclose(canvas[2, 2], [0.1, 0.2, 0.3])
    assert canvas.sum() == pytest.approx(1.8)
    pool, _ = digit_pools(0)
    assert enlarged(pool.scans[0], 20, 16).shape == (20, 16)


def test_a_tree_is_written_once_and_a_failed_one_is_not_kept(tmp_path: Path) -> None:
    calls = []

    def write(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("content")

    folder = written(write, "scenes-0", str(tmp_path))
    assert (folder / "file").read_text() == "content"
    assert written(write, "scenes-0", str(tmp_path)) == folder
    assert len(calls) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["scenes-0"]

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(DataError, match=r"scenes-1 \(disk full\): free space, or name another"):
        written(fail, "scenes-1", str(tmp_path))
    assert [path.name for path in folder.parent.iterdir()] == ["scenes-0"]

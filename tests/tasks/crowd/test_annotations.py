from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import loadmat, savemat

from tasks.crowd.annotations import read_points
from tasks.crowd.writing import annotation_bytes
from tasks.errors import BrokenAnnotationError, DataError

POINTS = np.array([[29.6, 472.9], [54.0, 460.5]])


def _saved(path: Path, content: dict[str, object]) -> Path:
    savemat(path, content)
    return path


def _cell(*values: object) -> np.ndarray:
    cell = np.empty((1, len(values)), dtype=object)
    for column, value in enumerate(values):
        cell[0, column] = value
    return cell


def test_files_nest_as_the_published_ones(tmp_path: Path) -> None:
    """The path that every published reader takes."""
    for count, kind in ((2, np.uint8), (256, np.uint16)):
        points = np.tile(POINTS, (count // 2, 1))
        info = loadmat(BytesIO(annotation_bytes(points)))["image_info"][0, 0][0, 0]
        np.testing.assert_array_equal(info[0], points)
        assert info[1].item() == count
        assert info[1].dtype == kind
        path = tmp_path / "GT_IMG_1.mat"
        path.write_bytes(annotation_bytes(points))
        np.testing.assert_array_equal(read_points(path), points)


def test_files_are_the_same_to_the_byte_each_time() -> None:
    assert b"Created" not in annotation_bytes(POINTS)
    assert annotation_bytes(POINTS) == annotation_bytes(POINTS)


@settings(max_examples=20)
@given(arrays(np.float64, st.tuples(st.integers(0, 300), st.just(2)), elements=st.floats(-9, 9999)))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, points: np.ndarray
) -> None:
    path = tmp_path_factory.mktemp("mat") / "GT_IMG_1.mat"
    path.write_bytes(annotation_bytes(points))
    np.testing.assert_array_equal(read_points(path), points)


@pytest.mark.parametrize(
    "info",
    [
        {"location": POINTS, "number": 2},
        {"location": _cell(POINTS), "number": 2},
        _cell(_cell({"location": POINTS, "number": 2})),
        POINTS,
        _cell(POINTS),
        POINTS.astype(np.float32),
    ],
    ids=["struct", "cell in struct", "two cells", "numbers", "cell of numbers", "single"],
)
def test_other_nestings_are_understood(tmp_path: Path, info: object) -> None:
    path = _saved(tmp_path / "x.mat", {"image_info": info})
    np.testing.assert_allclose(read_points(path), POINTS, rtol=1e-6)


def test_whole_numbers_and_a_single_point_are_read_as_rows(tmp_path: Path) -> None:
    path = _saved(tmp_path / "x.mat", {"image_info": {"location": np.array([[3, 4]], np.uint16)}})
    np.testing.assert_array_equal(read_points(path), [[3.0, 4.0]])
    empty = _saved(tmp_path / "y.mat", {"image_info": {"location": np.empty((0, 0))}})
    assert read_points(empty).shape == (0, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"annPoints": POINTS}, r"expected image_info.*x\.mat, which holds annPoints"),
        ({}, "which holds nothing"),
        ({"image_info": _cell(POINTS, POINTS)}, "found 2 entries in image_info"),
        ({"image_info": "none"}, "found image_info without a struct"),
        ({"image_info": {"points": POINTS}}, "found 1 structs of fields points"),
        ({"image_info": {"location": "left"}}, "expected numbers"),
        ({"image_info": {"location": POINTS.T[:, :1]}}, r"n × 2 \(x, y\), received 2 × 1"),
        ({"image_info": {"location": np.ones((2, 2, 2))}}, "received 2 × 2 × 2"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, content: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_points(_saved(tmp_path / "x.mat", content))


@pytest.mark.parametrize("head", [b"MATLAB 7.3 MAT-file, Platform: GLNXA64", b"\x89HDF\r\n"])
def test_version_73_is_named_with_a_way_out(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "GT_IMG_1.mat"
    path.write_bytes(head.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match=r"GT_IMG_1\.mat .*version 7\.3 .*save\(…, '-v7'\)"):
        read_points(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    points = POINTS.copy()
    points[1, 0] = value
    path = tmp_path / "x.mat"
    path.write_bytes(annotation_bytes(points))
    with pytest.raises(BrokenAnnotationError, match=r"point 2 of .*x\.mat is not finite"):
        read_points(path)


@pytest.mark.parametrize("size", [0, 1, 100, 130, 200, 300])
def test_truncated_files_are_named(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(annotation_bytes(POINTS)[:size])
    with pytest.raises(DataError, match=r"x\.mat"):
        read_points(path)


def test_a_file_that_is_not_matlabs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    path.write_text("<html>404 Not Found</html>" * 20)
    with pytest.raises(BrokenAnnotationError, match=r"x\.mat is no intact MATLAB file"):
        read_points(path)
    with pytest.raises(BrokenAnnotationError, match=r"can't read .*gone\.mat"):
        read_points(tmp_path / "gone.mat")

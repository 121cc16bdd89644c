import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.crowd.density import density_map
from tasks.crowd.points import People, adaptive_spreads, inside, pixels_of
from tests.tasks.crowd.definitions import block_sums, filtered_map, gradient


def _people(points: list[list[int]], size: tuple[int, int], spread: float = 1.0) -> People:
    pixels = np.array(points, dtype=np.int64).reshape(-1, 2)
    return People(pixels, np.full(len(pixels), spread), size)


@st.composite
def crowds(draw: st.DrawFn) -> People:
    """Up to 12 people in an image of up to 30×30."""
    size = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    pixel = st.tuples(st.integers(0, size[1] - 1), st.integers(0, size[0] - 1))
    pixels = draw(st.lists(pixel, max_size=12))
    spreads = draw(
        st.lists(st.floats(0, 12), min_size=len(pixels), max_size=len(pixels)).map(np.array)
    )
    return People(np.array(pixels, dtype=np.int64).reshape(-1, 2), spreads.astype(float), size)


cells = st.integers(1, 9)
radii = st.none() | st.integers(0, 40)


def test_a_kernel_is_a_sampled_gaussian_scaled_to_one() -> None:
    # exp(-1/2) beside the middle: 1 + 2·0.6065 = 2.2131 along each axis.
    side, middle = 0.6065306597 / 2.2130613194, 1 / 2.2130613194
    column = np.array([side, middle, side])
    found = density_map(_people([[3, 1]], (3, 6)), radius=1)
    np.testing.assert_allclose(found[:, 2:5], np.outer(column, column))
    assert found.sum() == pytest.approx(1)
    assert np.count_nonzero(found) == 9


def test_what_the_border_cuts_off_is_put_back_or_lost() -> None:
    # In the corner only the middle and one side are left, along each axis.
    corner = _people([[0, 0]], (4, 4))
    side, middle = 0.6065306597 / 1.6065306597, 1 / 1.6065306597
    whole = density_map(corner, radius=1)
    np.testing.assert_allclose(whole[:2, :2], np.outer([middle, side], [middle, side]))
    cut = density_map(corner, radius=1, whole=False)
    np.testing.assert_allclose(cut, whole * (1.6065306597 / 2.2130613194) ** 2)


def test_nobody_gives_a_map_of_zeros() -> None:
    for radius in (None, 3):
        assert not density_map(_people([], (5, 7)), cell=2, radius=radius).any()
    assert density_map(_people([], (5, 7)), cell=2).shape == (3, 4)


def test_two_people_in_one_pixel_count_twice() -> None:
    once, twice = (density_map(_people([[2, 1]] * n, (9, 9))) for n in (1, 2))
    np.testing.assert_allclose(twice, 2 * once)


def test_a_spread_of_zero_is_one_pixel() -> None:
    found = density_map(_people([[2, 1]], (4, 5), spread=0.0), radius=2)
    assert found[1, 2] == 1
    assert found.sum() == 1


@settings(max_examples=60)
@given(crowds(), radii, cells)
def test_the_sum_of_a_map_is_the_number_of_people(
    people: People, radius: int | None, cell: int
) -> None:
    found = density_map(people, cell=cell, radius=radius)
    assert found.sum() == pytest.approx(len(people), rel=1e-12)
    cut = density_map(people, cell=cell, radius=radius, whole=False)
    assert cut.sum() <= len(people) * (1 + 1e-12)


@settings(max_examples=40)
@given(crowds(), radii)
def test_maps_are_those_of_filtering_the_image_for_each_person(
    people: People, radius: int | None
) -> None:
    np.testing.assert_allclose(
        density_map(people, radius=radius), filtered_map(people, radius=radius), atol=1e-12
    )


@settings(max_examples=60)
@given(crowds(), radii, cells)
def test_cells_are_sums_of_pixels(people: People, radius: int | None, cell: int) -> None:
    pixels = density_map(people, radius=radius)
    summed = block_sums(pixels, cell)
    np.testing.assert_allclose(density_map(people, cell=cell, radius=radius), summed, atol=1e-12)
    assert summed.sum() == pytest.approx(len(people), rel=1e-12)
    assert summed.shape == tuple(-(-side // cell) for side in people.size)


def test_last_cells_reach_over_the_border() -> None:
    found = block_sums(np.arange(15.0).reshape(3, 5), 2)
    np.testing.assert_array_equal(found, [[0 + 1 + 5 + 6, 2 + 3 + 7 + 8, 13], [21, 25, 14]])


@settings(max_examples=60)
@given(crowds(), radii)
def test_mirrored_people_give_the_mirrored_map(people: People, radius: int | None) -> None:
    found = density_map(people.mirrored(), radius=radius)
    np.testing.assert_allclose(found, density_map(people, radius=radius)[:, ::-1], atol=1e-12)
    np.testing.assert_array_equal(people.mirrored().mirrored().pixels, people.pixels)


@settings(max_examples=60)
@given(crowds(), st.data())
def test_windows_that_cover_an_image_share_out_its_people(
    people: People, data: st.DataObject
) -> None:
    height, width = people.size
    top, left = (data.draw(st.integers(0, side - 1)) for side in (height, width))
    parts = [
        people.cropped((row, column), size)
        for row, rows in ((0, top), (top, height))
        for column, columns in ((0, left), (left, width))
        for size in ((rows - row, columns - column),)
    ]
    assert sum(map(len, parts)) == len(people)
    for part in parts:
        assert (part.pixels >= 0).all()
        assert (part.pixels < np.array(part.size[::-1])).all()
        assert density_map(part).sum() == pytest.approx(len(part), rel=1e-12)


def test_a_window_is_cut_at_the_image() -> None:
    part = _people([[1, 1], [4, 2], [5, 3]], (4, 6)).cropped((2, 3), (10, 10))
    assert part.size == (2, 3)
    np.testing.assert_array_equal(part.pixels, [[1, 0], [2, 1]])


def test_points_on_the_border_belong_to_the_last_pixel_and_those_beyond_to_none() -> None:
    points = np.array([[0, 0], [6, 4], [5.99, 3.99], [6.01, 1], [-0.01, 1], [2, 4.5]])
    kept = inside(points, (4, 6))
    np.testing.assert_array_equal(kept, [True, True, True, False, False, False])
    np.testing.assert_array_equal(pixels_of(points[kept], (4, 6)), [[0, 0], [5, 3], [5, 3]])


def test_adaptive_spreads_are_a_share_of_the_distance_to_three_neighbours() -> None:
    # A square of side 10, and a point 10 beside one corner, whose neighbours it changes.
    points = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [20, 10]], dtype=float)
    diagonal = 200**0.5
    expected = [20 + diagonal, 20 + diagonal, 20 + diagonal, 30, 10 + diagonal + 20]
    found = adaptive_spreads(points, (200, 200))
    np.testing.assert_allclose(found, 0.1 * np.array(expected))
    np.testing.assert_allclose(adaptive_spreads(points[:2], (200, 200)), [3, 3])


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [25.0])])
def test_a_lonely_point_is_spread_by_a_quarter_of_the_mean_side(
    count: int, expected: list[float]
) -> None:
    found = adaptive_spreads(np.full((count, 2), 5.0), (80, 120))
    np.testing.assert_array_equal(found, expected)


def test_cells_give_the_gradient_of_pixels_at_a_64th_of_the_memory() -> None:
    rng = np.random.default_rng(0)
    people = _people(rng.integers(64, size=(20, 2)).tolist(), (64, 64), spread=4.0)
    density = density_map(people, radius=7)
    outputs = torch.from_numpy(rng.random((1, 1, 8, 8)))
    pixels = torch.from_numpy(density)[None, None]
    means = torch.from_numpy(block_sums(density, 8) / 64)[None, None]
    (slow, many), (fast, few) = (gradient(outputs, target) for target in (pixels, means))
    torch.testing.assert_close(slow, fast)
    assert many == 64 * few
    assert pixels.nbytes == 64 * means.nbytes

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.voc.augmentation import Augmentation, Draw, drawn, placement, view
from tasks.voc.masks import COLOURS, VOID, index_of

PADDING = (7, 8, 9)
STILL = Draw(scale=1.0, angle=0.0, mirrored=False, corner=(0.0, 0.0), blurred=False)


def scene(height: int, width: int) -> tuple[Image.Image, np.ndarray]:
    """A mask, and an image that shows it in colours."""
    mask = np.random.default_rng(height * width).integers(21, size=(height, width), dtype=np.uint8)
    return Image.fromarray(COLOURS[mask]), mask


@given(
    st.integers(3, 12), st.integers(3, 12), st.booleans(), st.floats(0, 0.99), st.floats(0, 0.99)
)
def test_image_and_mask_stay_together(
    height: int,
    width: int,
    mirrored: bool,  # noqa: FBT001 - a parameter
    top: float,
    left: float,
) -> None:
    """Without scaling and turning nothing is interpolated, so colours still say the classes."""
    draw = replace(STILL, mirrored=mirrored, corner=(top, left))
    image, mask = scene(height, width)
    pixels, classes = view(image, mask, draw, Augmentation((7, 8)), PADDING)
    assert pixels.shape == (3, 7, 8)
    outside = (pixels.transpose(1, 2, 0) == PADDING).all(axis=2)
    np.testing.assert_array_equal(classes == VOID, outside)
    assert (~outside).sum() == min(height, 7) * min(width, 8)
    shown = index_of(pixels.transpose(1, 2, 0))
    np.testing.assert_array_equal(shown[~outside], classes[~outside])


def test_a_crop_by_hand() -> None:
    """Of 5×6 pixels, 3×4 fit at 3×3 places; 0.5 of that is the middle one."""
    image, mask = scene(5, 6)
    choices = Augmentation((3, 4))
    _, classes = view(image, mask, replace(STILL, corner=(0.5, 0.99)), choices, PADDING)
    np.testing.assert_array_equal(classes, mask[1:4, 2:6])
    _, classes = view(image, mask, replace(STILL, mirrored=True), choices, PADDING)
    np.testing.assert_array_equal(classes, mask[:3, ::-1][:, :4])


def test_padding_goes_all_around() -> None:
    image, mask = scene(2, 3)
    _, classes = view(image, mask, STILL, Augmentation((5, 4)), PADDING)
    expected = np.full((5, 4), VOID)
    expected[1:3, 0:3] = mask
    np.testing.assert_array_equal(classes, expected)


def test_twice_as_large_doubles_each_pixel() -> None:
    image, mask = scene(4, 5)
    _, classes = view(image, mask, replace(STILL, scale=2.0), Augmentation((8, 10)), PADDING)
    np.testing.assert_array_equal(classes, mask.repeat(2, axis=0).repeat(2, axis=1))


@given(st.integers(4, 40), st.integers(4, 40), st.floats(0.5, 2), st.floats(-0.2, 0.2))
def test_turning_leaves_the_middle_where_it_is(
    height: int, width: int, scale: float, angle: float
) -> None:
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    matrix = placement((height, width), replace(STILL, scale=scale, angle=angle), size)
    middle = matrix @ [size[1] / 2, size[0] / 2, 1]
    np.testing.assert_allclose(middle, [width / 2, height / 2, 1])
    area = np.linalg.det(matrix[:2, :2]) * size[0] * size[1]
    assert area == pytest.approx(height * width)


def test_a_quarter_turn_is_numpys() -> None:
    image, mask = scene(4, 4)
    turned = replace(STILL, angle=np.pi / 2)
    _, classes = view(image, mask, turned, Augmentation((4, 4)), PADDING)
    assert any(np.array_equal(classes, np.rot90(mask, turns)) for turns in (1, 3))


def test_draws_follow_the_generator_and_the_choices() -> None:
    choices = Augmentation((8, 8), degrees=10.0, blur=1.1)
    draws = [drawn(choices, np.random.default_rng(seed)) for seed in range(400)]
    assert draws[0] == drawn(choices, np.random.default_rng(0))
    scales = np.array([draw.scale for draw in draws])
    assert (scales.min(), scales.max()) == (
        pytest.approx(0.5, abs=0.05),
        pytest.approx(2, abs=0.05),
    )
    for chosen in ("mirrored", "blurred"):
        assert 0.4 < np.mean([getattr(draw, chosen) for draw in draws]) < 0.6
    angles = np.array([draw.angle for draw in draws])
    assert 0.4 < (angles == 0).mean() < 0.6
    assert np.abs(angles).max() == pytest.approx(np.deg2rad(10), rel=0.1)
    plain = drawn(Augmentation((8, 8), flip=False), np.random.default_rng(0))
    assert (plain.angle, plain.mirrored, plain.blurred) == (0, False, False)
    assert plain.scale == draws[0].scale  # the same draws, whatever the choices


def test_a_blur_changes_the_image_and_not_the_mask() -> None:
    image, mask = scene(9, 9)
    choices = Augmentation((9, 9), blur=1.1)
    (sharp, classes), (blurred, same) = (
        view(image, mask, replace(STILL, blurred=on), choices, PADDING) for on in (False, True)
    )
    assert np.array_equal(classes, same)
    assert blurred.std() < sharp.std()

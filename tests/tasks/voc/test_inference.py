import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tasks.voc.inference import Inference, averaged, starts

IMAGES = torch.rand(2, 3, 9, 14, generator=torch.Generator().manual_seed(0))


def pixelwise(images: Tensor) -> Tensor:
    """A network that looks at each pixel alone, so how it is shown images makes no difference."""
    return torch.cat([images, images.sum(dim=1, keepdim=True)], dim=1)


def skewed(images: Tensor) -> Tensor:
    """A network whose answers depend on where it sees a pixel."""
    return pixelwise(images) + torch.arange(images.shape[3])


@given(st.integers(1, 60), st.integers(1, 20))
def test_windows_cover_every_pixel_and_stay_inside(length: int, window: int) -> None:
    found = starts(length, window)
    covered = {pixel for start in found for pixel in range(start, start + window)}
    assert covered >= set(range(length))
    assert len(set(found)) == len(found)
    if length >= window:
        assert covered == set(range(length))


def test_windows_are_semsegs() -> None:
    """Side 512 in windows of 473: a stride of 316 gives two, the second at the far end."""
    assert starts(512, 473) == [0, 39]
    assert starts(473, 473) == [0]
    assert starts(900, 473) == [0, 316, 427]


@pytest.mark.parametrize(
    "inference",
    [
        Inference(),
        Inference(window=(9, 14)),
        Inference(long_side=14),
        Inference(window=(40, 40)),  # padded, and cut again
    ],
)
def test_seeing_it_all_at_once_is_the_network_itself(inference: Inference) -> None:
    found = inference(pixelwise, IMAGES)
    torch.testing.assert_close(found, pixelwise(IMAGES).log_softmax(dim=1))


@pytest.mark.parametrize("window", [(9, 14), (4, 5), (3, 14), (9, 1), (1, 1)])
@pytest.mark.parametrize("flip", [False, True])
def test_windows_and_mirrors_change_nothing_where_pixels_stand_alone(
    window: tuple[int, int],
    flip: bool,  # noqa: FBT001 - a parameter
) -> None:
    found = Inference(window=window, flip=flip)(pixelwise, IMAGES)
    torch.testing.assert_close(found, pixelwise(IMAGES).log_softmax(dim=1))


def test_overlaps_are_averaged() -> None:
    """Windows of 3 over 5 pixels start at 0 and 2: pixel 2 is the third and the first of one."""
    images = torch.zeros(1, 1, 1, 5)
    positions = averaged(lambda part: part + torch.arange(part.shape[3]), images, (1, 3))
    assert positions[0, 0, 0].tolist() == [0, 1, 1, 1, 2]


def test_a_mirror_averages_both_sights() -> None:
    found = Inference(flip=True)(skewed, IMAGES).exp()
    mirrored = skewed(IMAGES.flip(3)).softmax(dim=1).flip(3)
    torch.testing.assert_close(found, (skewed(IMAGES).softmax(dim=1) + mirrored) / 2)


def test_shares_add_up_to_one_at_every_size() -> None:
    found = Inference(long_side=23, window=(8, 8), flip=True)(skewed, IMAGES)
    assert found.shape == (2, 4, 9, 14)
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(2, 9, 14))

"""Maps of density against filtering an image point by point; cells against pixels; confusions."""

import numpy as np
import pytest
import torch
from jaxtyping import Int64, Integer
from torch import Tensor

from tasks.crowd.density import density_map
from tasks.crowd.points import People, adaptive_spreads, pixels_of
from tasks.voc.masks import VOID
from tasks.voc.metric import confusion
from tests.speed.claims import Claim, Round, Speed
from tests.tasks.crowd.definitions import block_sums, filtered_map, gradient

SIZE, POINTS = (768, 1024), 500
LOOKED_AT = 10
"""Points that are really filtered one by one; the time of all is scaled from them."""
CELL = 8
CLASSES, MASKS = 21, (4, 375, 500)
DENSITIES = {
    "density-window": ("σ = 4 in windows of 15×15", 4.0, 7),
    "density-wide": ("σ = 15", 15.0, None),
    "density-adaptive": ("geometry-adaptive", None, None),
}
"""In words; the spread, and the radius that kernels are cut off at."""
BLOCKS = "outputs repeated ×8 against pixels / outputs against means of 8×8 blocks"


def crowd(spread: float | None) -> People:
    points = np.random.default_rng(0).random((POINTS, 2)) * SIZE[::-1]
    spreads = adaptive_spreads(points, SIZE) if spread is None else np.full(POINTS, spread)
    return People(pixels_of(points, SIZE), spreads, SIZE)


@pytest.mark.parametrize("name", DENSITIES)
def test_density(speed: Speed, name: str) -> None:
    words, spread, radius = DENSITIES[name]
    people = crowd(spread)
    some = People(people.pixels[:LOOKED_AT], people.spreads[:LOOKED_AT], SIZE)
    definition = filtered_map(some, radius=radius)
    np.testing.assert_allclose(density_map(some, radius=radius), definition, atol=1e-12)
    speed.pairs(
        f"density of 500 points at 768×1024, {words}: filtering the image point by point "
        f"({LOOKED_AT} points, scaled) / separable windows",
        lambda: filtered_map(some, radius=radius),
        lambda: density_map(people, radius=radius),
        Claim(20),
        scale=POINTS / LOOKED_AT,
        times=5,
    )


def pixels_and_means() -> tuple[Tensor, Tensor, Tensor]:
    """Outputs of one image, and its density in pixels and in means of blocks."""
    density = density_map(crowd(4.0), radius=7)
    means = block_sums(density, CELL) / CELL**2
    outputs = np.random.default_rng(0).random(means.shape)
    first, second, third = (
        torch.from_numpy(values)[None, None].float() for values in (outputs, density, means)
    )
    return first, second, third


def test_density_blocks(speed: Speed) -> None:
    outputs, pixels, means = pixels_and_means()
    (slow, _), (fast, _) = gradient(outputs, pixels), gradient(outputs, means)
    torch.testing.assert_close(slow, fast, atol=1e-9, rtol=1e-4)
    title = f"gradient of one image's loss at 768×1024: {BLOCKS}"
    speed.pairs(title, lambda: gradient(outputs, pixels), lambda: gradient(outputs, means), times=5)


def test_density_blocks_memory(speed: Speed) -> None:
    outputs, *targets = pixels_and_means()

    def turn() -> Round:
        a, b = (target.nbytes + gradient(outputs, target)[1] for target in targets)
        return Round(a / b, {"A, MiB": a / 2**20, "B, MiB": b / 2**20})

    title = (
        "target of one image at 768×1024 and what its loss keeps for the gradient, in bytes: "
        f"{BLOCKS}"
    )
    speed.turns(title, turn, Claim(64))


def by_pairs(
    predicted: Int64[Tensor, "*pixels"], targets: Integer[Tensor, "*pixels"]
) -> Int64[Tensor, "classes classes"]:
    """The definition: for each pair of classes, the pixels of one that are taken for the other."""
    every = range(CLASSES)
    counts = [[((targets == row) & (predicted == at)).sum() for at in every] for row in every]
    return torch.tensor(counts)


def test_confusion_counts(speed: Speed) -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(CLASSES, size=MASKS, dtype=np.uint8)
    drawn[:, :20] = VOID
    targets, predicted = (
        torch.from_numpy(drawn),
        torch.from_numpy(rng.integers(CLASSES, size=MASKS)),
    )
    assert torch.equal(confusion(predicted, targets, CLASSES), by_pairs(predicted, targets))
    speed.pairs(
        "confusion matrix of 21 classes over 4 images of 375×500: pair of classes by pair / one "
        "count of them all",
        lambda: by_pairs(predicted, targets),
        lambda: confusion(predicted, targets, CLASSES),
        Claim(50),
        times=10,
    )

"""Windows of one size that are cut out of images of crowds to train on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from PIL import Image

from tasks.crowd.images import Map, Scene, Views, cells_of, pixels_in
from tasks.decoding import Pixels, made_ahead
from tasks.splits import Batches

_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


@dataclass(frozen=True)
class Draws:
    """What is drawn for one epoch.

    Attributes:
        order: scene of each row.
        places: of its window, down and to the right, from 0 to 1 as far as there is room.
        flips: whether it is mirrored.
    """

    order: Int64[np.ndarray, " n"]
    places: Float64[np.ndarray, "n 2"]
    flips: Bool[np.ndarray, " n"]


@dataclass(frozen=True)
class Windows:
    """One window of each scene, mirrored every other time.

    Where an image is smaller than a window, its mean colour fills up the rest.

    Attributes:
        scenes: that are trained on.
        views: how they are shown.
        size: height and width of a window.
    """

    scenes: Sequence[Scene]
    views: Views
    size: tuple[int, int]

    def draw(self, rng: np.random.Generator) -> Draws:
        """Everything that an epoch needs of ``rng``."""
        count = len(self.scenes)
        order, places = rng.permutation(count), rng.random((count, 2))
        return Draws(order, places, rng.random(count) < 0.5)  # noqa: PLR2004 - every other

    def batches(self, draws: Draws, parts: Sequence[range], device: str) -> Batches:
        """Windows and their density maps, made ahead.

        Args:
            draws: of the epoch.
            parts: rows of each batch.
            device: where they are wanted.
        """

        def made(row: int) -> tuple[Pixels, Map]:
            return self._window(
                self.scenes[draws.order[row]], draws.places[row], flip=bool(draws.flips[row])
            )

        for windows in made_ahead(made, parts):
            pixels, maps = (torch.from_numpy(np.stack(part)) for part in zip(*windows, strict=True))
            yield self.views.normalisation(pixels.to(device)), maps.to(device)

    def _window(
        self, scene: Scene, place: Float64[np.ndarray, " 2"], *, flip: bool
    ) -> tuple[Pixels, Map]:
        corner = tuple(
            int(at * (max(there - side, 0) + 1))
            for at, there, side in zip(place, scene.people.size, self.size, strict=True)
        )
        top, left = corner
        people = scene.people.cropped((top, left), self.size)
        height, width = people.size
        image = scene.image().crop((left, top, left + width, top + height))
        if flip:
            # Points are mirrored, not maps: nothing is interpolated.
            people, image = people.mirrored(), image.transpose(_MIRROR)
        pixels = self.views.padded(pixels_in(image), self.size)
        return pixels, self.views.target(people, cells_of(self.size))

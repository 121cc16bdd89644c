"""Images of crowds with their people, and how they are shown to a network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from tasks.crowd.annotations import read_points
from tasks.crowd.density import density_map
from tasks.crowd.layouts import Half, Pair, paired
from tasks.crowd.points import People, adaptive_spreads, inside, pixels_of
from tasks.crowd.presets import Kernel
from tasks.decoding import FORMATS, Pixels, decoded, failures
from tasks.errors import BrokenAnnotationError, BrokenImageError, DataError
from tasks.pixels import Normalisation

CELL = 8
"""Side of a cell of the density maps, in pixels: what the trunk divides sides by."""


Map = Float32[np.ndarray, "1 rows columns"]
"""How many people stand in each cell of an image, in parts where their kernels spread them."""


@dataclass(frozen=True)
class Scene:
    """An image file and the people it shows.

    Attributes:
        name: the same in every layout.
        path: of the file.
        bytes: its size.
        people: whose points lie inside.
        outside: number of points that don't.
    """

    name: str
    path: Path
    bytes: int
    people: People
    outside: int

    def image(self) -> Image.Image:
        """The decoded image, RGB.

        Raises:
            BrokenImageError: it can't be read, or has another size than it had.
        """
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise BrokenImageError(f"can't read {self.path}: {error}") from error
        image = decoded(raw, str(self.path))
        if (image.height, image.width) != self.people.size:
            raise BrokenImageError(f"{self.path} has changed since it was looked at: start again")
        return image


def read_scene(pair: Pair, kernel: Kernel) -> Scene:
    """Look at an image's size and at its points.

    Raises:
        DataError: one of both files can't be read.
    """
    points = read_points(pair.annotation)
    try:
        with Image.open(pair.image, formats=FORMATS) as image:
            size = image.height, image.width
    except Exception as error:
        # A damaged image may raise nearly anything.
        raise BrokenImageError(
            f"{pair.image} is no image ({error}): restore it, or leave out what is broken with "
            "--skip-broken"
        ) from error
    kept = points[inside(points, size)]
    if kernel.spread is None:
        spreads = adaptive_spreads(kept, size)
    else:
        spreads = np.full(len(kept), kernel.spread)
    people = People(pixels_of(kept, size), spreads, size)
    lost = len(points) - len(kept)
    return Scene(pair.name, pair.image, pair.image.stat().st_size, people, lost)


@dataclass(frozen=True)
class Scenes:
    """One half of a data set.

    Attributes:
        scenes: in the order of their numbers.
        broken: names of what was left out.
    """

    scenes: list[Scene]
    broken: list[str]


def read_scenes(place: Path, half: Half, kernel: Kernel, *, skip: bool, decodes: bool) -> Scenes:
    """Look at all images and points of one half.

    Args:
        place: folder of the part.
        half: which.
        kernel: says how points are spread.
        skip: leave out what is broken or lacks its other file instead of stopping there.
        decodes: decode every image, to find those that are broken.

    Raises:
        DataError: data are missing, damaged or of another format.
    """
    found = paired(place, half, skip=skip)
    scenes, broken = [], list(found.unpaired)
    for pair in found.pairs:
        try:
            scenes.append(read_scene(pair, kernel))
        except (BrokenImageError, BrokenAnnotationError):
            if not skip:
                raise
            broken.append(pair.name)
    if decodes:
        rows = set(failures(lambda row: scenes[row].image(), len(scenes)))
        broken += [scenes[row].name for row in sorted(rows)]
        scenes = [scene for row, scene in enumerate(scenes) if row not in rows]
    if not scenes:
        raise DataError(f"{place / half} has no image with its annotation that can be read")
    return Scenes(scenes, broken)


@dataclass(frozen=True)
class Views:
    """How scenes are shown to a network.

    Attributes:
        kernel: of the density maps.
        whole: whether what the border cuts off a kernel is put back.
        normalisation: of pixels.
    """

    kernel: Kernel
    whole: bool
    normalisation: Normalisation

    def whole_image(self, scene: Scene) -> tuple[Pixels, Map]:
        """All of a scene, and its density map."""
        return pixels_in(scene.image()), self.target(scene.people, cells_of(scene.people.size))

    def target(self, people: People, cells: tuple[int, int]) -> Map:
        """People in each cell, on a grid of ``cells`` that may be larger than the image."""
        density = density_map(people, cell=CELL, radius=self.kernel.radius, whole=self.whole)
        result = np.zeros((1, *cells), dtype=np.float32)
        result[0, : density.shape[0], : density.shape[1]] = density
        return result

    def padded(self, pixels: Pixels, size: tuple[int, int]) -> UInt8[np.ndarray, "c i j"]:
        """Pixels with the mean colour under and beside them, up to ``size``."""
        height, width = pixels.shape[1:]
        if (height, width) == size:
            return pixels
        colour = np.round(255 * np.array(self.normalisation.mean)).astype(np.uint8)
        result = np.broadcast_to(colour[:, None, None], (3, *size)).copy()
        result[:, :height, :width] = pixels
        return result


def cells_of(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the density map of an image of this height and width."""
    height, width = size
    return -(-height // CELL), -(-width // CELL)


def pixels_in(image: Image.Image) -> Pixels:
    """An RGB image as an array, channels first in memory too."""
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))

"""Training views of scenes, drawn as semseg draws them for PSPNet.

Scaling, rotation, mirroring, padding and cropping are one affine map from the view
to the image, so mask and image can't slip against each other, and no pixel that is
cropped away is ever computed. Images are interpolated, masks take the nearest.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageFilter

from tasks.decoding import Pixels
from tasks.voc.masks import VOID, Mask

_BILINEAR, _NEAREST = Image.Resampling.BILINEAR, Image.Resampling.NEAREST
_AFFINE = Image.Transform.AFFINE

Matrix = Float64[np.ndarray, "3 3"]


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training scene.

    Attributes:
        size: of a view; smaller images are padded to it, larger ones cropped.
        scales: least and greatest factor.
        degrees: greatest rotation to either side, of every other image; 0 for none.
        blur: deviation in pixels of a Gaussian blur, of every other image; 0 for none.
        flip: whether every other image is mirrored.
    """

    size: tuple[int, int]
    scales: tuple[float, float] = (0.5, 2.0)
    degrees: float = 0.0
    blur: float = 0.0
    flip: bool = True


@dataclass(frozen=True)
class Draw:
    """What happens to one scene.

    Attributes:
        scale: factor of both sides.
        angle: of the rotation about the middle, in radians.
        mirrored: left to right.
        corner: where the view lies between its outermost places: top and left, in [0, 1).
        blurred: whether the view is blurred.
    """

    scale: float
    angle: float
    mirrored: bool
    corner: tuple[float, float]
    blurred: bool


def drawn(choices: Augmentation, rng: np.random.Generator) -> Draw:
    """Draw what happens to a scene; as many draws whatever the choices."""
    scale = rng.uniform(*choices.scales)
    turn, mirror, blur = rng.random(3) < 0.5  # noqa: PLR2004 - every other
    angle = np.deg2rad(rng.uniform(-choices.degrees, choices.degrees))
    top, left = rng.random(2)
    return Draw(
        scale=float(scale),
        angle=float(angle) if turn else 0.0,
        mirrored=bool(mirror) and choices.flip,
        corner=(float(top), float(left)),
        blurred=bool(blur) and choices.blur > 0,
    )


def view(
    image: Image.Image,
    mask: UInt8[np.ndarray, "rows columns"],
    draw: Draw,
    choices: Augmentation,
    padding: tuple[int, int, int],
) -> tuple[Pixels, Mask]:
    """The part of a scene that ``draw`` says, with its mask.

    Args:
        image: RGB.
        mask: of the same size.
        draw: what happens.
        choices: the size of the view, and how much a blur blurs.
        padding: colour of what lies outside the image, where the mask is `VOID`.
    """
    matrix = placement((image.height, image.width), draw, choices.size)
    height, width = choices.size
    coefficients = tuple(matrix[:2].ravel().tolist())

    def mapped(
        source: Image.Image, resample: Image.Resampling, fill: int | tuple[int, ...]
    ) -> Image.Image:
        return source.transform((width, height), _AFFINE, coefficients, resample, fillcolor=fill)

    seen = mapped(image, _BILINEAR, padding)
    if draw.blurred:
        seen = seen.filter(ImageFilter.GaussianBlur(choices.blur))
    classes = mapped(Image.fromarray(mask), _NEAREST, VOID)
    return np.asarray(seen).transpose(2, 0, 1), np.array(classes)


def placement(image: tuple[int, int], draw: Draw, size: tuple[int, int]) -> Matrix:
    """Maps (x, y, 1) in a view of ``size`` to the image, both (height, width).

    Coordinates count from the outer edge of the first pixel, so its centre is at 0.5.
    """
    scaled = [max(1, round(side * draw.scale)) for side in image]
    top, left = (
        int(at * (length - side + 1)) if length >= side else -((side - length) // 2)
        for at, length, side in zip(draw.corner, scaled, size, strict=True)
    )
    x, y = scaled[1] / 2, scaled[0] / 2
    cosine, sine = np.cos(draw.angle), np.sin(draw.angle)
    mirror = -1.0 if draw.mirrored else 1.0
    turn = np.array([[cosine * mirror, sine, 0], [-sine * mirror, cosine, 0], [0, 0, 1]])
    back = np.diag([image[1] / scaled[1], image[0] / scaled[0], 1])
    matrix: Matrix = back @ _shift(x, y) @ turn @ _shift(left - x, top - y)
    return matrix


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], dtype=np.float64)

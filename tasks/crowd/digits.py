"""Task ``digits-crowd``: scenes of real digits, each a person whose point is known exactly.

A stand-in for ShanghaiTech without a download: the scenes are written as one of its parts
(JPEGs and MATLAB files) and read by the same code. Digits of the test scenes are none of
the training scenes'. The first scenes of either half are awkward on purpose.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image

from tasks.base import Sizes, TaskSpec
from tasks.crowd.counting import Counting
from tasks.crowd.heads import Dilated, TwoLayers
from tasks.crowd.layouts import Half
from tasks.crowd.presets import C3_LOSS, CSRNET_LOSS, Kernel, Preset
from tasks.crowd.task import Crowd
from tasks.crowd.writing import half_folder, write_pair
from tasks.generated import forget_with, written
from tasks.parts import Trunk
from tasks.pixels import Normalisation
from tasks.recipes import Recipe
from tasks.scenes import Pool, digit_pools, ground, paste, photograph

_VERSION = 2  # of what is written
_TRAINING, _TEST = 300, 100
_SIDES = 64, 72  # of ordinary scenes
_MOST = 36  # people of an ordinary scene
_DIGIT = 8
_SHADES = 0.6, 1.0

Points = Float64[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Plan:
    """An awkward scene.

    Attributes:
        size: height and width.
        people: how many, all inside.
        grey: whether the file has a single channel.
        outside: whether one more stands beyond the border.
        together: whether the last two share a pixel.
    """

    size: tuple[int, int]
    people: int
    grey: bool = False
    outside: bool = False
    together: bool = False


AWKWARD = (
    Plan(_SIDES, 20, grey=True),
    Plan(_SIDES, 0),
    Plan(_SIDES, 1),
    Plan((150, 181), 260),
    Plan((71, 93), 24, outside=True),
    Plan((61, 67), 15, together=True),
)
"""No people, one, more than a byte holds; sides that 8 and 16 don't divide; …"""


def write_scenes(folder: Path, seed: int) -> None:
    """Write all scenes of ``seed`` as part A of ShanghaiTech."""
    training, test = digit_pools(seed)
    contents: dict[Half, tuple[Pool, int]] = {
        "train_data": (training, _TRAINING),
        "test_data": (test, _TEST),
    }
    for stream, (half, (pool, count)) in enumerate(contents.items(), start=1):
        rng = np.random.default_rng([seed, stream])
        place = half_folder(folder, "A", half)
        for number in range(1, count + 1):
            write_pair(place, number, *_scene(_plan(number, rng), pool, rng))


def _plan(number: int, rng: np.random.Generator) -> Plan:
    if number <= len(AWKWARD):
        return AWKWARD[number - 1]
    return Plan(_SIDES, int(rng.integers(_MOST + 1)))


def _scene(plan: Plan, pool: Pool, rng: np.random.Generator) -> tuple[Image.Image, Points]:
    height, width = plan.size
    points = rng.uniform(0, 1, (plan.people, 2)) * [width, height]
    if plan.together:
        points[-1] = np.floor(points[-2]) + 0.25
    if plan.outside:
        points = np.append(points, [[width + 2.5, height / 2]], axis=0)
    canvas = ground(height, width, rng=rng)
    for x, y in points:
        ink = pool.scans[rng.integers(len(pool))]
        colour = rng.uniform(*_SHADES, size=3).astype(np.float32)
        paste(canvas, ink, round(y - _DIGIT / 2), round(x - _DIGIT / 2), colour)
    return photograph(canvas, grey=plan.grey), points


_RECIPE = Recipe(epochs=12, batch_size=16, optimizer="adamw", learning_rate=0.01, weight_decay=0.01)
_NORMALISATION = Normalisation((0.3, 0.3, 0.3), (0.2, 0.2, 0.2))
_C3_HEAD = TwoLayers(hidden=16)


class DigitsCrowd(Crowd):
    """400 scenes of real digits, in the layout of ShanghaiTech."""

    name = "digits-crowd"
    summary = "400 scenes of digits to be counted, 270/30/100 (embedded)"
    source = "scikit-learn's bundled digits: 1,797 scans of 8×8"
    part = "A"
    presets = {  # noqa: RUF012 - declared a ClassVar by the base class
        "c3": Preset(Kernel(2.0, radius=4), C3_LOSS, _C3_HEAD, _RECIPE, _NORMALISATION),
        "csrnet": Preset(
            Kernel(None), CSRNET_LOSS, Dilated(widths=(16, 16)), _RECIPE, _NORMALISATION
        ),
    }
    windows = {"64": (64, 64), "48": (48, 48)}  # noqa: RUF012 - declared a ClassVar by the base class
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "preset": ("c3", "csrnet"),
        "window": ("64", "48"),
        "border": ("whole", "cut"),
    }
    published = Sizes(training=270, validation=30, test=100)
    image_shape = (3, 64, 64)
    metric = Counting(C3_LOSS)
    backbone = "resnet26-thin"
    trunk = Trunk(strides=(2, 2, 2), output_stride=8)
    head = _C3_HEAD
    standalone_recipe = _RECIPE
    supernet_recipe = _RECIPE
    calibration_draws = 128
    scoring_rows = 64
    latency_rows = 4

    @classmethod
    def load(cls, spec: TaskSpec) -> "DigitsCrowd":
        name = f"{cls.name}-{_VERSION}-{spec.seed}"
        folder = written(partial(write_scenes, seed=spec.seed), name, spec.cache)
        task = cls(folder, spec)
        if spec.cache is None:
            forget_with(task, folder)
        return task

"""Tasks ``shanghaitech-a`` and ``shanghaitech-b``, split as in the paper."""

from abc import ABC
from collections.abc import Mapping

from tasks.base import Sizes
from tasks.crowd.counting import Counting
from tasks.crowd.presets import (
    C3_HEAD,
    C3_KERNEL,
    C3_LOSS,
    C3_RECIPE,
    CSRNET_HEAD,
    CSRNET_LOSS,
    CSRNET_RECIPE,
    IMAGENET,
    Kernel,
    Preset,
)
from tasks.crowd.task import Crowd
from tasks.parts import Trunk
from tasks.pixels import Normalisation

_WINDOWS = {"512": (512, 512), "256": (256, 256)}


def _presets(normalisation: Normalisation, spread: float | None) -> Mapping[str, Preset]:
    """Both, given the normalisation of c3 and the spread of csrnet."""
    return {
        "c3": Preset(C3_KERNEL, C3_LOSS, C3_HEAD, C3_RECIPE, normalisation),
        "csrnet": Preset(Kernel(spread), CSRNET_LOSS, CSRNET_HEAD, CSRNET_RECIPE, IMAGENET),
    }


class _ShanghaiTech(Crowd, ABC):
    """What parts A and B of ShanghaiTech have in common: options, network, recipes."""

    source = (
        'Zhang et al., "Single-Image Crowd Counting via Multi-Column Convolutional Neural Network"'
    )
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "preset": ("c3", "csrnet"),
        "window": ("published", "512", "256"),
        "border": ("whole", "cut"),
    }
    metric = Counting(C3_LOSS)
    backbone = "resnet50"
    trunk = Trunk(stages=3, strides=(1, 2, 1), output_stride=8)
    head = C3_HEAD
    standalone_recipe = C3_RECIPE
    supernet_recipe = C3_RECIPE
    calibration_draws = 32
    scoring_rows = 1
    latency_rows = 1


class ShanghaiTechA(_ShanghaiTech):
    """Part A: dense crowds from the web, images of differing sizes."""

    name = "shanghaitech-a"
    summary = "482 images of dense crowds to be counted, 270/30/182 (--data)"
    part = "A"
    reads = "part_A_final/ (or part_A/)"
    presets = _presets(
        Normalisation((0.4108, 0.3706, 0.3597), (0.2786, 0.2693, 0.2716)), spread=None
    )
    windows = {"published": (576, 768), **_WINDOWS}  # noqa: RUF012 - declared a ClassVar by the base class
    published = Sizes(training=270, validation=30, test=182)
    image_shape = (3, 576, 768)


class ShanghaiTechB(_ShanghaiTech):
    """Part B: streets of Shanghai, images of 768×1024."""

    name = "shanghaitech-b"
    summary = "716 images of crowded streets to be counted, 360/40/316 (--data)"
    part = "B"
    reads = "part_B_final/ (or part_B/)"
    presets = _presets(
        Normalisation((0.4520, 0.4472, 0.4320), (0.2324, 0.2249, 0.2218)), spread=15.0
    )
    windows = {"published": (768, 1024), **_WINDOWS}  # noqa: RUF012 - declared a ClassVar by the base class
    published = Sizes(training=360, validation=40, test=316)
    image_shape = (3, 768, 1024)

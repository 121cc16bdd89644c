"""Task ``voc2012``: Pascal VOC 2012's segmentation with PSPNet's head, as semseg trains it.

The paper's Table VIII gives no setting of its own; its wording of the scores is
semseg's, whose PSPNet50 is what is set up here (without its deep stem). The test
split is VOC's ``val``; a tenth of ``train`` is held out for searches, which leaves 1,318 images to
train on, or 10,436 of the augmented list.
"""

from typing import Any

from tasks.base import Sizes, TaskSpec
from tasks.parts import Trunk
from tasks.recipes import Recipe
from tasks.voc.augmentation import Augmentation
from tasks.voc.head import PyramidHead
from tasks.voc.inference import Inference
from tasks.voc.metric import MeanIoU
from tasks.voc.task import Segmented

_CLASSES = 21
_CROP = 473
_LONG_SIDE = 512
_AUGMENTATIONS = {"rotate-blur": (10.0, 1.1), "plain": (0.0, 0.0)}
"""Degrees of rotation and deviation of a blur."""
_INFERENCES = {
    "windows-flip": (True, True),
    "windows": (True, False),
    "flip": (False, True),
    "whole": (False, False),
}
"""Whether images are seen in windows, and mirrored too."""


class Voc2012(Segmented):
    """Pascal VOC 2012 from its own files; see `Segmented`."""

    name = "voc2012"
    summary = "Pascal VOC 2012, 21 classes of pixels, 1,464 or 10,582 images to train on (--data)"
    source = 'Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge"'
    image_shape = (3, _CROP, _CROP)
    classes = _CLASSES
    metric = MeanIoU(_CLASSES)
    backbone = "resnet50"
    trunk = Trunk(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), earlier=(2,), output_stride=8)
    head = PyramidHead(_CLASSES)
    standalone_recipe = Recipe(
        epochs=50,
        batch_size=16,
        optimizer="sgd",
        learning_rate=0.01,
        weight_decay=1e-4,
        schedule="poly",
        head_rate=10.0,
    )
    supernet_recipe = standalone_recipe
    calibration_draws = 64
    scoring_rows = 4
    latency_rows = 4
    published = Sizes(training=1_318, validation=146, test=1_449)
    additional = 10_582 - 1_464
    reads = "VOCdevkit/VOC2012/ (JPEGImages, SegmentationClass, ImageSets)"
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "list": ("train", "augmented"),
        "crop": (str(_CROP), "321", "97"),
        "augmentation": tuple(_AUGMENTATIONS),
        "inference": tuple(_INFERENCES),
    }

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, Any]:
        crop = int(cls.chosen(spec, "crop"))
        return super().changes(spec) | {"image_shape": (3, crop, crop)}

    @classmethod
    def load(cls, spec: TaskSpec) -> "Voc2012":
        crop = int(cls.chosen(spec, "crop"))
        degrees, blur = _AUGMENTATIONS[cls.chosen(spec, "augmentation")]
        windows, flip = _INFERENCES[cls.chosen(spec, "inference")]
        return cls(
            cls.folder(spec),
            spec,
            augmentation=Augmentation((crop, crop), degrees=degrees, blur=blur),
            inference=Inference(
                long_side=_LONG_SIDE if windows else None,
                window=(crop, crop) if windows else None,
                flip=flip,
            ),
        )

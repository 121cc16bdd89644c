"""Task ``digits-voc``: scenes of real digits, read from a VOC tree that it writes itself."""

from tasks.base import Sizes, TaskSpec
from tasks.generated import forget_with, written
from tasks.parts import Trunk
from tasks.recipes import Recipe
from tasks.voc.augmentation import Augmentation
from tasks.voc.head import PyramidHead
from tasks.voc.inference import Inference
from tasks.voc.metric import MeanIoU
from tasks.voc.task import Segmented
from tasks.voc.writing import CLASSES, Counts, write_tree

_COUNTS = Counts(training=288, test=120, additional=40)
_CROP = (33, 33)
# Mirrored digits are no digits, and other sizes than the scenes' own only blur them.
_AUGMENTATION = Augmentation(_CROP, scales=(0.8, 1.25), flip=False)
_INFERENCES = {
    "whole": Inference(),
    "windows": Inference(window=(25, 25)),
}
_VERSION = 2


class DigitsVoc(Segmented):
    """Scenes of digits as a stand-in for `tasks.voc.voc2012`; see `tasks.voc.writing`."""

    name = "digits-voc"
    summary = "digits on a ground, pixel by pixel, as a VOC tree (embedded)"
    source = "scikit-learn's bundled digits: 1,797 scans of 8×8"
    image_shape = (3, *_CROP)
    classes = CLASSES
    metric = MeanIoU(CLASSES)
    backbone = "resnet26-thin"
    trunk = Trunk(strides=(1, 2, 1), dilations=(1, 1, 2), earlier=(1,))
    head = PyramidHead(CLASSES, hidden=32, auxiliary=16)
    standalone_recipe = Recipe(
        epochs=12, batch_size=8, optimizer="adamw", learning_rate=0.01, weight_decay=0.05
    )
    supernet_recipe = standalone_recipe.lasting(24)
    one_held_out_of = 4
    calibration_draws = 128
    scoring_rows = 32
    latency_rows = 4
    published = Sizes(training=216, validation=72, test=120)
    additional = _COUNTS.additional
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "list": ("train", "augmented"),
        "inference": tuple(_INFERENCES),
    }

    @classmethod
    def load(cls, spec: TaskSpec) -> "DigitsVoc":
        folder = written(
            lambda root: write_tree(root, _COUNTS, spec.seed),
            f"digits-voc-{_VERSION}-{spec.seed}",
            spec.cache,
        )
        inference = _INFERENCES[cls.chosen(spec, "inference")]
        task = cls(folder, spec, augmentation=_AUGMENTATION, inference=inference)
        if spec.cache is None:
            forget_with(task, folder)
        return task

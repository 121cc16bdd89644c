"""ImageNet made from small data on disk, in whichever layout."""

from pathlib import Path

from tasks.base import TaskSpec
from tasks.imagenet.task import ImageNet


def load(root: Path, **options: object) -> ImageNet:
    return ImageNet.load(TaskSpec("imagenet", data=str(root), **options))  # type: ignore[arg-type]


def kit(root: Path) -> Path:
    return root / "ILSVRC2012_devkit_t12" / "data"

"""Task ``cifar100``: 100 classes of 32×32 images, 40k/10k/10k as in the paper."""

from pathlib import Path
from typing import Any

from tasks.base import Sizes, TaskSpec
from tasks.cifar_files import CLASSES, CifarFiles, download
from tasks.pixels import Normalisation
from tasks.recipes import Recipe
from tasks.stored_images import StoredData, StoredImages

_NORMALISATIONS = {
    # The paper's authors normalise CIFAR100 by CIFAR10's constants (DIANet's cifar.py).
    "paper": Normalisation((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "own": Normalisation((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}


class Cifar100(StoredImages):
    """CIFAR100 from its own files, normalised by ``paper``'s constants or the data set's ``own``.

    The paper augments by ``crop-flip`` for ResNet164 and by ``flip`` for ResNet38.
    """

    name = "cifar100"
    summary = "100 classes of 32×32 photographs, 40k/10k/10k (--data)"
    source = 'Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"'
    image_shape = (3, 32, 32)
    classes = CLASSES
    backbone = "resnet164"
    standalone_recipe = Recipe(
        epochs=164,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        schedule="multi-step",
        milestones=(81, 122),
    )
    supernet_recipe = standalone_recipe.lasting(150)
    published = Sizes(training=40_000, validation=10_000, test=10_000)
    reads = "cifar-100-python/ (train, test, meta)"
    options = {  # noqa: RUF012 - declared a ClassVar by the base class
        "normalisation": tuple(_NORMALISATIONS),
        **StoredImages.options,
        "download": ("no", "yes"),
    }
    views = ("normalisation", "augmentation")

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, Any]:
        return {"normalisation": _NORMALISATIONS[cls.chosen(spec, "normalisation")]}

    @classmethod
    def fetches(cls, spec: TaskSpec) -> bool:
        if spec.data is None or cls.chosen(spec, "download") == "no":
            return False
        return not (Path(spec.data) / "cifar-100-python").is_dir()

    @classmethod
    def read(cls, spec: TaskSpec) -> StoredData:
        if spec.data is not None and cls.fetches(spec):
            download(Path(spec.data))
        files = CifarFiles(cls.folder(spec))
        names, training, test = files.names(), files.images("train"), files.images("test")
        differ = ", ".join(files.altered) or "none"
        about = {"files that differ from the published ones": differ}
        return StoredData(training, test, names, about)

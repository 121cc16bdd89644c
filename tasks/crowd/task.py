"""Crowd counting on ShanghaiTech, or on any data that lie on disk as it does.

A tenth of the training images is held out for validation, as in the paper. Networks are
trained on windows of one size and scored on whole images.
"""

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from tasks.apart import shared_files
from tasks.base import Epoch, NamedTask, TaskSpec
from tasks.crowd.counting import Counting
from tasks.crowd.images import Scene, Views, read_scenes
from tasks.crowd.layouts import Part, recognised
from tasks.crowd.presets import Preset
from tasks.crowd.windows import Windows
from tasks.errors import DataError
from tasks.fingerprints import fingerprint
from tasks.holdout import part_of
from tasks.metrics import Outputs
from tasks.whole import WholeImages


class Crowd(NamedTask, ABC):
    """Images with a point on each head, in the layout of ShanghaiTech.

    Args:
        root: folder of the data.
        spec: seed and options.

    Raises:
        DataError: data are missing, damaged or of another format.
    """

    part: ClassVar[Part]
    presets: ClassVar[Mapping[str, Preset]]
    """By name, the default first."""
    windows: ClassVar[Mapping[str, tuple[int, int]]]
    """Height and width of the windows that networks are trained on, by name."""
    classes = 1

    def __init__(self, root: Path, spec: TaskSpec) -> None:
        vars(self).update(self.changes(spec))
        preset = self.presets[self.chosen(spec, "preset")]
        border = self.chosen(spec, "border")
        self._map_loss = preset.loss
        self._views = Views(preset.kernel, border == "whole", preset.normalisation)
        place = recognised(root, self.part)
        training, test = (
            read_scenes(place, half, preset.kernel, skip=spec.skip_broken, decodes=spec.decodes)
            for half in ("train_data", "test_data")
        )
        _check_apart(training.scenes, test.scenes)
        tested = _by_size(test.scenes)
        held = part_of(len(training.scenes), np.random.default_rng([spec.seed, 100]))
        trained, validation = _divided(training.scenes, held)
        self._windows = Windows(trained, self._views, self.image_shape[1:])
        self._names = [scene.name for scene in validation]
        self._broken = [*training.broken, *test.broken]
        self.epoch_size = len(trained)
        scenes = [*trained, *validation, *tested]
        self.freeze(
            self._whole(validation),
            self._whole(tested),
            seed=spec.seed,
            fingerprint=fingerprint(*_content(scenes, [len(trained), len(validation)])),
            about={
                "training images": len(trained),
                "people": sum(len(scene.people) for scene in scenes),
                "points outside their image": sum(scene.outside for scene in scenes),
                "density maps": f"{self.chosen(spec, 'preset')}, kernels {border} at the border",
                "images left out as broken": len(self._broken),
            },
        )

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, Any]:
        preset = cls.presets[cls.chosen(spec, "preset")]
        return {
            "metric": Counting(preset.loss),
            "head": preset.head,
            "standalone_recipe": preset.recipe,
            "supernet_recipe": preset.recipe,
            "image_shape": (3, *cls.windows[cls.chosen(spec, "window")]),
        }

    @classmethod
    def load(cls, spec: TaskSpec) -> "Crowd":
        return cls(cls.folder(spec), spec)

    def drawn(self, rng: np.random.Generator) -> Epoch:
        return partial(self._windows.batches, self._windows.draw(rng))

    def held_out(self) -> Sequence[str]:
        return self._names

    def left_out(self) -> Sequence[str]:
        return self._broken

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        scale = self._views.normalisation
        return scale.mean, scale.std

    def loss(self, outputs: Outputs, targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, ""]:
        assert isinstance(outputs, Tensor)
        return self._map_loss.of_rows(outputs, targets).mean()

    def _whole(self, scenes: Sequence[Scene]) -> WholeImages:
        return WholeImages(
            lambda row: self._views.whole_image(scenes[row]),
            np.arange(len(scenes)),
            self._views.normalisation,
        )


def _check_apart(training: Sequence[Scene], test: Sequence[Scene]) -> None:
    trained, tested = (
        [(Path(scene.name).name, scene.bytes) for scene in half] for half in (training, test)
    )
    shared = shared_files(
        trained,
        tested,
        lambda row, other: training[row].path.read_bytes() == test[other].path.read_bytes(),
    )
    if shared is not None:
        raise DataError(
            f"{test[shared].path} lies in train_data, too, byte by byte the same (as others may): "
            "networks would be tested on what they were trained on; take it out of one of them"
        )


def _divided(
    scenes: Sequence[Scene], held: Bool[np.ndarray, " n"]
) -> tuple[list[Scene], list[Scene]]:
    """Scenes to train on, and those held out."""
    trained, validation = (
        [scene for scene, marked in zip(scenes, held, strict=True) if marked == wanted]
        for wanted in (False, True)
    )
    return trained, _by_size(validation)


def _by_size(scenes: Sequence[Scene]) -> list[Scene]:
    """In order, but images of one size together: they go through a network together."""
    return sorted(scenes, key=lambda scene: scene.people.size)


def _content(scenes: Sequence[Scene], counts: Sequence[int]) -> Iterator[str | np.ndarray]:
    """Names, sizes in bytes and points of all images, the same in every layout."""
    yield repr(list(counts))
    for scene in scenes:
        yield f"{scene.name}\0{scene.bytes}\0{scene.people.size}\0"
        yield scene.people.pixels

"""Segmentation of a VOC tree as a task, whoever's the tree is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from tasks.base import Epoch, NamedTask, TaskSpec
from tasks.decoding import Pixels, made_ahead
from tasks.fingerprints import fingerprint
from tasks.metrics import Outputs
from tasks.pixels import Normalisation
from tasks.splits import Batches
from tasks.voc.augmentation import Augmentation, drawn, view
from tasks.voc.inference import Inference
from tasks.voc.masks import Mask
from tasks.voc.metric import row_losses
from tasks.voc.reading import read_scene
from tasks.voc.splits import Splits, split_scenes
from tasks.voc.tree import Scenes, recognised
from tasks.whole import WholeImages

_NORMALISATION = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_PADDING = (124, 116, 104)  # the mean, where a training view leaves its image
_AUXILIARY_WEIGHT = 0.4


class Segmented(NamedTask):
    """Pixels of a VOC tree's images, classified.

    Args:
        data: the folder that is a VOC tree, or holds one.
        spec: seed, options and what to leave out.
        augmentation: what happens to training scenes.
        inference: how test images are looked at.

    Raises:
        DataError: data are missing, damaged or of another format.
    """

    one_held_out_of: ClassVar[int] = 10
    """One of so many scenes of ``train`` is held out for validation."""
    additional: ClassVar[int]
    """Scenes that augmentation adds to the published training scenes."""

    def __init__(
        self, data: Path, spec: TaskSpec, *, augmentation: Augmentation, inference: Inference
    ) -> None:
        vars(self).update(self.changes(spec))
        splits = split_scenes(
            recognised(data),
            augmented=self.chosen(spec, "list") == "augmented",
            classes=self.classes,
            seed=spec.seed,
            one_of=self.one_held_out_of,
            skip_broken=spec.decodes,
            cache=spec.cache,
        )
        self._training = splits.training
        self._augmentation = augmentation
        self._inference = inference
        self._held = splits.validation.names
        self._broken = splits.broken
        self.epoch_size = len(splits.training)
        self.freeze(
            self._whole(splits.validation),
            self._whole(splits.test),
            seed=spec.seed,
            fingerprint=fingerprint(*_content(splits)),
            about={**splits.about, **{name: self.chosen(spec, name) for name in self.options}},
        )

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, Any]:
        if cls.chosen(spec, "list") == "train":
            return {}
        more = cls.published.training + cls.additional
        return {"published": replace(cls.published, training=more)}

    def drawn(self, rng: np.random.Generator) -> Epoch:
        order = rng.permutation(self.epoch_size)
        seeds = rng.integers(2**63, size=self.epoch_size)

        def made(position: int) -> tuple[Pixels, Mask]:
            # A scene's draws are its own, so threads may take scenes as they come.
            image, mask = read_scene(self._training, int(order[position]), self.classes)
            draw = drawn(self._augmentation, np.random.default_rng(seeds[position]))
            return view(image, mask, draw, self._augmentation, _PADDING)

        return lambda parts, device: _batches(made_ahead(made, parts), device)

    def held_out(self) -> Sequence[str]:
        return self._held

    def left_out(self) -> Sequence[str]:
        return self._broken

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return _NORMALISATION.mean, _NORMALISATION.std

    def loss(self, outputs: Outputs, targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, ""]:
        """Cross entropy, and 0.4 of the auxiliary head's where it speaks."""
        main, *auxiliary = (outputs,) if isinstance(outputs, Tensor) else outputs
        loss = row_losses(main, targets).mean()
        for logits in auxiliary:
            loss = loss + _AUXILIARY_WEIGHT * row_losses(logits, targets).mean()
        return loss

    def infer(
        self, network: Callable[[Tensor], Tensor], images: Float[Tensor, "n c h w"]
    ) -> Shaped[Tensor, "n ..."]:
        return self._inference(network, images)

    def _whole(self, scenes: Scenes) -> WholeImages:
        def read(row: int) -> tuple[Pixels, Mask]:
            image, mask = read_scene(scenes, row, self.classes)
            return np.asarray(image).transpose(2, 0, 1), mask

        return WholeImages(read, np.arange(len(scenes)), _NORMALISATION)


def _batches(parts: Iterable[list[tuple[Pixels, Mask]]], device: str) -> Batches:
    for scenes in parts:
        images, masks = (torch.from_numpy(np.stack(part)) for part in zip(*scenes, strict=True))
        yield _NORMALISATION(images.to(device)), masks.to(device)


def _content(splits: Splits) -> Iterator[str | np.ndarray]:
    """Names and sizes in bytes of all images and masks, split by split."""
    for scenes in (splits.training, splits.validation, splits.test):
        yield from ("\0".join(scenes.names), scenes.sizes)

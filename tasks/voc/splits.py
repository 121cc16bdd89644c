"""Which scenes are trained on, held out for a search, and tested on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.holdout import part_of
from tasks.voc.reading import unreadable
from tasks.voc.tree import Scenes, Tree, joined


@dataclass(frozen=True)
class Splits:
    """Scenes by their use.

    Attributes:
        training: to train on.
        validation: held out from VOC's ``train``, for searches.
        test: VOC's ``val``, which the field reports.
        broken: names of scenes that were left out.
        about: what reports should say of the training data.
    """

    training: Scenes
    validation: Scenes
    test: Scenes
    broken: list[str]
    about: Mapping[str, str | int]


def split_scenes(
    tree: Tree,
    *,
    augmented: bool,
    classes: int,
    seed: int,
    one_of: int,
    skip_broken: bool,
    cache: str | None,
) -> Splits:
    """Split a tree's scenes; the validation part is the same with and without augmentation.

    Scenes are taken by name, whatever the order of the lists that name them.

    Args:
        tree: where they are.
        augmented: whether SBD's scenes are trained on too.
        classes: of a pixel.
        seed: chooses the validation scenes.
        one_of: of so many scenes of ``train`` one is held out.
        skip_broken: leave out what can't be read.
        cache: remembers what couldn't.

    Raises:
        DataError: files are missing, or too few scenes remain.
    """
    broken: list[str] = []

    def whole(scenes: Scenes) -> Scenes:
        if not skip_broken:
            return scenes
        rows = unreadable(scenes, classes, cache)
        broken.extend(scenes.names[row] for row in rows)
        return scenes.take(np.setdiff1d(np.arange(len(scenes)), rows))

    val, train = _by_name(tree.listed("val")), _by_name(tree.listed("train"))
    tested = set(val.names)
    apart = np.array([row for row, name in enumerate(train.names) if name not in tested], int)
    own = whole(train.take(apart))
    held = part_of(len(own), np.random.default_rng([seed, 100]), one_of=one_of)
    training, source = own.take(np.flatnonzero(~held)), "train"
    if augmented:
        more, place = tree.additional()
        training, source = joined(training, whole(_by_name(more))), f"train, augmented by {place}"
    test = whole(val)
    return Splits(
        training=training,
        validation=own.take(np.flatnonzero(held)),
        test=test,
        broken=broken,
        about={
            "training images": len(training),
            "training list": source,
            "scenes of val taken off the training list": len(train) - len(apart),
            "images left out as broken": len(broken),
        },
    )


def _by_name(scenes: Scenes) -> Scenes:
    return scenes.take(np.array(sorted(range(len(scenes)), key=scenes.names.__getitem__), int))

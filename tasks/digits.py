"""Task ``digits``: real handwritten digits under a cue that only global context reveals.

Each image has four 8×8 planes. Three hold independent digits of scikit-learn's
bundled set (a copy of the test part of Alpaydin & Kaynak, "Optical Recognition of
Handwritten Digits"); the fourth is noise around a faint level that names the plane
whose digit is the label. The level shows only as a mean over the whole plane, so
gating channels by global context, which is what attention modules do, pays off.
"""

import numpy as np
import torch
from jaxtyping import Float, Int

from tasks.base import Epoch, NamedTask, Sizes, TaskSpec
from tasks.digit_pools import SIZES, digit_rows
from tasks.fingerprints import fingerprint
from tasks.metrics import Classification
from tasks.recipes import Recipe
from tasks.splits import TensorSplit

_LEVELS = np.array([-0.4, 0.0, 0.4])
_CUE_NOISE = 0.5
_NOISE = 0.1


class Digits(NamedTask):
    """1,797 digits in three stratified pools, composed into cued images pool by pool.

    Args:
        seed: fixes the pools and the frozen validation and test draws.
        validation_size: validation draws; the default resolves 0.3 points of accuracy.
        test_size: test draws.
    """

    name = "digits"
    summary = "three digits and a plane that names one of them only by its mean (embedded)"
    source = "scikit-learn's bundled digits: 1,797 scans of 8×8"
    image_shape = (4, 8, 8)
    classes = 10
    epoch_size = 1_800
    metric = Classification()
    backbone = "resnet26-thin"
    standalone_recipe = Recipe(
        epochs=12, batch_size=64, optimizer="adamw", learning_rate=0.015, weight_decay=0.05
    )
    supernet_recipe = standalone_recipe.lasting(30)
    published = Sizes(training=1_800, validation=10_000, test=10_000)

    def __init__(
        self, seed: int = 0, *, validation_size: int = 10_000, test_size: int = 10_000
    ) -> None:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - describing needs none

        digits = load_digits()
        scans = (digits.images / 16 - 0.3).astype(np.float32)
        labels = digits.target.astype(np.int64)
        self.pools = {pool: (scans[rows], labels[rows]) for pool, rows in digit_rows(seed).items()}
        validation = compose(
            *self.pools["validation"], validation_size, rng=np.random.default_rng([seed, 1])
        )
        test = compose(*self.pools["test"], test_size, rng=np.random.default_rng([seed, 2]))
        self.freeze(
            validation,
            test,
            seed=seed,
            fingerprint=fingerprint(
                *(validation.images, validation.targets),
                *(test.images, test.targets),
                *self.pools["training"],
            ),
            about={
                **{f"{pool} digits": size for pool, size in SIZES.items()},
                "draws per training epoch": self.epoch_size,
            },
        )

    @classmethod
    def load(cls, spec: TaskSpec) -> "Digits":
        return cls(spec.seed)

    def drawn(self, rng: np.random.Generator) -> Epoch:
        draws = compose(*self.pools["training"], self.epoch_size, rng=rng)
        return lambda parts, device: draws.to(device).parts(parts)


def compose(
    scans: Float[np.ndarray, "n 8 8"],
    labels: Int[np.ndarray, " n"],
    size: int,
    *,
    rng: np.random.Generator,
) -> TensorSplit:
    """Draw ``size`` cued images from one pool of digits.

    Args:
        scans: the pool's digits, about [-0.3, 0.7].
        labels: their classes.
        size: images to draw.
        rng: source of every draw.
    """
    chosen = rng.integers(len(labels), size=(size, 3))
    cued = rng.integers(3, size=size)
    images = np.empty((size, 4, 8, 8), dtype=np.float32)
    images[:, :3] = scans[chosen]
    images[:, 3] = _LEVELS[cued, None, None]
    images[:, 3] += _CUE_NOISE * rng.standard_normal((size, 8, 8), dtype=np.float32)
    images += _NOISE * rng.standard_normal(images.shape, dtype=np.float32)
    targets = labels[chosen[np.arange(size), cued]]
    return TensorSplit(torch.from_numpy(images), torch.from_numpy(targets))

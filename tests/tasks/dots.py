"""A dense task small enough for tests: how many bright dots, and where.

Images of 3 × 16 × 16, some of the test split 3 × 12 × 16; the target is the number of dots in
each 2×2 part of the image. Its head has batch norms, dropout and an auxiliary output.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from tasks.base import Epoch, NamedTask, Sizes, TaskSpec
from tasks.metrics import Figure, Metric, Outputs, Score
from tasks.parts import Head, Trunk
from tasks.recipes import Recipe
from tasks.registry import TASKS, forget_tasks
from tasks.splits import Batches, Split, TensorSplit

SIZE = 16


@dataclass(frozen=True)
class DotsHead(Head):
    """Two 1×1 convolutions on the last stage; in training a third one on the one before."""

    hidden: int = 4

    def build(self, channels: tuple[int, ...]) -> nn.Module:
        return _Maps(channels, self.hidden)

    def initialise(self, module: nn.Module, generator: torch.Generator) -> None:  # noqa: ARG002 - draws nothing
        assert isinstance(module, _Maps)
        assert module.predict.bias is not None
        module.predict.bias.fill_(0.1)


class _Maps(nn.Module):
    def __init__(self, channels: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        earlier, last = channels
        self.reduce = nn.Conv2d(last, hidden, 1, bias=False)
        self.norm = nn.BatchNorm2d(hidden)
        self.drop = nn.Dropout(0.1)
        self.predict = nn.Conv2d(hidden, 1, 1)
        self.auxiliary = nn.Conv2d(earlier, 1, 1)

    def forward(self, features: tuple[Tensor, ...], size: tuple[int, int]) -> Outputs:
        earlier, last = features
        assert last.shape[2:] == (size[0] // 2, size[1] // 2)
        maps: Tensor = self.predict(self.drop(self.norm(self.reduce(last)).relu()))
        return (maps, self.auxiliary(earlier)) if self.training else maps


class DotCounts(Metric):
    """Mean absolute error of counts."""

    figures = (
        Figure("MAE", digits=3, lower_is_better=True),
        Figure("RMSE", digits=3, lower_is_better=True),
    )

    def tally(
        self, outputs: Float[Tensor, "n 1 h w"], targets: Shaped[Tensor, "n 1 h w"]
    ) -> Float64[Tensor, " sums"]:
        counts = targets.sum((1, 2, 3), dtype=torch.float64)
        gaps = outputs.sum((1, 2, 3), dtype=torch.float64) - counts
        squares = ((outputs - targets) ** 2).mean((1, 2, 3)).double()
        parts = (gaps.abs(), gaps**2, counts, squares, outputs.abs().sum((1, 2, 3)).double())
        return torch.stack([part.sum() for part in parts])

    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        error, mean = float(tally[0]) / rows, float(tally[2]) / rows
        return Score(1 / (1 + error / mean), float(tally[3]) / rows)

    def shown(self, tally: Float64[Tensor, " sums"], rows: int) -> dict[str, float]:
        return {"MAE": float(tally[0]) / rows, "RMSE": (float(tally[1]) / rows) ** 0.5}

    def failure(self, tally: Float64[Tensor, " sums"], rows: int) -> str:  # noqa: ARG002 - of all
        return "the head died: it says zero everywhere" if float(tally[4]) == 0 else ""


@dataclass(frozen=True)
class Mixed(Split):
    """Splits of different image sizes, one behind the other."""

    parts: tuple[TensorSplit, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def batches(self, size: int) -> Batches:
        for part in self.parts:
            yield from part.batches(size)

    def to(self, device: str) -> Split:
        return Mixed(tuple(part.to(device) for part in self.parts))

    def take(self, rows: Int64[np.ndarray, " m"]) -> Split:
        chosen, start = [], 0
        for part in self.parts:
            inside = (start <= rows) & (rows < start + len(part))
            chosen.append(part.take(rows[inside] - start))
            start += len(part)
        # In order only: all that tests ask for.
        assert np.all(np.diff(rows) > 0)
        return Mixed(tuple(part for part in chosen if len(part)))


class Dots(NamedTask):
    """See the module."""

    name = "dots"
    summary = "count dots"
    source = "made up"
    image_shape = (3, SIZE, SIZE)
    classes = 1
    epoch_size = 48
    metric = DotCounts()
    backbone = "resnet26-thin"
    trunk = Trunk(strides=(1, 2, 1), dilations=(1, 1, 2), earlier=(1,))
    head = DotsHead()
    standalone_recipe = Recipe(
        epochs=4,
        batch_size=16,
        optimizer="adam",
        learning_rate=0.01,
        weight_decay=0.0,
        schedule="poly",
        head_rate=2.0,
    )
    supernet_recipe = standalone_recipe
    published = Sizes(training=48, validation=24, test=20)
    calibration_draws = 16
    scoring_rows = 8
    latency_rows = 2

    def __init__(self, seed: int = 0) -> None:
        self._training, validation, tall, wide = (
            drawn(rows, height, np.random.default_rng([seed, rows]))
            for rows, height in ((48, SIZE), (24, SIZE), (12, SIZE), (8, 12))
        )
        self.freeze(
            validation,
            Mixed((tall, wide)),
            seed=seed,
            fingerprint=f"dots {seed}",
            about={"training images": self.epoch_size},
        )

    @classmethod
    def load(cls, spec: TaskSpec) -> "Dots":
        return cls(spec.seed)

    def drawn(self, rng: np.random.Generator) -> Epoch:
        draws = self._training.take(rng.permutation(48))
        return lambda parts, device: draws.to(device).parts(parts)

    def loss(self, outputs: Outputs, targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, ""]:
        if isinstance(outputs, Tensor):
            return mse_loss(outputs, targets)
        main, auxiliary = outputs
        return mse_loss(main, targets) + 0.4 * mse_loss(auxiliary, targets)


def drawn(rows: int, height: int, rng: np.random.Generator) -> TensorSplit:
    """Images with one to four dots each."""
    images = rng.normal(0, 0.2, size=(rows, 3, height, SIZE)).astype(np.float32)
    maps = np.zeros((rows, 1, height // 2, SIZE // 2), dtype=np.float32)
    for row in range(rows):
        for _ in range(rng.integers(1, 5)):
            i, j = rng.integers(height), rng.integers(SIZE)
            images[row, :, i, j] += 2
            maps[row, 0, i // 2, j // 2] += 1
    return TensorSplit(torch.from_numpy(images), torch.from_numpy(maps))


@contextmanager
def registered(names: Sequence[str] = ("dots",)) -> Iterator[None]:
    """Lists `Dots` among the tasks while inside; in this process only."""
    for name in names:
        TASKS[name] = f"{__name__}:Dots"
    try:
        yield
    finally:
        for name in names:
            del TASKS[name]
        forget_tasks()

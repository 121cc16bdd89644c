"""What a task is: splits, loss, metric and recipes. A leaf: imports nothing else of ours."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor, nn

Batch = tuple[Float[Tensor, "n c h w"], Shaped[Tensor, "n ..."]]
"""Images and targets that belong together, row by row; all images of a batch have one size."""
Outputs = Shaped[Tensor, "n ..."] | tuple[Shaped[Tensor, "n ..."], ...]
"""What a network makes of images; a head may give more than one tensor in training mode."""
Batches = Generator[Batch, None, None]
"""Given out one after the other; may be closed early."""
Rows = Callable[[int], slice]
"""Which rows of a batch of so many are wanted."""


def spans(count: int, size: int) -> list[range]:
    """Numbers 0 to ``count`` - 1 in parts of ``size``, the last perhaps shorter."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def everything(rows: int) -> slice:
    """All ``rows`` rows of a batch."""
    return slice(0, rows)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training data.
        batch_size: images of one step.
        optimizer: ``sgd`` (with ``momentum``), ``nesterov`` (the same in Nesterov's form),
            ``adamw`` or ``adam``.
        learning_rate: peak of the schedule.
        weight_decay: as the optimiser means it, on every parameter.
        schedule: of the learning rate. ``one-cycle`` rises and falls from step to step, ``poly``
            falls to zero as (1 - step / steps)^0.9; the others change between epochs:
            ``cosine`` falls to zero, ``multi-step`` multiplies by ``gamma`` at each of
            ``milestones``, ``exponential`` by ``gamma`` after every epoch, ``constant`` stays.
        milestones: epochs after which a multi-step schedule multiplies, ascending.
        gamma: factor of a multi-step or exponential schedule.
        momentum: of ``sgd`` and ``nesterov``.
        head_rate: learning rate of a task's own head, as a multiple of the backbone's.
        precision: of convolutions and linear layers: ``float32``, or automatic mixed
            precision in ``bf16`` or ``fp16`` (with its gradients scaled).
        accumulate: parts that a step's images go through the network in, one after the
            other; less memory, the same step but for batch norms, which see a part.
        memory_format: ``channels-last``, ``contiguous``, or ``auto``: channels last
            wherever that is safe.
        compile: whether blocks and attention modules go through ``torch.compile``.
        threads: of torch, on a CPU; sums depend on their number, not on the cores.
    """

    epochs: int
    batch_size: int
    optimizer: Literal["sgd", "nesterov", "adamw", "adam"]
    learning_rate: float
    weight_decay: float
    schedule: Literal["one-cycle", "cosine", "multi-step", "exponential", "poly", "constant"] = (
        "one-cycle"
    )
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    momentum: float = 0.9
    head_rate: float = 1.0
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    accumulate: int = 1
    memory_format: Literal["auto", "channels-last", "contiguous"] = "auto"
    compile: bool = False
    threads: int = 1

    def lasting(self, epochs: int) -> "Recipe":
        """The recipe squeezed or stretched to ``epochs``, milestones in proportion."""
        milestones = tuple(round(at * epochs / self.epochs) for at in self.milestones)
        return replace(self, epochs=epochs, milestones=milestones)


@dataclass(frozen=True)
class TaskSpec:
    """A task up to its data; picklable, so that workers can load it themselves.

    Attributes:
        name: of the task.
        seed: fixes its splits.
        options: choices among `Task.options`, sorted by name.
        rows: cut each split to so many rows, to try things out; None leaves it whole.
        data: where its files are; None for embedded data.
        cache: folder where an index of the files may be kept; None keeps none.
        skip_broken: leave out files that can't be decoded instead of stopping there.
    """

    name: str
    seed: int = 0
    options: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    data: str | None = None
    cache: str | None = None
    skip_broken: bool = False

    def identifying(self) -> dict[str, Any]:
        """What tells results apart; places don't, since a task's facts know its content."""
        return {
            "name": self.name,
            "seed": self.seed,
            "options": dict(self.options),
            "rows": self.rows,
            "skip broken": self.skip_broken,
        }


class Split(ABC):
    """Rows in a fixed order, given out in batches; in memory or read when they are wanted.

    Images may differ in size: a batch ends early where the next image has another one.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    @abstractmethod
    def batches(self, size: int) -> Batches:
        """Images and targets in order, up to ``size`` rows of one image size at a time."""

    @abstractmethod
    def to(self, device: str) -> "Split":
        """The same rows, given out on ``device``; what fits there lives there."""

    @abstractmethod
    def take(self, rows: Int64[np.ndarray, " m"]) -> "Split":
        """Only these rows, in this order."""

    def strata(self) -> Int64[Tensor, " n"]:
        """A label of each row, on the CPU: parts of a split have each label in proportion.

        Classes where rows have one; by default all rows are alike.
        """
        return torch.zeros(len(self), dtype=torch.int64)

    def head(self, rows: int) -> "Split":
        """The first ``rows`` rows."""
        return self.take(np.arange(min(rows, len(self))))


class Labelled(Split):
    """A split whose targets are all at hand."""

    targets: Shaped[Tensor, "n ..."]
    """Of all rows."""

    def __len__(self) -> int:
        return len(self.targets)

    def strata(self) -> Int64[Tensor, " n"]:
        if self.targets.ndim == 1 and self.targets.dtype == torch.int64:
            return self.targets.cpu()
        return super().strata()


@dataclass(frozen=True)
class TensorSplit(Labelled):
    """Images and targets in memory."""

    images: Float[Tensor, "n c h w"]
    targets: Shaped[Tensor, "n ..."]

    def batches(self, size: int) -> Batches:
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield self.images[rows], self.targets[rows]

    def to(self, device: str) -> "TensorSplit":
        return TensorSplit(self.images.to(device), self.targets.to(device))

    def take(self, rows: Int64[np.ndarray, " m"]) -> "TensorSplit":
        chosen = torch.from_numpy(rows).to(self.targets.device)
        return TensorSplit(self.images[chosen], self.targets[chosen])


@dataclass(frozen=True)
class Score:
    """What a network scores on a split, as searches see it.

    Attributes:
        accuracy: in [0, 1], higher is better: what a search maximises.
        loss: mean over rows (nats, or as the task's loss means it).
    """

    accuracy: float
    loss: float


@dataclass(frozen=True)
class Figure:
    """A figure in which a field reports its results.

    Attributes:
        name: as the field calls it.
        unit: ``%`` for a share, which is kept in [0, 1]; else what is written behind the number.
        digits: behind the point, as it is shown.
        lower_is_better: the direction.
    """

    name: str
    unit: str = ""
    digits: int = 2
    lower_is_better: bool = False


class Metric(ABC):
    """A score made from sums over rows, so that parts of a split may be scored apart."""

    figures: tuple[Figure, ...] = (Figure("accuracy", "%"),)
    """What the field reports, the main figure first."""

    @abstractmethod
    def tally(
        self, outputs: Shaped[Tensor, "n ..."], targets: Shaped[Tensor, "n ..."]
    ) -> Float64[Tensor, " sums"]:
        """Sums over rows from which `score` is made; tallies of parts of a split add up."""

    @abstractmethod
    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        """The score of a split of ``rows`` rows whose tallies add up to ``tally``."""

    def shown(self, tally: Float64[Tensor, " sums"], rows: int) -> dict[str, float]:
        """The same tally as the value of each of `figures`, by name."""
        (figure,) = self.figures
        return {figure.name: self.score(tally, rows).accuracy}

    def failure(self, tally: Float64[Tensor, " sums"], rows: int) -> str:  # noqa: ARG002 - to be overridden
        """Why a network of this tally is dead (a head that says zero everywhere); empty if not."""
        return ""


class Classification(Metric):
    """Share of rows whose largest output is the target, and mean cross entropy."""

    def tally(
        self, outputs: Float[Tensor, "n classes"], targets: Int64[Tensor, " n"]
    ) -> Float64[Tensor, " sums"]:
        # Cross entropy by columns: torch is slow on rows as short as the number of classes.
        normaliser = outputs.T.contiguous().logsumexp(dim=0)
        losses = normaliser - outputs.gather(1, targets[:, None])[:, 0]
        correct = outputs.argmax(dim=1) == targets
        return torch.stack([part.sum(dtype=torch.float64) for part in (correct, losses)])

    def score(self, tally: Float64[Tensor, " sums"], rows: int) -> Score:
        return Score(accuracy=float(tally[0]) / rows, loss=float(tally[1]) / rows)


@dataclass(frozen=True)
class Trunk:
    """How a task uses the stages of its backbone; picklable, and part of identities.

    Attributes:
        stages: leading stages that are used; None uses all.
        strides: of each used stage's first block; empty leaves the backbone's own (1, 2, 2, …).
        dilations: of each used stage's 3×3 convolutions; empty for 1 everywhere.
        earlier: stages, counted from 0, whose features the head is given beside the last one's.
        output_stride: what height and width of images must be divided by in the last stage's
            features, stem included; None takes whatever comes.
    """

    stages: int | None = None
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    output_stride: int | None = None


@dataclass(frozen=True)
class Head(ABC):
    """What stands on a backbone's blocks instead of pooling and a linear classifier.

    A frozen dataclass whose fields are JSON values: picklable, and part of identities.
    The module that it makes is called as ``module(features, size)``: features of the
    `Trunk.earlier` stages and, at last, of the last one, and height and width of the images.
    It returns a tensor whose first axis are rows; in training mode it may return a tuple, the
    outputs first, which `Task.loss` then gets. It draws nothing at random but through
    `torch.nn.Dropout`.
    """

    @abstractmethod
    def build(self, channels: tuple[int, ...]) -> nn.Module:
        """The module for features of so many ``channels``, its weights not yet of any meaning."""

    def initialise(self, module: nn.Module, generator: torch.Generator) -> None:  # noqa: B027 - most draw no others
        """Draw initial weights other than the usual ones, in place.

        Called after convolutions were drawn from N(0, 2 / (k² · outputs)), linear layers and
        biases as torch does, and batch norms set to 1 and 0. Whatever else has parameters or
        buffers must be filled here: they come without values.
        """


@dataclass(frozen=True)
class Sizes:
    """Rows of the splits."""

    training: int
    validation: int
    test: int


class Task(ABC):
    """A data set with a question: higher `Score.accuracy` is better.

    Training data are drawn afresh for each epoch from the caller's generator;
    validation and test are frozen when the task is made. Strategies and oracles
    see training and validation data only; `test` is for stand-alone networks.
    """

    name: str
    summary: str
    """One line for lists."""
    source: str
    """Where the data come from."""
    metric: Metric
    backbone: str
    """Name of the backbone that the task is meant for."""
    trunk: Trunk = Trunk()
    """How it uses the backbone's stages."""
    head: Head | None = None
    """What stands on them; None: global average pooling and a linear classifier."""
    supernet_recipe: Recipe
    standalone_recipe: Recipe
    image_shape: tuple[int, int, int]
    """Of an image; where sizes differ, the one that costs are measured on."""
    classes: int
    """Channels of the outputs: classes, or 1 where a number is predicted."""
    epoch_size: int
    """Rows of one training epoch."""
    calibration_draws: int = 900
    """Training draws on which an oracle's batch norms are recalibrated."""
    scoring_rows: int = 500
    """Rows of a forward pass when a stand-alone network is scored."""
    latency_rows: int = 50
    """Images of one timed forward pass; 50 in the paper."""

    @abstractmethod
    def training_batches(
        self, size: int, *, rng: np.random.Generator, device: str = "cpu", rows: Rows = everything
    ) -> Batches:
        """One epoch of training draws, ``size`` rows at a time, the last batch perhaps shorter.

        All images of a batch have one size, whatever ``size`` is; batches may differ in it.
        All that is drawn from ``rng`` is drawn before the first batch is given out,
        so how far ahead a task reads or whether an epoch is used up makes no difference.

        Args:
            size: rows of a batch.
            rng: source of every draw.
            device: where the batches are wanted; data that fit live there.
            rows: given the number of a batch's rows, those of them to make and give out: where
                several processes share each batch, none makes another's.
        """

    @abstractmethod
    def validation(self) -> Split:
        """The frozen validation split, the only one that a search may see."""

    @abstractmethod
    def test(self) -> Split:
        """The frozen test split: asked once, after the search."""

    @abstractmethod
    def facts(self) -> dict[str, str | int]:
        """Sizes, classes and fingerprint of the splits, for reports and content hashes."""

    def held_out(self) -> Sequence[str]:
        """Names of the validation rows, where they were taken from somebody's training set."""
        return ()

    def left_out(self) -> Sequence[str]:
        """Names of files that were left out because they can't be decoded."""
        return ()

    def normalised_by(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and deviation of each channel, taken from pixels in [0, 1]; None: taken as is."""
        return None

    def loss(self, outputs: Outputs, targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, ""]:
        """The training loss, a mean over rows: cross entropy, unless a task has its own.

        Args:
            outputs: as the network gives them: several where its head gives several in
                training mode.
            targets: as `training_batches` gives them.
        """
        assert isinstance(outputs, Tensor)
        return torch.nn.functional.cross_entropy(outputs, targets)

    def infer(
        self, network: Callable[[Tensor], Tensor], images: Float[Tensor, "n c h w"]
    ) -> Shaped[Tensor, "n ..."]:
        """Outputs of a stand-alone network in evaluation mode, as it is scored.

        A task may look at flipped images or at windows here. Oracles don't: they score
        a plain pass of ``network``.
        """
        return network(images)


class NamedTask(Task):
    """A task that the registry can make; what `Task` declares is its class's to say.

    `load` makes the splits and hands them to `freeze`.
    """

    published: ClassVar[Sizes]
    """Rows of the complete data set, for plans made without it."""
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Choices of each option, the default first."""

    @classmethod
    def planned(cls, options: Mapping[str, str]) -> Sizes:
        """Rows of the complete data set under ``options``."""
        del options
        return cls.published

    @classmethod
    def chosen(cls, spec: TaskSpec, option: str) -> str:
        """What ``spec`` says of an option, or its default."""
        return dict(spec.options).get(option, cls.options[option][0])

    def freeze(
        self,
        validation: Split,
        test: Split,
        *,
        seed: int,
        fingerprint: str,
        about: Mapping[str, str | int],
    ) -> None:
        """Keep the frozen splits, and what `facts` says of them.

        Args:
            validation: what a search may see.
            test: what stand-alone networks are scored on.
            seed: that the splits were made with.
            fingerprint: content hash of all data.
            about: further named properties, sizes of the training data among them.
        """
        self._validation = validation
        self._test = test
        self._facts = {
            "task": self.name,
            "data seed": seed,
            "classes": self.classes,
            **about,
            "validation draws": len(validation),
            "test draws": len(test),
            "fingerprint": fingerprint,
        }

    def validation(self) -> Split:
        return self._validation

    def test(self) -> Split:
        return self._test

    def facts(self) -> dict[str, str | int]:
        return dict(self._facts)

    @classmethod
    @abstractmethod
    def load(cls, spec: TaskSpec) -> "NamedTask":
        """Make the task that ``spec`` describes; the registry has checked its options.

        Raises:
            DataError: data are missing, damaged or of another format.
        """

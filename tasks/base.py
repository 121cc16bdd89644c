"""What a task is: splits, loss, metric and recipes. Tasks import nothing else of ours."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from tasks.errors import DataError
from tasks.folders import data_folder
from tasks.metrics import Metric, Outputs
from tasks.parts import Head, Trunk
from tasks.recipes import Recipe
from tasks.splits import Batches, Rows, Split, everything, spans

Epoch = Callable[[Sequence[range], str], Batches]
"""Gives out a training epoch's draws in these runs of rows, a batch each, on a device."""


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
        count_only: for plans: decode nothing, so that ``skip_broken`` only leaves out what can
            be told without.
        fingerprint: of the data that are meant, as `Task.facts` has it; None takes whatever
            lies there.
    """

    name: str
    seed: int = 0
    options: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    data: str | None = None
    cache: str | None = None
    skip_broken: bool = False
    count_only: bool = False
    fingerprint: str | None = None

    @property
    def decodes(self) -> bool:
        """Whether everything is decoded, to leave out what can't be."""
        return self.skip_broken and not self.count_only

    def identifying(self) -> dict[str, Any]:
        """What tells results apart; places don't, since a task's facts know its content."""
        return {
            "name": self.name,
            "seed": self.seed,
            "options": dict(self.options),
            "rows": self.rows,
            "skip broken": self.skip_broken,
        }


@dataclass(frozen=True)
class Sizes:
    """How many rows training, validation and test split have; a training epoch counts as one."""

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
    """What is asked of which data, in the line that ``list tasks`` prints."""
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
    """Channels, height, width of an image; where sizes differ, those that costs are measured on."""
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

    def sizes(self) -> Sizes:
        """How many rows each split has, data at hand counted."""
        return Sizes(self.epoch_size, len(self.validation()), len(self.test()))

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

    `load` makes the splits and hands them to `freeze`; `drawn` draws an epoch of training data.
    """

    published: ClassVar[Sizes]
    """Rows of the complete data set, for plans made without it."""
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Choices of each option, the default first."""
    reads: ClassVar[str] = ""
    """What the folder of its files holds, in words; empty where a task comes with its data."""

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, Any]:
        """What the options of ``spec`` change of what the class declares, by attribute."""
        del spec
        return {}

    @classmethod
    def outline(cls, spec: TaskSpec) -> "NamedTask":
        """The task of ``spec`` without its data, for plans: it knows what is declared of it."""
        task = cls.__new__(cls)
        vars(task).update(cls.changes(spec))
        return task

    @classmethod
    def fetches(cls, spec: TaskSpec) -> bool:
        """Whether `load` would fetch the files first: a plan must not."""
        del spec
        return False

    @classmethod
    def folder(cls, spec: TaskSpec) -> Path:
        """The folder of its files; one that can be read and isn't empty.

        Raises:
            DataError: ``spec`` names no such folder.
        """
        if spec.data is None:
            raise DataError(
                f"task {cls.name} reads your files: name the folder that holds {cls.reads} with "
                "--data PATH"
            )
        return data_folder(spec.data, cls.reads)

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

    @abstractmethod
    def drawn(self, rng: np.random.Generator) -> Epoch:
        """Draw one epoch: everything that is random about it, nothing later."""

    def training_batches(
        self, size: int, *, rng: np.random.Generator, device: str = "cpu", rows: Rows = everything
    ) -> Batches:
        return self.drawn(rng)(spans(self.epoch_size, size, rows), device)

    def validation(self) -> Split:
        return self._validation

    def test(self) -> Split:
        return self._test

    def facts(self) -> dict[str, str | int]:
        return dict(self._facts)

    @classmethod
    @abstractmethod
    def load(cls, spec: TaskSpec) -> "NamedTask":
        """Make the task that ``spec`` describes.

        The registry has checked its options, and that it names no data where a task has its own.

        Raises:
            DataError: data are missing, damaged or of another format.
        """

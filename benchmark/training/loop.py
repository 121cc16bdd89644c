"""The training loop of supernets and stand-alone networks."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmark.basics.devices import repeatable
from benchmark.basics.errors import DivergenceError
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.threads import torch_threads
from benchmark.training.checkpoint import Checkpoint
from benchmark.training.group import ALONE, Group, parts
from benchmark.training.kept_memory import kept_memory
from benchmark.training.optimizers import make_optimizer, make_schedule
from benchmark.training.precision import Arithmetic, compiled
from benchmark.training.state import TrainingState
from benchmark.training.watch import Figures, Watch
from tasks.base import Task
from tasks.recipes import Recipe

DIVERGED = 1000.0
"""A loss so many times that of the first step (or 1, if that was less) has diverged."""
_DROPOUTS = (
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.AlphaDropout, nn.FeatureAlphaDropout),
)
_STEPS_UNREAD = 64  # on a GPU, which would have to be waited for


@numerical_state()
def train(
    network: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    rng: np.random.Generator,
    extra: Callable[[], tuple[Any, ...]] = tuple,
    generators: Mapping[str, np.random.Generator] | None = None,
    watch: Watch | None = None,
    checkpoint: Checkpoint | None = None,
    group: Group = ALONE,
) -> float:
    """Train ``network`` in place; it is called as ``network(images, *extra())``.

    Args:
        network: maps images (and what ``extra`` gives) to outputs.
        task: gives each epoch's draws and the loss.
        recipe: optimiser, schedule and arithmetic.
        rng: source of the training draws.
        extra: called once a step; a supernet gets its scheme from here.
        generators: those that ``extra`` draws from, by name, to be kept in checkpoints.
        watch: told how it goes.
        checkpoint: where the state is kept after each epoch, and taken up from.
        group: the processes that train together, all called with equal arguments. Each
            takes its part of every mini-batch; weights depend on their number, as batch
            norms see the rows of one process.

    Returns:
        Seconds of training, those before an interruption included.

    On the CPU ``recipe.threads`` threads are used, whatever torch is set to: the same
    seed gives the same bytes on every number of cores, interrupted or not. On a GPU
    convolutions are repeatable, in float32 by way of TensorFloat-32 as torch has it.

    Raises:
        DivergenceError: a loss that is not finite, or `DIVERGED`. The checkpoint is the
            one of the epoch before.
        StoreError: a damaged checkpoint.
        UsageError: a checkpoint can't be written.
    """
    steps = -(-task.epoch_size // recipe.batch_size)
    device = next(network.parameters()).device
    arithmetic = Arithmetic(recipe, device, task.image_shape[-1])
    network.to(memory_format=arithmetic.layout).train()
    optimizer = make_optimizer(network, recipe)
    schedule = make_schedule(optimizer, recipe, steps)
    optimizer.zero_grad(set_to_none=True)
    # The first steps of fp16 may be left out, of which schedules warn as of a mistake: they know
    # of this one, which changes nothing, since there are no gradients.
    optimizer.step()
    state = TrainingState(
        network,
        optimizer,
        schedule,
        arithmetic.scaler,
        {"draws": rng, **(generators or {})},
    )
    loop = _Loop(state, task, recipe, arithmetic, group, extra, watch or Watch(), device)
    with (
        torch_threads(recipe.threads),
        repeatable(tf32=True),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        kept_memory(),
        compiled(network, wanted=recipe.compile),
    ):
        loop.run(checkpoint)
    network.to(memory_format=torch.contiguous_format).eval()
    return state.seconds


@dataclass(frozen=True)
class _Loop:
    """What the steps of a training share."""

    state: TrainingState
    task: Task
    recipe: Recipe
    arithmetic: Arithmetic
    group: Group
    extra: Callable[[], tuple[Any, ...]]
    watch: Watch
    device: torch.device

    def run(self, checkpoint: Checkpoint | None) -> None:
        """Train from where ``checkpoint`` stands to the last epoch."""
        state = self.state
        if checkpoint is not None and checkpoint.restore(state, self.group):
            self.watch.resumed(state.epochs, state.steps)
        network = self.group.wrapped(state.network)
        while state.epochs < self.recipe.epochs:
            figures = self._epoch(network)
            self.group.average(state.network)
            self.watch.epoch(figures)
            if checkpoint is not None and self.group.leads:
                checkpoint.save(state)

    def _epoch(self, network: nn.Module) -> Figures:
        state, task = self.state, self.task
        started = perf_counter()
        rate = 0.0
        unread = _STEPS_UNREAD if self.device.type == "cuda" else 1
        losses = _Losses(self.group, unread, state, self.recipe.epochs)
        _seed_torch(network, state.generators["draws"], self.device, self.group)
        batches = task.training_batches(
            self.recipe.batch_size,
            rng=state.generators["draws"],
            device=str(self.device),
            rows=self._own,
        )
        left = task.epoch_size
        with closing(batches):
            for images, targets in batches:
                rows = min(self.recipe.batch_size, left)
                rate = state.optimizer.param_groups[0]["lr"]
                losses.add(self._step(network, images, targets, rows), rows)
                self.watch.images(rows)
                left -= rows
        total = losses.total()
        seconds = perf_counter() - started
        state.epochs += 1
        state.seconds += seconds
        return Figures(
            epoch=state.epochs,
            epochs=self.recipe.epochs,
            step=state.steps,
            loss=total / task.epoch_size,
            learning_rate=rate,
            images_per_second=task.epoch_size / seconds,
            seconds_left=seconds * (self.recipe.epochs - state.epochs),
        )

    def _step(self, network: nn.Module, images: Tensor, targets: Tensor, rows: int) -> Tensor:
        """Take one step on a batch of ``rows`` rows, of which ``images`` and ``targets`` are ours.

        Returns:
            This process's share of the batch's mean loss.
        """
        state = self.state
        state.optimizer.zero_grad(set_to_none=True)
        extra = self.extra()
        shares = list(self._shares(rows))
        losses = []
        for number, (part, weight) in enumerate(shares, start=1):
            with _apart(network, apart=number < len(shares)):
                loss = self._loss(network, images[part], targets[part], extra)
                # Processes' gradients are averaged, so each counts for all of them.
                scaled = loss * (weight * self.group.size)
                state.scaler.scale(scaled).backward()  # type: ignore[no-untyped-call]  # torch's own
            losses.append(loss.detach() * weight)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.schedule.step()
        state.steps += 1
        return torch.stack(losses).sum()

    def _loss(
        self, network: nn.Module, images: Tensor, targets: Tensor, extra: tuple[Any, ...]
    ) -> Tensor:
        inputs = images.to(self.device, memory_format=self.arithmetic.layout)
        outputs = self.arithmetic.outputs(network, inputs, *extra)
        return self.task.loss(outputs, targets.to(self.device))

    def _own(self, rows: int) -> slice:
        """This process's rows of a batch; one row, which won't count, where it has none."""
        own = self._parts(rows)
        return slice(own[0].start, own[-1].stop) if own else slice(0, 1)

    def _shares(self, rows: int) -> Iterator[tuple[slice, float]]:
        """Parts of this process's rows, each with its weight in the batch's mean."""
        own = self._parts(rows)
        for part in own:
            start = part.start - own[0].start
            size = part.stop - part.start
            yield slice(start, start + size), size / rows
        if not own:
            # It takes part in the averaging with a gradient of zero.
            yield slice(0, 1), 0.0

    def _parts(self, rows: int) -> list[slice]:
        ours, count = self.group.rank, self.recipe.accumulate
        everybodys = parts(rows, self.group.size * count)
        return [part for part in everybodys[ours * count :][:count] if part.stop > part.start]


def _seed_torch(
    network: nn.Module, rng: np.random.Generator, device: torch.device, group: Group
) -> None:
    """Seed torch's own generators for an epoch: dropout and other noise in modules know no other.

    Networks with dropout take the seed from ``rng``, all others from a copy: who has noise of
    another kind can't be seen, and draws of networks without any are to stay what they are.
    """
    drops = any(isinstance(module, _DROPOUTS) for module in network.modules())
    seed = int((rng if drops else deepcopy(rng)).integers(2**63)) ^ group.rank
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def _apart(network: nn.Module, *, apart: bool) -> Any:
    """Keep gradients to this process where more are to come before they are averaged."""
    if apart and isinstance(network, DistributedDataParallel):
        return network.no_sync()
    return nullcontext()


class _Losses:
    """Sums an epoch's losses and stops where they diverge, reading them now and then.

    Args:
        group: its processes' shares are added up, so that all stop at the same step.
        unread: steps that may go by before they are read.
        state: the training's position.
        epochs: of the whole training.
    """

    def __init__(self, group: Group, unread: int, state: TrainingState, epochs: int) -> None:
        self._group = group
        self._unread = unread
        self._state = state
        self._epochs = epochs
        self._waiting: list[tuple[Tensor, int]] = []
        self._total = 0.0
        self._read_steps = 0

    def add(self, loss: Tensor, rows: int) -> None:
        """Count the share ``loss`` of a step's mean loss over ``rows`` rows."""
        self._waiting.append((loss, rows))
        if len(self._waiting) >= self._unread:
            self._read()

    def total(self) -> float:
        """Sum over all rows of the epoch."""
        self._read()
        return self._total

    def _read(self) -> None:
        if not self._waiting:
            return
        values = self._group.summed(torch.stack([loss for loss, _ in self._waiting]))
        for loss, (_, rows) in zip(values.tolist(), self._waiting, strict=True):
            self._read_steps += 1
            if self._state.first_loss is None:
                self._state.first_loss = loss
            if not math.isfinite(loss) or loss > DIVERGED * max(self._state.first_loss, 1.0):
                raise DivergenceError(
                    f"training diverged: loss {loss:g} in epoch {self._state.epochs + 1} of "
                    f"{self._epochs}, step {self._read_steps} of that epoch"
                )
            self._total += loss * rows
        self._waiting.clear()

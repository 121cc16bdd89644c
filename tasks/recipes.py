"""How a network is trained, as data."""

from dataclasses import dataclass, replace
from typing import Literal


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

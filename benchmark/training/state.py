"""The state of a training between two epochs: all that its future depends on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


@dataclass
class TrainingState:
    """Weights, optimiser, schedule, generators and position; changed as training goes on.

    Attributes:
        network: its parameters and buffers.
        optimizer: of these parameters.
        schedule: of the learning rate.
        scaler: of the gradients of ``fp16``; disabled otherwise.
        generators: every source of randomness by name.
        epochs: done.
        steps: done.
        seconds: spent.
        first_loss: of the first step; None before it.
    """

    network: nn.Module
    optimizer: Optimizer
    schedule: LRScheduler
    scaler: torch.amp.GradScaler
    generators: Mapping[str, np.random.Generator]
    epochs: int = 0
    steps: int = 0
    seconds: float = 0.0
    first_loss: float | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Weights and moments by name."""
        weights = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        return weights | dict(self._moments())

    def facts(self) -> dict[str, Any]:
        """Everything else, as JSON values."""
        return {
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "first loss": self.first_loss,
            "learning rates": [group["lr"] for group in self.optimizer.param_groups],
            "schedule": {name: getattr(self.schedule, name) for name in _POSITION},
            "scaler": self.scaler.state_dict(),
            "generators": {
                name: generator.bit_generator.state for name, generator in self.generators.items()
            },
        }

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Become the state that ``tensors`` and ``facts`` were taken from.

        Raises:
            KeyError, RuntimeError, TypeError, ValueError: they are of something else.
        """
        weights = {
            name.removeprefix("network."): tensor
            for name, tensor in tensors.items()
            if name.startswith("network.")
        }
        self.network.load_state_dict(weights)
        parameters = self._parameters()
        self.optimizer.state.clear()
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                number, _, moment = rest.partition(".")
                parameter = parameters[int(number)]
                self.optimizer.state[parameter][moment] = tensor.to(parameter.device)
        for group, rate in zip(self.optimizer.param_groups, facts["learning rates"], strict=True):
            group["lr"] = rate
        for name in _POSITION:
            setattr(self.schedule, name, facts["schedule"][name])
        self.scaler.load_state_dict(facts["scaler"])
        for name, generator in self.generators.items():
            generator.bit_generator.state = facts["generators"][name]
        self.epochs, self.steps = int(facts["epochs"]), int(facts["steps"])
        self.seconds = float(facts["seconds"])
        self.first_loss = facts["first loss"]

    def _parameters(self) -> list[nn.Parameter]:
        groups = self.optimizer.param_groups
        return [parameter for group in groups for parameter in group["params"]]

    def _moments(self) -> Iterator[tuple[str, Tensor]]:
        for number, parameter in enumerate(self._parameters()):
            # A SAM that no scheme has used yet has no moments.
            for name, moment in self.optimizer.state.get(parameter, {}).items():
                yield f"optimizer.{number}.{name}", moment


_POSITION = ("last_epoch", "_step_count", "_last_lr")
"""All that changes in a schedule: learning rates are a function of its last step."""

"""Networks up to their weights: what supernets, stand-alone networks and costs are made from."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmark.basics.errors import UsageError
from benchmark.basics.identity import code_version
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.backbone import Backbone, Shape
from benchmark.networks.connect import AttentionNetwork, Sharing, build_network, outline_network
from benchmark.networks.registry import ATTENTIONS
from tasks.base import Task, TaskSpec
from tasks.parts import Head
from tasks.registry import TASKS


@dataclass(frozen=True)
class NetworkSpec:
    """A network up to its weights.

    Attributes:
        backbone: stem, blocks and head.
        attention: name of the SAM.
        reduction: what channels are divided by; see `Attention`.
        sharing: one SAM for each block or for each stage.
        head: a task's own, instead of the backbone's.
    """

    backbone: Backbone
    attention: str
    reduction: int
    sharing: Sharing
    head: Head | None = None

    @staticmethod
    def on(task: Task, shape: Shape, *, attention: str, sharing: Sharing) -> "NetworkSpec":
        """The networks for the images, the outputs and the head of ``task``.

        Raises:
            UsageError: the backbone doesn't have what the task uses, or there is no such SAM.
        """
        native = shape.backbone(task.image_shape[0], task.classes)
        try:
            backbone = native.using(**asdict(task.trunk))
        except UsageError as error:
            raise UsageError(f"task {task.name}: {error}") from None
        return NetworkSpec(
            backbone=backbone,
            attention=attention,
            reduction=shape.reduction(attention),
            sharing=sharing,
            head=task.head,
        )

    def described(self) -> dict[str, Any]:
        """This description as JSON values; what only some tasks have is left out elsewhere."""
        values = asdict(self)
        values["backbone"] = {"family": self.backbone.family} | {
            name: value
            for name, value in values["backbone"].items()
            if value != () or name not in ("strides", "dilations", "earlier")
        }
        head = values.pop("head")
        return values if head is None else values | {"head": {type(self.head).__name__: head}}

    def code(self, task: TaskSpec, *roots: str) -> str:
        """Version of the code that computes with these networks.

        Args:
            task: on whose data.
            roots: modules that compute.
        """
        backbone = type(self.backbone).__module__
        return code_version(*roots, TASKS[task.name], ATTENTIONS[self.attention], backbone)

    @numerical_state()
    def build(self, generator: torch.Generator | None) -> AttentionNetwork:
        """The network with initial weights drawn from ``generator``.

        None leaves the backbone's as memory happens to be, where nobody looks at them.

        Raises:
            UsageError: backbone, SAM and sharing don't fit, or a SAM's or the head's code leaves
                values out.
        """
        return build_network(
            self.backbone,
            attention=self.attention,
            reduction=self.reduction,
            sharing=self.sharing,
            generator=generator,
            make_head=None if self.head is None else self.head.build,
            finish_head=None if self.head is None else self.head.initialise,
        )

    def outline(self) -> AttentionNetwork:
        """The network without weights, on torch's meta device.

        Raises:
            UsageError: backbone, SAM and sharing don't fit.
        """
        return outline_network(
            self.backbone,
            attention=self.attention,
            reduction=self.reduction,
            sharing=self.sharing,
            make_head=None if self.head is None else self.head.build,
        )

"""What the network of a scheme is made of; nothing is trained, run or even filled with weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.backbone import shape_named
from benchmark.networks.connect import SHARINGS, SchemeNetwork, Sharing
from benchmark.networks.spec import NetworkSpec
from benchmark.records.costs import exact_costs
from benchmark.records.schemes import Scheme, format_bits, parse_scheme, scheme_bits, stage_integers
from benchmark.records.settings import SETTINGS
from benchmark.standalone.costs import check_fit, count_parameters
from tasks.base import Task, TaskSpec
from tasks.registry import TASKS, outlined


@dataclass(frozen=True)
class Stage:
    """One stage of a network.

    Attributes:
        blocks: of the stage.
        channels: output channels of its blocks.
        connections: blocks that use attention.
        modules: SAMs that are used.
        modules_as_built: SAMs that the supernet has.
    """

    blocks: int
    channels: int
    connections: int
    modules: int
    modules_as_built: int


@dataclass(frozen=True)
class NetworkDescription:
    """Facts of the network of one scheme.

    Attributes:
        backbone: its name.
        block: what its blocks are called, such as ``bottleneck``.
        attention: name of the SAM.
        sharing: ``full`` or ``share``.
        image_shape: channels, height, width.
        classes: outputs of the head.
        scheme: bits, stages separated.
        integers: the scheme as the paper's code writes it, one integer a stage.
        parameters_as_built: with every SAM of the supernet.
        costs: by name all that can be counted exactly, unused SAMs dropped.
        stages: first stage first.
        head: kind of the task's own head; None for pooling and a linear classifier.
    """

    backbone: str
    block: str
    attention: str
    sharing: Sharing
    image_shape: tuple[int, int, int]
    classes: int
    scheme: str
    integers: tuple[int, ...]
    parameters_as_built: int
    costs: dict[str, int | float]
    stages: tuple[Stage, ...]
    head: str | None = None

    def json(self) -> str:
        """All attributes as the text of a JSON object."""
        return json.dumps(asdict(self), indent=2)

    def text(self) -> str:
        """All attributes as lines of a name and a value, for people."""
        images = "×".join(str(size) for size in self.image_shape)
        integers = ", ".join(str(number) for number in self.integers)
        return "\n".join(
            [
                f"backbone    {self.backbone}, {self.block} blocks",
                f"images      {images}, {_outputs(self.classes, self.head)}",
                f"attention   {self.attention}, {self.sharing}",
                f"scheme      {self.scheme}  ({integers})",
                *(f"{name:<11} {value:,}" for name, value in self.costs.items()),
                f"as built    {self.parameters_as_built:,} parameters",
                *(
                    f"stage {number}     {stage.connections} of {stage.blocks} blocks connected, "
                    f"{stage.modules} of {stage.modules_as_built} modules used, "
                    f"{stage.channels} channels"
                    for number, stage in enumerate(self.stages, start=1)
                ),
            ]
        )


@numerical_state()
def describe_network(
    backbone: str | None = None,
    *,
    attention: str = SETTINGS["attention"].default,
    sharing: str = SETTINGS["sharing"].default,
    scheme: str = "full",
    task: str | None = None,
    task_options: Mapping[str, str] | None = None,
) -> NetworkDescription:
    """Describe the network of ``scheme``.

    Args:
        backbone: its name; default: the task's.
        attention: name of the SAM.
        sharing: ``full`` or ``share``.
        scheme: as `parse_scheme` reads it.
        task: gives images and classes; default: those that the backbone was published
            with (CIFAR100, ImageNet), or without a backbone ``digits``.
        task_options: choices among what the task offers.

    Raises:
        UsageError: an unknown name, parts that don't fit, or options without a task.
        DataError: an option that the task doesn't have.
        SchemeError: a scheme that doesn't fit the backbone.
    """
    if task is None and backbone is None:
        task = SETTINGS["task"].default
    if task is None and task_options:
        raise UsageError("--task-option needs the task that it belongs to: --task NAME")
    known = None if task is None else _task(task, task_options or {})
    if backbone is None:
        assert known is not None
        backbone = known.backbone
    shape = shape_named(backbone)
    if known is None:
        image_shape = (shape.native.in_channels, *shape.image_size)
        placement = _sharing(sharing)
        network = NetworkSpec(shape.native, attention, shape.reduction(attention), placement)
    else:
        image_shape = known.image_shape
        network = NetworkSpec.on(known, shape, attention=attention, sharing=_sharing(sharing))
    spec = network.backbone
    check_fit(network, image_shape)
    bits = parse_scheme(scheme, spec.blocks_per_stage)
    alone = SchemeNetwork(network.outline(), bits).eval()
    return NetworkDescription(
        backbone=backbone,
        block=spec.block_kind,
        attention=attention,
        sharing=network.sharing,
        image_shape=image_shape,
        classes=spec.classes,
        scheme=format_bits(scheme_bits(bits), spec.blocks_per_stage),
        integers=stage_integers(bits, spec.blocks_per_stage),
        parameters_as_built=count_parameters(network.outline()),
        costs={cost.name: cost.counted(alone, image_shape) for cost in exact_costs()},
        stages=_stages(network, bits),
        head=None if network.head is None else type(network.head).__name__,
    )


def _outputs(classes: int, head: str | None) -> str:
    if head is None:
        return f"{classes} classes"
    return f"maps of {classes} channel{'s' if classes > 1 else ''} ({head})"


def _task(name: str, options: Mapping[str, str]) -> Task:
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return outlined(TaskSpec(name, options=tuple(sorted(options.items()))))


def _sharing(name: str) -> Sharing:
    for known in SHARINGS:
        if name == known:
            return known
    raise unknown_name("sharing", name, SHARINGS)


def _stages(network: NetworkSpec, scheme: Scheme) -> tuple[Stage, ...]:
    spec, shared = network.backbone, network.sharing == "share"
    stages, start = [], 0
    for blocks, channels in zip(spec.blocks_per_stage, spec.channels, strict=True):
        connections = int(sum(scheme[start : start + blocks]))
        start += blocks
        stages.append(
            Stage(
                blocks=blocks,
                channels=channels,
                connections=connections,
                modules=min(connections, 1) if shared else connections,
                modules_as_built=1 if shared else blocks,
            )
        )
    return tuple(stages)

"""Initial values: those of known layers to the bit, an author's own, and nothing left to memory."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import Attention, ChannelAttention, State
from benchmark.networks.connect import AttentionNetwork, FinishHead, Sharing, build_network
from benchmark.networks.initial import made
from benchmark.networks.resnet import THIN, BlockKind, ResNet, Stem
from benchmark.networks.sge import SGE
from benchmark.networks.spec import NetworkSpec
from tasks.registry import TASKS, task_class
from tests.benchmark.attentions import KINDS, registered

ONE = ResNet((4,), (1,), in_channels=3, classes=2)
BACKBONES = [
    ResNet((4, 8), (2, 2), in_channels=3, classes=5, block=block, stem=stem, bias=bias)
    for block in get_args(BlockKind)
    for stem, bias in zip(get_args(Stem), (False, True), strict=True)
]


def built(attention: type[Attention], seed: int = 0) -> Attention:
    """A SAM with its initial values."""
    modules = made(
        {"attention.0": lambda: attention(4, 1)},
        torch.Generator().manual_seed(seed),
        lambda *_: None,
    )
    module = modules["attention.0"]
    assert isinstance(module, Attention)
    return module


def drawn_by_hand(spec: NetworkSpec, seed: int) -> AttentionNetwork:
    """As networks were built when convolutions, linear layers, norms and SGE were all there is."""
    network, generator = spec.outline(), torch.Generator().manual_seed(seed)
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            area = module.kernel_size[0] * module.kernel_size[1]
            deviation = (2 / (area * module.out_channels)) ** 0.5
            nn.init.normal_(module.weight, std=deviation, generator=generator)
            if module.bias is not None:
                bound = (area * module.in_channels) ** -0.5
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.Linear):
            for parameter in module.parameters():
                bound = module.in_features**-0.5
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d | SGE):
            module.reset_parameters()
    if spec.head is not None:
        assert network.backbone.own_head is not None
        with torch.no_grad():
            spec.head.initialise(network.backbone.own_head, generator)
    return network


def known(network: nn.Module) -> bool:
    """Whether `drawn_by_hand` fills all of it."""
    return all(
        isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d | SGE)
        for module in network.modules()
        if [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    )


def same(first: nn.Module, second: nn.Module) -> bool:
    values, others = first.state_dict(), second.state_dict()
    return values.keys() == others.keys() and all(
        torch.equal(values[name], others[name]) for name in values
    )


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_networks_of_known_layers_have_their_bits(
    backbone: ResNet, attention: str, sharing: Sharing
) -> None:
    spec = NetworkSpec(backbone, attention, 2, sharing)
    with registered():
        if not known(spec.outline()):
            return
        assert same(spec.build(torch.Generator().manual_seed(5)), drawn_by_hand(spec, 5))


@pytest.mark.parametrize("name", [name for name in TASKS if task_class(name).head is not None])
def test_heads_of_tasks_have_their_bits(name: str) -> None:
    task = task_class(name)
    shape = replace(THIN, native=replace(THIN.native, widths=(4,) * 4, blocks_per_stage=(1,) * 4))
    trunk = replace(task.trunk, output_stride=None, stages=4, strides=(), dilations=())
    native = shape.backbone(3, task.classes).using(**vars(trunk))
    spec = NetworkSpec(native, "se", 2, "full", task.head)
    assert known(spec.outline())
    assert same(spec.build(torch.Generator().manual_seed(5)), drawn_by_hand(spec, 5))


@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_values_come_from_the_generator_alone(attention: str, sharing: Sharing) -> None:
    built = []
    with registered():
        spec = NetworkSpec(BACKBONES[0], attention, 2, sharing)
        for other in (1, 2):
            torch.manual_seed(other)
            before = torch.get_rng_state()
            built.append(spec.build(torch.Generator().manual_seed(0)))
            assert torch.equal(before, torch.get_rng_state())
    assert same(*built)
    again = [dict(network.named_buffers()) for network in built]
    assert all(torch.equal(again[0][name], again[1][name]) for name in again[0])


class Author(ChannelAttention):
    """What authors write; what they leave out is for those derived from it."""

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        del divisor
        self.linear = nn.Linear(channels, channels)
        self.write(channels)

    def write(self, channels: int) -> None:
        """The rest of ``__init__``."""

    def gate(self, means: Tensor, state: State) -> tuple[Tensor, State]:
        return self.linear(means).sigmoid(), state


def test_what_an_author_sets_holds_and_torchs_own_start_is_drawn() -> None:
    class Written(Author):
        def write(self, channels: int) -> None:
            self.last = nn.Conv2d(channels, channels, 1)
            nn.init.constant_(self.last.weight, 0.25)
            self.old = nn.Linear(channels, channels)
            self.old.weight.data.normal_(7, 0.1)
            self.norm = nn.BatchNorm2d(channels)
            nn.init.zeros_(self.norm.weight)
            self.layer = nn.LayerNorm(channels)
            nn.init.constant_(self.layer.weight, 3)
            self.alone = nn.Parameter(torch.tensor([1.0, 2.0]))
            self.register_buffer("table", torch.tensor([5, 6]), persistent=False)

    module = built(Written)
    assert isinstance(module, Written)
    assert (module.last.weight == 0.25).all()
    assert float(module.old.weight.detach().min()) > 6
    assert not module.norm.weight.any()
    assert (module.layer.weight == 3).all()
    assert module.alone.tolist() == [1, 2]
    assert module.get_buffer("table").tolist() == [5, 6]
    # Left at torch's own: the bias of `last` and all of `linear` come from the generator.
    assert torch.equal(module.linear.weight, built(Author).get_parameter("linear.weight"))


def test_reset_parameters_is_called_for_parents_after_their_parts() -> None:
    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.empty(3))
            self.scale = nn.Parameter(torch.empty(3))

        def reset_parameters(self) -> None:
            nn.init.normal_(self.value)
            nn.init.constant_(self.scale, 1)

    class Parent(Author):
        def write(self, channels: int) -> None:
            del channels
            self.part = Part()

        def reset_parameters(self) -> None:
            nn.init.constant_(self.part.scale, 2)
            nn.init.zeros_(self.linear.weight)

    first, same_seed, other = (built(Parent, seed).state_dict() for seed in (0, 0, 1))
    assert first["part.scale"].tolist() == [2, 2, 2]
    assert not first["linear.weight"].any()
    assert torch.equal(first["part.value"], same_seed["part.value"])
    assert not torch.equal(first["part.value"], other["part.value"])


def _half(module: Author) -> None:
    module.left = nn.Parameter(torch.empty(4))
    nn.init.zeros_(module.left.data[:3])


def _old(module: Author) -> None:
    module.left = nn.Parameter(torch.Tensor(4, 4))


def _scaled(module: Author) -> None:
    module.left = nn.Parameter(torch.empty(4))
    module.left.data.mul_(0.5)


def _lazy(module: Author) -> None:
    module.left = nn.parameter.UninitializedParameter()


LEFT: dict[str, Callable[[Author], Any]] = {
    "parameter": lambda module: setattr(module, "left", nn.Parameter(torch.empty(4))),
    "part of a parameter": _half,
    "parameter made as of old": _old,
    "parameter that was only scaled": _scaled,
    "lazy parameter": _lazy,
    "buffer": lambda module: module.register_buffer("left", torch.empty(4).new_empty(2)),
    "buffer of integers": lambda module: module.register_buffer(
        "left", torch.empty(4, dtype=torch.int64), persistent=False
    ),
    "buffer of truths": lambda module: module.register_buffer(
        "left", torch.empty_like(torch.ones(4, dtype=torch.bool))
    ),
    "other randomness": lambda module: setattr(
        module, "left", nn.Parameter(torch.from_numpy(np.random.default_rng().random(4)))
    ),
}


@pytest.mark.parametrize("leave", LEFT.values(), ids=LEFT)
def test_what_nobody_gave_a_value_is_refused_by_name(leave: Callable[[Author], Any]) -> None:
    class Forgetful(Author):
        def write(self, channels: int) -> None:
            del channels
            self.part = Author(4, 1)
            leave(self.part)

    with pytest.raises(UsageError, match=r"attention\.0\.part\.left \(Forgetful\): expected init"):
        built(Forgetful)


def test_a_head_that_leaves_something_out_is_refused_too() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.empty(2))

    def build(finish: FinishHead | None) -> AttentionNetwork:
        return build_network(
            ONE,
            attention="se",
            reduction=2,
            sharing="full",
            generator=torch.Generator(),
            make_head=lambda _: Bare(),
            finish_head=finish,
        )

    with pytest.raises(UsageError, match=r"backbone\.own_head\.scale \(Bare\)"):
        build(None)
    head = build(lambda head, _: nn.init.ones_(head.scale)).backbone.own_head  # type: ignore[arg-type]
    assert isinstance(head, Bare)
    assert head.scale.tolist() == [1, 1]

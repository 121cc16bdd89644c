from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.basics.threads import single_thread
from benchmark.networks.attention import State
from benchmark.networks.connect import AttentionNetwork, SchemeNetwork, Sharing, build_network
from benchmark.networks.resnet import THIN, ResidualBlock, ResNet
from benchmark.networks.se import SE
from benchmark.records.schemes import all_schemes
from benchmark.standalone.costs import count_parameters
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import SMALL, small_network

pytestmark = pytest.mark.usefixtures("_other_attentions")
BOTTLENECK = ResNet(
    (2, 4), (2, 3), in_channels=3, classes=5, block="bottleneck", stem="imagenet", bias=True
)


def images(size: int = 6) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_without_connections_the_backbone_is_left(attention: str, sharing: Sharing) -> None:
    network = small_network(sharing, attention=attention)
    features = network.backbone.stem(images())
    for block in network.backbone.blocks:
        assert isinstance(block, ResidualBlock)
        features = (block.body(features) + block.skip(features)).relu()
    expected = network.backbone.head(features)
    torch.testing.assert_close(network(images(), [False] * 5), expected)


def test_a_module_sits_between_the_last_batch_norm_and_the_addition() -> None:
    # One basic block of one channel on a map (1, 3). Convolutions copy, but the body's last
    # turns the sign; its batch norm adds 1; SE halves; the head averages:
    #   body (−1, −3) + 1 = (0, −2); halved (0, −1); plus the skip (1, 2); mean 1.5.
    # Without SE: (0, −2) + (1, 3) = (1, 1), mean 1. Before the batch norm SE would give 2,
    # after the addition 0.5.
    network = AttentionNetwork(
        ResNet((1,), (1,), in_channels=1, classes=1), lambda _: SE(1, 1), "full"
    ).eval()
    for parameter in network.attention.parameters():
        nn.init.zeros_(parameter)  # σ(0) = 0.5
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for convolution, centre in zip(convolutions, (1.0, 1.0, -1.0), strict=True):
        nn.init.zeros_(convolution.weight)
        convolution.weight.data[0, 0, 1, 1] = centre
    *_, last = norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.eps = 0.0
    last.bias.data[:] = 1.0
    network.get_parameter("backbone.classifier.weight").data[:] = 1.0
    network.get_parameter("backbone.classifier.bias").data[:] = 0.0
    image = torch.tensor([[[[1.0, 3.0]]]])
    assert network(image, [True]).item() == pytest.approx(1.5)
    assert network(image, [False]).item() == pytest.approx(1.0)


@pytest.mark.parametrize("backbone", [SMALL, BOTTLENECK], ids=["basic", "bottleneck"])
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
@single_thread()
@torch.inference_mode()
def test_the_network_of_a_scheme_equals_the_supernet_under_that_scheme(
    attention: str, sharing: Sharing, backbone: ResNet
) -> None:
    supernet = small_network(sharing, attention=attention, backbone=backbone)
    inputs = images(16)
    for scheme in all_schemes(5):
        expected = supernet(inputs, scheme)
        alone = SchemeNetwork(deepcopy(supernet), scheme).eval()
        assert torch.equal(alone(inputs), expected)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        # Received by each connected block: None, or the block that left the state.
        ("101|000", [None, 0]),
        ("011|000", [None, 1]),
        ("000|000", []),
        ("111|101", [None, 0, 1, None, 3]),
        ("001|011", [None, None, 4]),
    ],
)
def test_the_state_goes_from_connected_block_to_connected_block_of_a_stage(
    stages: str, expected: list[int | None]
) -> None:
    backbone = ResNet((4, 8), (3, 3), in_channels=3, classes=5)
    network = small_network("share", attention="dia", backbone=backbone)
    scheme = [bit == "1" for bit in stages.replace("|", "")]
    connected = [block for block, bit in enumerate(scheme) if bit]
    received: list[State] = []
    left: list[State] = []

    def listen(_: nn.Module, arguments: tuple[Tensor, State], result: tuple[Tensor, State]) -> None:
        received.append(arguments[1])
        left.append(result[1])

    for module in network.attention.values():
        module.register_forward_hook(listen)
    network(images(), scheme)
    givers = [
        None if state is None else connected[[id(other) for other in left].index(id(state))]
        for state in received
    ]
    assert givers == expected


@pytest.mark.parametrize("bits", [4, 6])
def test_a_scheme_of_another_length_is_refused(bits: int) -> None:
    network = small_network()
    with pytest.raises(SchemeError, match=f"a scheme of 5 bits, received {bits}"):
        network(images(), [True] * bits)
    with pytest.raises(SchemeError, match=f"a scheme of 5 bits, received {bits}"):
        SchemeNetwork(network, [True] * bits)


def test_a_recurrent_module_must_be_shared() -> None:
    with pytest.raises(UsageError, match=r"DIA is one module for all .*'share', received 'full'"):
        small_network("full", attention="dia")


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(UsageError, match="attention module 'es'"):
        small_network(attention="es")


def test_sharing_gives_one_module_to_each_stage() -> None:
    network = small_network("share")
    assert network.attention_of(0) is network.attention_of(1)
    assert network.attention_of(1) is not network.attention_of(2)
    assert len(network.attention) == len(SMALL.widths)


def test_unused_modules_are_dropped_from_the_network_of_a_scheme() -> None:
    base = count_parameters(SchemeNetwork(small_network(), [False] * 5))
    unit = {4: 2 * 4 * 2 + 2 + 4, 8: 2 * 8 * 4 + 4 + 8}
    scheme = [True, False, True, True, False]
    full = count_parameters(SchemeNetwork(small_network(), scheme))
    shared = count_parameters(SchemeNetwork(small_network("share"), scheme))
    assert full == base + unit[4] + 2 * unit[8]
    assert shared == base + unit[4] + unit[8]


def test_weights_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    networks = [small_network(seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    first, same, other = (
        network.get_parameter("backbone.classifier.weight") for network in networks
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_convolutions_start_with_the_papers_variance() -> None:
    network = build_network(
        THIN.backbone(4, 10),
        attention="se",
        reduction=4,
        sharing="full",
        generator=torch.Generator().manual_seed(0),
    )
    block = network.backbone.blocks[-1]
    assert isinstance(block, ResidualBlock)
    weight = block.units[-1].conv.weight  # type: ignore[union-attr]  # a ConvNorm
    assert isinstance(weight, torch.Tensor)
    expected = np.sqrt(2 / (3 * 3 * 32))
    assert float(weight.detach().std()) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_no_weight_is_left_as_memory_happened_to_be(attention: str, sharing: Sharing) -> None:
    networks = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(0)
        network = build_network(
            BOTTLENECK, attention=attention, reduction=2, sharing=sharing, generator=generator
        )
        networks.append({name: value.clone() for name, value in network.state_dict().items()})
        for value in network.state_dict().values():
            value.fill_(77)  # what the next network may find in its memory
        del network
    first, second = networks
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any((value == 77).any() for value in second.values())

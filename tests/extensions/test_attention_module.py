"""Change request: another attention module. Two files: the module, and its entry in the registry.

`CBAM` has batch norms and a divisor of its own; `EcaNet` divides nothing and has a convolution over
channels whose kernel grows with their number.
"""

import re
from collections.abc import Callable, Iterator
from math import log2

import pytest
from torch import Tensor, nn

from benchmark.networks.attention import Attention, ChannelAttention, State
from benchmark.networks.registry import ATTENTIONS
from tests.benchmark.attentions import CBAM
from tests.extensions.conftest import Written


class EcaNet(ChannelAttention):
    """Wang et al., "ECA-Net: Efficient Channel Attention": neighbouring channels gate each other.

    The kernel is log₂(C)/2 + 1/2 rounded down, or one more where that is even.
    """

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        del divisor
        whole = int((log2(channels) + 1) / 2)
        kernel = whole if whole % 2 else whole + 1
        self.convolution = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def gate(self, means: Tensor, state: State) -> tuple[Tensor, State]:
        gate: Tensor = self.convolution(means[:, None])[:, 0].sigmoid()
        return gate, state


@pytest.fixture(params=[CBAM, EcaNet], ids=lambda module: module.__name__)
def module(request: pytest.FixtureRequest) -> Iterator[str]:
    added: type[Attention] = request.param
    name = added.__name__.lower()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ATTENTIONS, name, f"{added.__module__}:{added.__name__}")
        yield name


def test_a_registered_module_is_in_run_page_csv_and_latex(
    module: str, written: Callable[..., Written]
) -> None:
    found = written(attention=module, backbone="resnet8-basic")
    assert found.report.records.oracles[0].facts["attention"] == module
    assert re.search(rf"\b{module}\b", found.page)
    published = ATTENTIONS[module].rpartition(":")[2]
    assert any(published in text for text in found.csv.values())
    assert published in found.latex["table-2"]
    assert f"<dd>{published}</dd>" in found.page


def test_kernels_grow_with_channels() -> None:
    sizes = {channels: EcaNet(channels, 1).convolution.kernel_size for channels in (16, 64, 512)}
    assert sizes == {16: (3,), 64: (3,), 512: (5,)}

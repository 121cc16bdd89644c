"""What holds for every backbone, whichever family it is of."""

import json
from dataclasses import replace
from weakref import finalize

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.basics.errors import UsageError
from benchmark.networks.backbone import (
    BackboneNetwork,
    backbone_class,
    blocks_of,
    shape_named,
)
from benchmark.networks.registry import BACKBONES as FAMILIES
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle import prefix_tree
from benchmark.oracle.base import BatchNormMode
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.records.schemes import all_schemes
from benchmark.studies.supernets import described_network
from tests.benchmark.backbones import BACKBONES, SIZES, registered
from tests.benchmark.small import small_data, small_network

every_backbone = pytest.mark.parametrize("name", BACKBONES)


def _features(name: str) -> Tensor:
    return torch.randn(2, 3, SIZES[name], SIZES[name], generator=torch.Generator().manual_seed(1))


@every_backbone
@torch.no_grad()
def test_stages_have_the_channels_and_strides_that_are_said(name: str) -> None:
    spec = replace(BACKBONES[name], dilations=(1, 2))
    network = small_network(backbone=spec).backbone
    blocks = blocks_of(network)
    assert len(blocks) == spec.blocks
    images = torch.zeros(2, 3, 32, 32)
    features = network.stem(images)
    side = 32 // spec.stem_stride
    assert features.shape[2:] == (side, side)
    for stage, channels in enumerate(spec.channels):
        side //= spec.stride(stage)
        for number in spec.blocks_of(stage):
            block = blocks[number]
            before = features.clone()
            residual, skip = block.body(features), block.skip(features)
            assert torch.equal(features, before)  # nobody writes to it
            features = block.join(skip, residual)
            assert features.shape == residual.shape == (2, channels, side, side)
            found = block.join_(skip, residual)
            assert found.data_ptr() == residual.data_ptr()
            assert torch.equal(found, features)
    assert side == 32 // spec.output_stride
    assert network.head(features).shape == (2, spec.classes)


@every_backbone
@torch.no_grad()
def test_rows_depend_on_themselves_alone_and_may_be_none(name: str) -> None:
    network, images = small_network(backbone=BACKBONES[name]), _features(name)
    scheme = [True] * 5
    torch.testing.assert_close(network(images[:1], scheme), network(images, scheme)[:1])
    features = network.backbone.stem(images[:0])
    assert len(network.run_blocks(features, scheme, range(5))) == 0


@every_backbone
@torch.no_grad()
def test_a_state_is_all_that_a_network_is(name: str) -> None:
    spec = NetworkSpec(BACKBONES[name], "se", 2, "share")
    first, same, other = (spec.build(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, first.state_dict().values(), same.state_dict().values()))
    images, scheme = _features(name), [True, False, True, True, False]
    expected = first.eval()(images, scheme)
    assert not torch.equal(other.eval()(images, scheme), expected)
    other.load_state_dict(first.state_dict())
    assert torch.equal(other(images, scheme), expected)


@every_backbone
def test_a_description_is_read_back_from_json(name: str) -> None:
    spec = NetworkSpec(BACKBONES[name], "se", 2, "share")
    values = json.loads(json.dumps(spec.described()))
    with registered():
        assert described_network(values) == spec
        assert values["backbone"]["family"] in FAMILIES


@every_backbone
def test_leading_stages_can_be_used_alone(name: str) -> None:
    whole = BACKBONES[name]
    part = whole.using(1, strides=(1,), output_stride=whole.stem_stride)
    assert (part.blocks, part.channels) == (2, whole.channels[:1])
    assert len(BackboneNetwork(part).blocks) == 2
    with pytest.raises(UsageError, match="expected 1 to 2 stages"):
        whole.using(3)
    with pytest.raises(UsageError, match=rf"its stem divides by {whole.stem_stride}"):
        whole.using(None, output_stride=64)


def test_each_family_is_found_by_the_names_it_says() -> None:
    with registered():
        assert shape_named("mobilenetv2").native.blocks == 17
        assert shape_named("mobilenetv2").native.output_stride == 32
        for family in FAMILIES:
            kind = backbone_class(family)
            named = kind.names.partition(";")[0]
            shape = shape_named(named)
            assert type(shape.native) is kind
            assert kind.named("resnet") is None
        with pytest.raises(UsageError, match=r"\(there are: resnet26-thin; .*; mobilenetv2; "):
            shape_named("mobilenet")
    with pytest.raises(UsageError, match="unknown family of backbones 'resnets'"):
        backbone_class("resnets")


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    """Bytes of all tensors that were made inside and are alive, at most."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.most = self._now = 0
        self._tensors: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.layout == torch.strided:
            storage = result.untyped_storage()
            place, size = storage.data_ptr(), storage.nbytes()
            if place not in self._tensors:
                self._now += size
                self._tensors[place] = 0
            self._tensors[place] += 1
            finalize(result, self._gone, place, size)
            self.most = max(self.most, self._now)
        return result

    def _gone(self, place: int, size: int) -> None:
        self._tensors[place] -= 1
        if not self._tensors[place]:
            del self._tensors[place]
            self._now -= size


@every_backbone
@pytest.mark.parametrize("mode", ["running", "recalibrated"])
@torch.no_grad()
def test_the_memory_formula_bounds_what_a_tree_holds(
    name: str, mode: BatchNormMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It makes a tensor that is gone at once, to have freed memory kept.
    monkeypatch.setattr(prefix_tree, "keep_freed_memory", lambda: None)
    network, data = small_network(backbone=BACKBONES[name]), small_data(200, size=24)
    # Folded ones are as large as the network's own, and there twice while they are packed.
    weights = sum(parameter.numel() * 4 for parameter in network.parameters())
    oracle = PrefixTreeOracle(network, data, mode, identity="", memory=2**30, group=4)
    with _Alive() as alive:
        oracle.score(all_schemes(5)[[0, 13, 22, 31]])
    assert oracle.peak() / 5 < alive.most <= oracle.peak() + 2 * weights

import base64
import io
from math import nan

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.basics.errors import StoreError
from benchmark.networks.connect import SchemeNetwork, Sharing, build_network
from benchmark.networks.resnet import ResNet
from benchmark.records.pictures import decoded, png
from benchmark.records.run import LaneKey, RunRecords, StandaloneRecord
from benchmark.studies.gradcam import as_picture, grad_cam, scaled, tiles
from benchmark.studies.gradcam_run import found_scheme
from tests.benchmark.attentions import KINDS
from tests.benchmark.sample_tickets import FULL, SCHEME, costs
from tests.benchmark.small import SMALL, small_network

IMAGE = torch.tensor([[[[1.0, -2.0], [0.0, 4.0]]]])


def worked_by_hand() -> SchemeNetwork:
    """Feature maps ReLU(x) and ReLU(−x); class 0 is their difference, class 1 twice the second."""
    spec = ResNet(widths=(2,), blocks_per_stage=(1,), in_channels=1, classes=2)
    network = build_network(
        spec, attention="se", reduction=2, sharing="full", generator=torch.Generator()
    )
    for name, parameter in network.named_parameters():
        if "conv" in name:
            parameter.data.zero_()
    network.get_parameter("backbone.first.conv.weight").data[:, 0, 1, 1] = torch.tensor([1.0, -1.0])
    network.get_parameter("backbone.classifier.weight").data = torch.tensor(
        [[1.0, -1.0], [0.0, 2.0]]
    )
    return SchemeNetwork(network, [False]).eval()


def test_map_of_a_network_worked_by_hand() -> None:
    # α is the class's weight over four positions: the map of class 0 is ReLU(x)/4.
    both = IMAGE.expand(2, -1, -1, -1)
    heat, probabilities = grad_cam(worked_by_hand(), both, torch.tensor([0, 1]), stage=0)
    assert heat[0].tolist() == [pytest.approx([0.25, 0], abs=1e-5), pytest.approx([0, 1], abs=1e-4)]
    assert heat[1].tolist() == [pytest.approx([0, 1], abs=1e-4), pytest.approx([0, 0])]
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1, 1])


@pytest.mark.usefixtures("_other_attentions")
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_behind_the_last_stage_it_is_the_class_activation_map(
    attention: str, sharing: Sharing
) -> None:
    # With global average pooling and a linear head both are Σ w·A up to the number of positions.
    whole = small_network(sharing, attention=attention)
    network = SchemeNetwork(whole, [True, False, True, True, False])
    images = torch.randn(3, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 4, 2])
    heat, _ = grad_cam(network, images, targets, stage=1)
    with torch.no_grad():
        maps = whole.run_blocks(whole.backbone.stem(images), network.scheme, range(SMALL.blocks))
        weights = whole.get_parameter("backbone.classifier.weight")[targets]
        expected = torch.einsum("nk,nkij->nij", weights, maps).relu() / 9
    torch.testing.assert_close(heat, expected)


@pytest.mark.usefixtures("_other_attentions")
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
@torch.no_grad()
def test_blocks_may_be_run_in_two_parts(attention: str, sharing: Sharing) -> None:
    whole = small_network(sharing, attention=attention)
    images = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    scheme = [True, True, False, True, True]
    first = whole.run_blocks(whole.backbone.stem(images), scheme, range(2))
    rest = whole.backbone.head(whole.run_blocks(first, scheme, range(2, 5)))
    assert torch.equal(rest, whole(images, scheme))


def test_earlier_stages_have_finer_maps() -> None:
    network = SchemeNetwork(small_network(), [True] * 5)
    images = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    heat, _ = grad_cam(network, images, torch.tensor([0, 1]), stage=0)
    assert heat.shape == (2, 6, 6)
    assert bool((heat >= 0).all())


def test_maps_are_scaled_to_their_maximum() -> None:
    heat = torch.tensor([[[0.0, 2.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert scaled(heat).tolist() == [[[0, 1], [0.5, 0]], [[0, 0], [0, 0]]]


def test_pictures_of_one_three_and_four_planes() -> None:
    grey = as_picture(IMAGE[0])
    assert grey[:, :, 0].tolist() == [[128, 0], [85, 255]]
    colour = as_picture(torch.tensor([[[0.0]], [[0.5]], [[1.0]]]))
    assert colour.tolist() == [[[0, 128, 255]]]
    row = as_picture(IMAGE[0].expand(4, -1, -1))
    assert row.shape == (2, 8, 3)
    assert (tiles(1), tiles(3), tiles(4)) == (1, 1, 4)


def test_large_images_are_made_smaller() -> None:
    assert as_picture(torch.rand(3, 320, 240)).shape == (160, 120, 3)


def test_a_picture_survives_its_file() -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert np.array_equal(decoded(png(pixels)), pixels)


def test_a_picture_of_another_mode_is_refused_rather_than_clipped() -> None:
    words = io.BytesIO()
    Image.fromarray(np.arange(9, dtype=np.uint16).reshape(3, 3) * 7000).save(words, "PNG")
    with pytest.raises(StoreError, match="is of mode I;16, expected RGB"):
        decoded(base64.b64encode(words.getvalue()).decode())


def trained_once(*, rule: str) -> RunRecords:
    """A ticket by means alone, a candidate that validates better, and one that diverged."""
    better, gone = "0110", "0001"
    standalone = [
        StandaloneRecord(FULL, 0, 0.90, 0.90, 0.1, 1.0),
        StandaloneRecord(SCHEME, 0, 0.91, 0.92, 0.1, 1.0),
        StandaloneRecord(better, 0, 0.93, 0.89, 0.1, 1.0),
        StandaloneRecord(gone, 0, nan, nan, nan, 1.0, failure="diverged"),
    ]
    return RunRecords(
        experiment="",
        settings={"verdict": rule},
        facts={},
        environment={},
        blocks_per_stage=(2, 2),
        lanes=[],
        oracles=[],
        standalone=standalone,
        costs=list(costs()),
        candidates={LaneKey("ga", 0, 0): [gone, FULL, SCHEME, better]},
    )


def test_the_scheme_to_look_through_is_a_ticket_by_the_runs_own_rule() -> None:
    assert found_scheme(trained_once(rule="paper")) == [SCHEME]
    assert found_scheme(trained_once(rule="interval")) == ["0110"]

import numpy as np
import torch

from benchmark.networks.backbone import ConvNorm
from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle.reference import ReferenceOracle, recalibrated
from benchmark.records.schemes import all_schemes
from tests.benchmark.small import small_data, small_network


def test_running_statistics_score_the_network_as_it_is() -> None:
    network, data = small_network(), small_data()
    scheme = np.array([True, False, True, True, False])
    with torch.inference_mode():
        ((images, targets),) = data.validation.batches(100)
        guesses = network(images, scheme).argmax(dim=1)
    expected = float((guesses == targets).double().mean())
    scores = ReferenceOracle(network, data, "running", identity="x").score(scheme[None])
    assert scores.accuracy.tolist() == [expected]


def test_recalibrated_statistics_are_those_of_the_calibration_draws() -> None:
    network, images = small_network(), small_data().calibration
    fresh = recalibrated(network, np.zeros(5, dtype=bool), images)
    first = fresh.backbone.first
    assert isinstance(first, ConvNorm)
    convolved, norm = first.conv(images), first.norm
    torch.testing.assert_close(norm.running_mean, convolved.mean(dim=(0, 2, 3)).detach())
    torch.testing.assert_close(norm.running_var, convolved.var(dim=(0, 2, 3)).detach())


def test_recalibration_depends_on_the_scheme_and_leaves_the_supernet_alone() -> None:
    network, images = small_network(), small_data().calibration
    before = {name: value.clone() for name, value in network.state_dict().items()}
    none, full = (recalibrated(network, scheme, images) for scheme in all_schemes(5)[[0, -1]])
    means = [_last_mean(net) for net in (none, full)]
    assert not torch.equal(means[0], means[1])
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def _last_mean(network: AttentionNetwork) -> torch.Tensor:
    *_, last = (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert last.running_mean is not None
    return last.running_mean

"""Measuring what the network of a scheme costs: whatever `benchmark.records.costs` lists.

Inference time follows the paper's protocol (batches of 50, evaluation mode) with its
faults mended: inference mode, device synchronised, warm-up left out, and networks
timed in turn (A B C, C B A, …) so that the machine's drift hits all of them alike. Half of
the rounds take networks that were built, and are begun with, in the opposite order: where one
lies in memory makes it up to a point faster or slower than its own copy (seen on digits).
Where asked to, timing goes on until the intervals are narrow enough. It stops by their
width, not by where they lie, so that stopping favours no answer.
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from scipy.stats import binom
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.basics.errors import UsageError
from benchmark.basics.names import referred
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.threads import single_thread
from benchmark.networks.attention import Attention, State
from benchmark.networks.connect import SchemeNetwork
from benchmark.networks.norms import inner_norms
from benchmark.networks.spec import NetworkSpec
from benchmark.records.costs import LATENCY_TARGET, exact_costs, half_width, sampled_costs
from benchmark.records.run import CostRecord, Interval, Measure
from benchmark.records.schemes import Schemes, bits_scheme

Samples = Float64[np.ndarray, "rounds networks"]
Meter = Callable[[nn.Module, torch.Tensor], float]
"""Measures one forward pass of a network on a batch of images."""
LATENCY_BATCH = 50
"""Images of one timed forward pass, as in the paper."""
TIMING = 60.0
"""Seconds after which timing a scheme more finely is given up."""
_WARM_UP = 10
_ENOUGH = 65  # pixels along a side: every stride and pooling still has something to do


def count_parameters(network: nn.Module) -> int:
    """How many numbers of ``network`` are learned, buffers left out."""
    return sum(parameter.numel() for parameter in network.parameters())


def parameters_of(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Learnable numbers of ``network``, whatever images it takes."""
    del image_shape
    return count_parameters(network)


def effective_parameters(spec: NetworkSpec, schemes: Schemes) -> Int64[np.ndarray, " schemes"]:
    """Learnable numbers of each scheme's network, SAMs that it doesn't use left out."""
    network = spec.build(torch.Generator())
    counts = np.full(len(schemes), count_parameters(network.backbone), dtype=np.int64)
    owners = [network.used_owners(block) for block in np.eye(schemes.shape[1], dtype=bool)]
    for owner, module in network.attention.items():
        users = [block for block, used in enumerate(owners) if owner in used]
        counts += schemes[:, users].any(axis=1) * count_parameters(module)
    return counts


@numerical_state()
def count_flops(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Floating-point operations of one image's forward pass, two for each multiply-add.

    Convolutions and matrix products count, as in torch's own counter; batch norm,
    ReLU, pooling and element-wise products (all that SGE does) do not, nor what the counter has
    no formula for: Fourier transforms, bilinear layers. A network on the meta device, which has
    no numbers, is counted as well.
    """
    device = next(network.parameters()).device
    with torch.inference_mode(), _unfused(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *image_shape, device=device))
    return int(counter.get_total_flops())


@contextmanager
def _unfused() -> Iterator[None]:
    """Have products show that torch otherwise fuses: on CPUs those of LSTMs and transformers."""
    onednn, fast = torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled()
    # Its `flags` warn of GPUs that aren't there.
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # typed as what gives it
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = onednn
        torch.backends.mha.set_fastpath_enabled(fast)


@numerical_state()
def check_fit(spec: NetworkSpec, image_shape: tuple[int, int, int]) -> None:
    """Push an image through every block and every SAM of ``spec``, whatever the blocks' weights.

    On the CPU that is faster than on torch's meta device, which imports its compiler first.
    Networks with a task's own head take images of any size, so a small part of one will do.

    Raises:
        UsageError: backbone, SAM, sharing and images don't fit; or no answer could be relied on,
            since a row's result of a SAM depends on the rows beside it, or is another one where
            it is made in place.
    """
    network = spec.build(None).eval()
    inner_norms(network)  # refuses those that no scheme could be scored with
    channels, *sides = image_shape
    if spec.head is not None:
        sides = [min(side, _ENOUGH) for side in sides]
    shapes: dict[Attention, torch.Size] = {}

    def look(module: Attention, inputs: tuple[torch.Tensor, State]) -> None:
        shapes[module] = inputs[0].shape

    for stage in range(len(network.spec.widths)):
        network.attention_of(network.spec.blocks_of(stage).start).register_forward_pre_hook(look)
    with torch.inference_mode():
        network(torch.zeros(1, channels, *sides), [True] * spec.backbone.blocks)
        for module, (_, *shape) in shapes.items():
            _check_promises(module, shape)


def _check_promises(attention: Attention, shape: Sequence[int]) -> None:
    """Look whether a row's result is the same alone, beside another, in place, but for rounding."""
    generator = torch.Generator().manual_seed(0)
    for parameter in attention.parameters():  # initial ones may hide it
        if parameter.is_floating_point():
            parameter.normal_(generator=generator)
    given = torch.randn(2, *shape, generator=generator)
    features = given.clone()
    together, _ = attention(features, None)
    kept = torch.equal(features, given)
    alone, _ = attention(given[:1], None)
    if not _close(together[:1], alone):
        raise UsageError(
            f"{type(attention).__name__}: expected a row's result to depend on that row alone, "
            "received a module in which it depends on the rows beside it, or on chance, in "
            "evaluation mode; its batch norms need running statistics"
        )
    attention.rescale_(features, None)
    if not kept or not _close(features, together):
        raise UsageError(
            f"{type(attention).__name__}: expected rescale_ to leave in its features' place what "
            "forward makes in a new tensor, received other values"
        )


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-3, atol=1e-3, equal_nan=True)


def machine_name(device: str) -> str:
    """The processor that latencies were measured on."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, 1 thread"
    return f"{platform.processor() or platform.machine()}, 1 thread"


@numerical_state()
def measure_costs(
    spec: NetworkSpec,
    bits: str,
    image_shape: tuple[int, int, int],
    *,
    device: str = "cpu",
    rounds: int = 120,
    batch: int = LATENCY_BATCH,
    confidence: float = 0.95,
    more_seconds: float = 0.0,
) -> CostRecord:
    """Measure the network of one scheme beside Original and Full-SA.

    Args:
        spec: backbone and SAMs.
        bits: the scheme.
        image_shape: channels, height, width of an image.
        device: where costs are sampled; on the CPU with one thread.
        rounds: samples of each of the three networks, at least.
        batch: images of one sampled forward pass.
        confidence: of the intervals of increments.
        more_seconds: seconds in which as many rounds again may follow, and again, while an
            interval is wider than ± `LATENCY_TARGET`; several sampled costs share them.
    """
    supernet = spec.build(torch.Generator())
    network = _built(spec, bits)
    measures = {c.name: Measure(c.counted(network, image_shape)) for c in exact_costs()}
    sampled = sampled_costs()
    with single_thread():
        images = torch.zeros(batch, *image_shape, device=device)
        for cost in sampled:
            sample = partial(_both_ways, spec, bits, images, rounds, referred(cost.meter))
            allowed = more_seconds / len(sampled)
            measures[cost.name] = _sampled(sample, confidence, allowed)
    return CostRecord(bits, count_parameters(supernet), measures)


def _sampled(sample: Callable[[], Samples], confidence: float, more_seconds: float) -> Measure:
    """Rounds of ``sample``, and again while an interval is too wide and there is time."""
    started = perf_counter()
    values = sample()
    measure = _measure(values, confidence)
    while not _narrow(measure) and perf_counter() - started < more_seconds:
        values = np.vstack([values, sample()])
        measure = _measure(values, confidence)
    return measure


def _built(spec: NetworkSpec, bits: str) -> SchemeNetwork:
    return SchemeNetwork(spec.build(torch.Generator()), bits_scheme(bits)).eval()


def _both_ways(
    spec: NetworkSpec,
    bits: str,
    images: Float[torch.Tensor, "n c h w"],
    rounds: int,
    meter: Meter,
) -> Samples:
    """Samples of the scheme, Original and Full-SA, half of the rounds in the opposite order.

    Networks built first are faster by up to a point whatever they are. Rounds of one build
    share that, which intervals over rounds don't know; built both ways it cancels.
    """
    schemes = (bits, "0" * len(bits), "1" * len(bits))
    later = rounds // 2
    forth = _interleaved([_built(spec, one) for one in schemes], images, rounds - later, meter)
    if later == 0:
        return forth
    back = _interleaved([_built(spec, one) for one in reversed(schemes)], images, later, meter)
    return np.vstack([forth, back[:, ::-1]])


@torch.inference_mode()
def _interleaved(
    networks: Sequence[nn.Module],
    images: Float[torch.Tensor, "n c h w"],
    rounds: int,
    meter: Meter,
) -> Samples:
    for network in networks:
        network.to(images.device)
        for _ in range(min(_WARM_UP, rounds)):
            network(images)
    samples = np.empty((rounds, len(networks)))
    for turn in range(rounds):
        order = range(len(networks)) if turn % 2 == 0 else reversed(range(len(networks)))
        for index in order:
            samples[turn, index] = meter(networks[index], images)
    return samples


def timed(network: nn.Module, images: Float[torch.Tensor, "n c h w"]) -> float:
    """Milliseconds of one forward pass, which the device has finished by then."""
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
    started = perf_counter()
    network(images)
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
    return 1e3 * (perf_counter() - started)


def _measure(samples: Samples, confidence: float) -> Measure:
    increments = (_increment(samples, reference, confidence) for reference in (1, 2))
    return Measure(float(np.median(samples[:, 0])), *increments)


def _narrow(measure: Measure) -> bool:
    increments = (measure.increment, measure.increment_over_full)
    return all(half_width(one) <= LATENCY_TARGET for one in increments if one is not None)


def _increment(samples: Samples, reference: int, confidence: float) -> Interval:
    """The first network's samples relative to those of ``reference``, minus 1."""
    ratios = samples[:, 0] / samples[:, reference]
    low, high = median_bounds(ratios, confidence)
    return Interval(float(np.median(ratios)) - 1, low - 1, high - 1)


def median_bounds(values: Float64[np.ndarray, " n"], confidence: float) -> tuple[float, float]:
    """Bounds of the median from order statistics (the sign test's interval)."""
    ordered = np.sort(values)
    below = int(binom.ppf((1 - confidence) / 2, len(ordered), 0.5))
    below = max(below - 1, 0)
    return float(ordered[below]), float(ordered[len(ordered) - 1 - below])

"""All benchmarks of speed, in the order in which they are shown."""

from benchmark.speed.base import Benchmark
from benchmark.speed.crowd import (
    BlocksMemory,
    BlocksTime,
    DensityAdaptive,
    DensityWide,
    DensityWindow,
)
from benchmark.speed.cuda import CudaResNet38, CudaResNet50, CudaResNet164
from benchmark.speed.footprint import TreeMemory
from benchmark.speed.report_costs import ReportSize, ReportThousand, ReportTime
from benchmark.speed.resume import Resume
from benchmark.speed.searches import RunnerOverhead, TenStrategies
from benchmark.speed.segmentation import ConfusionCounts
from benchmark.speed.trees import (
    DigitsRecalibrated,
    DigitsRunning,
    ResNet38Blocks,
    ResNet38Cached,
    ResNet38Plain,
    ResNet38Recalibrated,
    ResNet38Strong,
    ResNet164Plain,
    ResNet164Strong,
)
from benchmark.speed.workers import LokyCall, RayCall, TwoWorkers

BENCHMARKS: dict[str, type[Benchmark]] = {
    kind.name: kind
    for kind in (
        ResNet38Plain,
        ResNet38Strong,
        ResNet38Cached,
        ResNet38Blocks,
        ResNet38Recalibrated,
        ResNet164Plain,
        ResNet164Strong,
        DigitsRecalibrated,
        DigitsRunning,
        TreeMemory,
        RunnerOverhead,
        TenStrategies,
        TwoWorkers,
        LokyCall,
        RayCall,
        ReportTime,
        ReportSize,
        ReportThousand,
        Resume,
        DensityWindow,
        DensityWide,
        DensityAdaptive,
        BlocksTime,
        BlocksMemory,
        ConfusionCounts,
        CudaResNet38,
        CudaResNet50,
        CudaResNet164,
    )
}
"""By name."""

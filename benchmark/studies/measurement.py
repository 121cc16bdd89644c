"""Costs of trained schemes, timed as finely as their verdicts need."""

from collections.abc import Generator, Mapping, Sequence
from time import perf_counter

from benchmark.planning.plan import Plan
from benchmark.records.run import CostRecord, StandaloneRecord
from benchmark.records.verdicts import judge
from benchmark.standalone.costs import TIMING, measure_costs


def measure_schemes(
    plan: Plan,
    schemes: Sequence[str],
    standalone: Sequence[StandaloneRecord],
    known: Mapping[str, CostRecord],
) -> Generator[CostRecord, None, None]:
    """Yield the costs of ``schemes`` that are not ``known`` yet, each as it gets measured.

    Where a verdict is open for nothing but a sampled cost, the scheme is measured once more and
    more finely, and only that measurement counts. All of these together take up to `TIMING`
    seconds, and no longer than the trainings took.

    Args:
        plan: networks, images, device, confidence.
        schemes: as bits; Full-SA, which all are compared with, is measured first.
        standalone: what the schemes reached.
        known: costs measured earlier on this machine.
    """
    costs = dict(known)
    spent = sum(record.seconds for record in standalone)
    more_seconds = 0.0 if plan.settings.smoke else min(TIMING, spent)
    missing = [bits for bits in schemes if bits not in known]
    for bits in sorted(missing, key=lambda bits: bits != plan.full):
        cost = _measure(plan, bits, more_seconds=0.0)
        costs[bits] = cost
        if more_seconds > 0 and _hangs_on_costs(plan, bits, standalone, costs):
            started = perf_counter()
            cost = costs[bits] = _measure(plan, bits, more_seconds=more_seconds)
            more_seconds -= perf_counter() - started
        yield cost


def _measure(plan: Plan, bits: str, *, more_seconds: float) -> CostRecord:
    return measure_costs(
        plan.network,
        bits,
        plan.task.image_shape,
        device=plan.settings.device,
        confidence=plan.settings.confidence,
        more_seconds=more_seconds,
        **plan.timing(),
    )


def _hangs_on_costs(
    plan: Plan,
    bits: str,
    standalone: Sequence[StandaloneRecord],
    costs: Mapping[str, CostRecord],
) -> bool:
    settings = plan.settings
    verdicts = judge(
        standalone, list(costs.values()), confidence=settings.confidence, rule=settings.rule
    )
    return any(verdict.bits == bits and verdict.hangs_on for verdict in verdicts)

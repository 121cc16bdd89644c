"""Costs by hand."""

from dataclasses import replace

from benchmark.records.costs import FLOPS, PARAMETERS, TIME
from benchmark.records.run import CostRecord, Interval, Measure


def cost_record(  # noqa: PLR0917 - as the record was once
    bits: str,
    as_built: int,
    parameters: int,
    flops: int,
    milliseconds: float,
    increment: Interval,
    increment_over_full: Interval,
) -> CostRecord:
    """What the built-in costs measure of a network."""
    time = Measure(milliseconds, increment, increment_over_full)
    measures = {FLOPS.name: Measure(flops), PARAMETERS.name: Measure(parameters), TIME.name: time}
    return CostRecord(bits, as_built, measures)


def parameters_of(record: CostRecord) -> float:
    """How many parameters it has."""
    return record.measures[PARAMETERS.name].value


def flops_of(record: CostRecord) -> float:
    """How many floating-point operations an image takes."""
    return record.measures[FLOPS.name].value


def time_of(record: CostRecord) -> Measure:
    """How long inference takes."""
    return record.measures[TIME.name]


def timed(record: CostRecord, **changes: float | Interval) -> CostRecord:
    """The same with another time, or another interval of it."""
    time = replace(time_of(record), **changes)  # type: ignore[arg-type]
    return replace(record, measures=record.measures | {TIME.name: time})

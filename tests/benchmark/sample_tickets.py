"""Ticket files by hand."""

from collections.abc import Sequence

from benchmark.records.noise import paired_difference, residual_noise, test_scores
from benchmark.records.run import CostRecord, Interval, StandaloneRecord
from benchmark.records.ticket import Claim, Ticket
from benchmark.records.verdicts import judge
from tests.costs import cost_record

SCHEME, FULL = "1000", "1111"
FASTER, NO_FASTER = (-0.2, -0.1), (0.05, 0.06)


def trained(bits: str, *accuracies: float, first: int = 0) -> list[StandaloneRecord]:
    """One training a seed, from ``first`` on."""
    return [
        StandaloneRecord(bits, seed, accuracy, accuracy, 0.1, 1.0)
        for seed, accuracy in enumerate(accuracies, start=first)
    ]


def costs(
    latency: tuple[float, float] = FASTER, *, parameters: int = 100
) -> tuple[CostRecord, CostRecord]:
    """Of the scheme and of Full-SA, which has 120 parameters."""
    low, high = latency
    ratio = Interval((low + high) / 2, low, high)
    none = Interval(0.0, -0.01, 0.01)
    return (
        cost_record(SCHEME, 120, parameters, 1_000, 5.0, ratio, ratio),
        cost_record(FULL, 120, 120, 1_200, 6.0, none, none),
    )


def made_ticket(
    trainings: Sequence[StandaloneRecord], latency: tuple[float, float] = FASTER
) -> Ticket:
    """A ticket file of these trainings."""
    verdict = judge(trainings, costs(latency))[0]
    scores = test_scores(trainings)
    noise = residual_noise(scores)
    return Ticket(
        scheme=SCHEME,
        blocks_per_stage=(2, 2),
        settings={"task": "digits"},
        network={},
        recipe={},
        task={"fingerprint": "f00d"},
        trainings=tuple(trainings),
        noise=noise,
        costs=costs(latency),
        machine="a machine",
        claim=Claim(
            word=verdict.word,
            rule="interval",
            confidence=0.95,
            reason=verdict.reason,
            paper_rule=verdict.paper_rule,
            difference=verdict.difference,
            over_original=paired_difference(scores, SCHEME, "0000", noise),
        ),
        environment={"code": "c0de"},
    )


REACHED = trained(SCHEME, 0.95, 0.96, 0.955) + trained(FULL, 0.90, 0.91, 0.906)
TICKET = made_ticket(REACHED)

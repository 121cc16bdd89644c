"""What repeated evidence says of a ticket file: pure, from numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isclose, isnan
from typing import Literal

from benchmark.records.costs import COSTS, ExactCost
from benchmark.records.noise import Noise, paired_difference, test_scores
from benchmark.records.rules import Rule
from benchmark.records.run import CostRecord, Interval, StandaloneRecord
from benchmark.records.ticket import Ticket
from benchmark.records.verdicts import Verdict, judge

Outcome = Literal["holds", "doesn't hold", "can't be checked"]


@dataclass(frozen=True)
class Comparison:
    """One quantity as the ticket has it and as it was found here.

    Attributes:
        name: of the quantity.
        kind: how it is written.
        stated: in the ticket.
        found: here; None where it wasn't looked for.
        agrees: None where it need not.
    """

    name: str
    kind: Literal["accuracy", "difference", "ratio", "count", "word"]
    stated: float | int | str | Interval | None
    found: float | int | str | Interval | None
    agrees: bool | None


@dataclass(frozen=True)
class Verification:
    """Whether a ticket holds.

    Attributes:
        outcome: the answer.
        reason: why, in words.
        comparisons: everything that was looked at.
    """

    outcome: Outcome
    reason: str
    comparisons: tuple[Comparison, ...] = field(default=())


def self_check(ticket: Ticket) -> Verification | None:
    """Whether the ticket's verdict and difference follow from its own numbers by its own rule."""
    verdict = _judged(ticket, ticket.trainings, ticket.costs, ticket.noise)
    if verdict.word != ticket.claim.word:
        numbers = f"{verdict.word} ({verdict.reason})"
        reason = f"its own numbers say {numbers}, it says {ticket.claim.word}"
        return Verification("doesn't hold", reason)
    if not _equal(verdict.difference, ticket.claim.difference):
        reason = "its accuracy minus Full-SA doesn't follow from its own scores"
        return Verification("doesn't hold", reason)
    return None


def _equal(one: Interval | None, other: Interval | None) -> bool:
    """But for the last digits, which another version of SciPy may round otherwise."""
    if one is None or other is None:
        return one is other
    ends = zip((one.center, one.low, one.high), (other.center, other.low, other.high), strict=True)
    return all(isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in ends)


def checked(
    ticket: Ticket,
    repeated: Sequence[StandaloneRecord],
    costs: Sequence[CostRecord],
    *,
    same_kind: bool,
    fresh: bool,
) -> Verification:
    """What ``repeated`` and ``costs`` say.

    Trainings with the ticket's own seeds must give its scores exactly where code, torch
    and kind of machine are the same. Elsewhere rounding makes them other trainings of the
    same kind: their difference to Full-SA must lie within ±t·sqrt(4·s²/K) of the ticket's,
    s² the ticket's noise and K the repeated seeds, which chance alone misses in one case of
    twenty at 95% confidence. Verdicts are then made again, from the repeated scores (with
    fresh seeds from nothing else) and the costs measured here.

    Args:
        ticket: as read.
        repeated: trainings of its schemes.
        costs: of its scheme and Full-SA, measured here.
        same_kind: whether code and kind of machine are the ticket's.
        fresh: whether the seeds are others than the ticket's.
    """
    rows = [] if fresh else _score_rows(ticket, repeated, same_kind=same_kind)
    rows += _cost_rows(ticket, costs)
    if fresh:
        verdict = _judged(ticket, repeated, costs, None)
        rows.append(_gap_row(ticket.claim.difference, verdict.difference, agrees=None))
    else:
        there = {(record.bits, record.seed): record for record in ticket.trainings}
        there |= {(record.bits, record.seed): record for record in repeated}
        verdict = _judged(ticket, list(there.values()), costs, ticket.noise)
        rows.append(_repeated_gap(ticket, repeated))
    rows.append(Comparison("verdict", "word", ticket.claim.word, verdict.word, None))
    outcome, reason = _answer(ticket, verdict, rows, repeated, same_kind=same_kind, fresh=fresh)
    return Verification(outcome, reason, tuple(rows))


def _answer(
    ticket: Ticket,
    verdict: Verdict,
    rows: Sequence[Comparison],
    repeated: Sequence[StandaloneRecord],
    *,
    same_kind: bool,
    fresh: bool,
) -> tuple[Outcome, str]:
    wrong = [row.name for row in rows if row.agrees is False]
    if wrong:
        where = "on the same code and kind of machine" if same_kind else "here"
        return "doesn't hold", f"other values {where}: {', '.join(wrong)}"
    stated, found = ticket.claim.word, verdict.word
    if "undecided" not in (stated, found) and stated != found:
        return "doesn't hold", f"it says {stated}; here: {found} ({verdict.reason})"
    if found == "undecided" != stated:
        return "can't be checked", f"it says {stated}; here undecided: {verdict.reason}"
    seeds = len({record.seed for record in repeated})
    what = f"{stated}, {seeds} {'fresh ' if fresh else ''}seed{'s' if seeds > 1 else ''}"
    if fresh:
        return "holds", f"{what} {'say' if seeds > 1 else 'says'} {found}"
    exact = all(row.stated == row.found for row in rows if row.kind == "accuracy")
    return "holds", f"{what} repeated {'exactly' if exact else 'within the interval'}"


def _judged(
    ticket: Ticket,
    trainings: Sequence[StandaloneRecord],
    costs: Sequence[CostRecord],
    noise: Noise | None,
) -> Verdict:
    claim = ticket.claim
    rule = Rule.read(claim.rule)
    verdicts = judge(trainings, costs, confidence=claim.confidence, rule=rule, noise=noise)
    return next(verdict for verdict in verdicts if verdict.bits == ticket.scheme)


def _score_rows(
    ticket: Ticket, repeated: Sequence[StandaloneRecord], *, same_kind: bool
) -> list[Comparison]:
    there = {(record.bits, record.seed): record.test_accuracy for record in ticket.trainings}
    rows = []
    for record in repeated:
        stated = there.get((record.bits, record.seed))
        if stated is None:
            continue
        found = record.test_accuracy
        same = stated == found or (isnan(stated) and isnan(found))
        name = f"{_name(ticket, record.bits)}, seed {record.seed}"
        agrees = same if same_kind or isnan(stated) or isnan(found) else None
        rows.append(Comparison(name, "accuracy", _number(stated), _number(found), agrees))
    return rows


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _name(ticket: Ticket, bits: str) -> str:
    if bits == ticket.scheme:
        return "scheme"
    return "Full-SA" if "1" in bits else "Original"


def _repeated_gap(ticket: Ticket, repeated: Sequence[StandaloneRecord]) -> Comparison:
    """The difference to Full-SA over the repeated seeds, there and here."""
    seeds = {record.seed for record in repeated}
    full = "1" * len(ticket.scheme)
    stated, found = (
        paired_difference(
            test_scores([record for record in records if record.seed in seeds]),
            ticket.scheme,
            full,
            ticket.noise,
            ticket.claim.confidence,
        )
        for records in (ticket.trainings, repeated)
    )
    if stated is None or found is None:
        return _gap_row(stated, found, agrees=stated is found)
    shared = len(seeds)
    half = ticket.noise.half_width(4 / shared, ticket.claim.confidence)
    agrees = stated.center == found.center or abs(stated.center - found.center) <= half
    return _gap_row(stated, found, agrees=agrees if half < inf else None)


def _gap_row(stated: Interval | None, found: Interval | None, *, agrees: bool | None) -> Comparison:
    return Comparison("accuracy minus Full-SA", "difference", stated, found, agrees)


def _cost_rows(ticket: Ticket, costs: Sequence[CostRecord]) -> list[Comparison]:
    """A row for each number of each cost that the ticket states."""
    theirs = ticket.cost(ticket.scheme)
    ours = next(cost for cost in costs if cost.bits == ticket.scheme)
    rows = []
    for cost in COSTS.values():
        stated, found = cost.of(theirs), cost.of(ours)
        if stated is None:
            continue
        if isinstance(cost, ExactCost):
            value = None if found is None else found.value
            agrees = stated.value == value if cost.verified else None
            rows.append(Comparison(cost.words, "count", stated.value, value, agrees))
            continue
        for name, part in (("Full-SA", "increment_over_full"), ("Original", "increment")):
            there, here = (getattr(one, part, None) for one in (stated, found))
            rows.append(Comparison(f"{cost.name} over {name}", "ratio", there, here, None))
    return rows

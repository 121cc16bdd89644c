from collections.abc import Sequence

import pytest

from benchmark.records.run import Interval, StandaloneRecord
from benchmark.records.ticket import Ticket
from benchmark.records.ticket_check import Verification, checked, self_check
from tests.benchmark.sample_tickets import (
    FASTER,
    FULL,
    NO_FASTER,
    REACHED,
    SCHEME,
    TICKET,
    costs,
    made_ticket,
    trained,
)


def repeat(
    records: Sequence[StandaloneRecord],
    latency: tuple[float, float] = FASTER,
    *,
    ticket: Ticket = TICKET,
    same_kind: bool = True,
    parameters: int = 100,
) -> Verification:
    found = costs(latency, parameters=parameters)
    return checked(ticket, records, found, same_kind=same_kind, fresh=False)


def fresh(*accuracies: float, latency: tuple[float, float] = FASTER) -> Verification:
    full = trained(FULL, 0.90, 0.91, 0.906, first=3)
    records = trained(SCHEME, *accuracies, first=3) + full
    return checked(TICKET, records, costs(latency), same_kind=False, fresh=True)


def test_the_same_scores_hold() -> None:
    found = repeat(REACHED)
    assert (found.outcome, found.reason) == ("holds", "ticket, 3 seeds repeated exactly")
    assert [row.agrees for row in found.comparisons if row.kind == "accuracy"] == [True] * 6


def test_one_seed_repeated_exactly_is_enough_to_look_quickly() -> None:
    first = [record for record in REACHED if record.seed == 0]
    assert repeat(first).reason == "ticket, 1 seed repeated exactly"


def test_another_score_on_the_same_code_and_machine_does_not_hold() -> None:
    others = trained(SCHEME, 0.95, 0.96, 0.9551) + REACHED[3:]
    found = repeat(others)
    assert found.outcome == "doesn't hold"
    assert found.reason == "other values on the same code and kind of machine: scheme, seed 2"


def test_elsewhere_scores_may_differ_as_trainings_do() -> None:
    # Differences 0.05, 0.05, 0.049: s² = 10⁻⁶ / 6 at 2 degrees of freedom, t = 4.303.
    limit = TICKET.noise.half_width(4 / 3)
    assert limit == pytest.approx(4.303 * (4 / 3 * 1e-6 / 6) ** 0.5, rel=1e-3)
    for shift, outcome in ((0.9 * limit, "holds"), (-1.1 * limit, "doesn't hold")):
        moved = trained(SCHEME, *(value + shift for value in (0.95, 0.96, 0.955))) + REACHED[3:]
        found = repeat(moved, same_kind=False)
        assert found.outcome == outcome
        words = "repeated within the interval" if shift > 0 else "other values here: accuracy minus"
        assert words in found.reason


def test_a_training_that_diverges_here_alone_does_not_hold() -> None:
    lost = trained(SCHEME, 0.95, 0.96, float("nan")) + REACHED[3:]
    assert repeat(lost, same_kind=False).outcome == "doesn't hold"
    diverged = made_ticket(lost)
    assert diverged.claim.word == "undecided"
    assert repeat(lost, ticket=diverged).outcome == "holds"


def test_other_parameters_do_not_hold() -> None:
    assert repeat(REACHED, parameters=101).reason.endswith("kind of machine: parameters")


def test_where_the_scheme_is_no_faster_the_ticket_does_not_hold() -> None:
    found = repeat(REACHED, NO_FASTER)
    assert found.outcome == "doesn't hold"
    assert found.reason == "it says ticket; here: not a ticket (no faster)"


def test_a_machine_too_noisy_to_time_on_can_not_check_it() -> None:
    found = repeat(REACHED, (-0.2, 0.1))
    assert found.outcome == "can't be checked"
    assert found.reason == "it says ticket; here undecided: too noisy to time (±15.0 points)"


def test_what_says_undecided_holds_whatever_is_decided_here() -> None:
    open_ = made_ticket(REACHED, (-0.2, 0.1))
    assert repeat(REACHED, ticket=open_).outcome == "holds"
    assert repeat(REACHED, NO_FASTER, ticket=open_).outcome == "holds"


@pytest.mark.parametrize(
    ("accuracies", "outcome", "words"),
    [
        ((0.95, 0.96, 0.955), "holds", "ticket, 3 fresh seeds say ticket"),
        ((0.85, 0.86, 0.855), "doesn't hold", "it says ticket; here: not a ticket"),
        ((0.92, 0.90, 0.91), "can't be checked", "here undecided: accuracy interval includes"),
    ],
)
def test_fresh_seeds_judge_alone(accuracies: tuple[float, ...], outcome: str, words: str) -> None:
    found = fresh(*accuracies)
    assert found.outcome == outcome
    assert words in found.reason


def test_a_verdict_must_follow_from_the_tickets_own_numbers() -> None:
    assert self_check(TICKET) is None
    false = TICKET.model_copy(update={"claim": made_ticket(REACHED, NO_FASTER).claim})
    found = self_check(false)
    assert found is not None
    assert found.outcome == "doesn't hold"
    assert found.reason.startswith("its own numbers say ticket")


def test_a_difference_must_follow_from_the_tickets_own_scores() -> None:
    unbounded = made_ticket(trained(SCHEME, 0.9) + trained(FULL, 0.91))
    for ticket in (TICKET, unbounded):
        assert self_check(ticket) is None
        gap = Interval(0.3, 0.29, 0.31)
        false = ticket.claim.model_copy(update={"difference": gap})
        found = self_check(ticket.model_copy(update={"claim": false}))
        assert found is not None
        assert found.reason == "its accuracy minus Full-SA doesn't follow from its own scores"

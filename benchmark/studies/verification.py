"""Repeating the evidence of a ticket file on this machine."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import MISSING, asdict, fields
from typing import Any

from benchmark.basics.numerical_state import numerical_state
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.run import CostRecord, StandaloneRecord
from benchmark.records.ticket import Ticket
from benchmark.records.ticket_check import Verification, checked, self_check
from benchmark.standalone.costs import TIMING, measure_costs
from benchmark.standalone.training import train_all
from benchmark.storage.store import Store
from benchmark.studies.tickets import network_facts
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from tasks.recipes import Recipe

_KIND = ("code", "torch", "processor", "system")
"""Where these are equal, the same seed gives the same bytes."""


@numerical_state()
def verify(
    ticket: Ticket,
    *,
    cache: Store,
    workers: WorkerPool,
    progress: Progress | None = None,
    fresh: int | None = None,
    quick: bool = False,
    **settings: Any,
) -> Verification:
    """Train the ticket's schemes again, measure what they cost here, and judge again.

    Args:
        ticket: as read.
        cache: where repeated trainings are kept, so that the same call after a stop goes on.
        workers: processes.
        progress: shows what is running.
        fresh: train so many seeds that the ticket doesn't have, instead of its own.
        quick: repeat only the first seed, and time no further.
        **settings: where the data are and the device, where they differ from the ticket's.

    Raises:
        UsageError: settings that this machine or this version can't serve.
        DataError: the task's files are missing, damaged or of another format.
    """
    plan = Plan(Settings(**(ticket.settings | settings)), cache=cache.path.parent)
    if found := self_check(ticket) or other_premises(ticket, plan):
        return found
    environment = plan.environment(workers)
    schemes = list(dict.fromkeys([ticket.scheme, plan.full, plan.original]))
    seeds = list(ticket.seeds)
    if fresh is not None:
        seeds = [max(seeds) + 1 + number for number in range(fresh)]
    repeated = _train(
        plan,
        schemes,
        seeds[:1] if quick else seeds,
        identity=_identity(plan, ticket, fresh=fresh is not None),
        cache=cache,
        workers=workers,
        progress=NoProgress() if progress is None else progress,
    )
    return checked(
        ticket,
        repeated,
        _measure(plan, ticket, more_seconds=0.0 if quick or plan.settings.smoke else TIMING),
        same_kind=all(ticket.environment.get(name) == environment[name] for name in _KIND),
        fresh=fresh is not None,
    )


def other_premises(ticket: Ticket, plan: Plan) -> Verification | None:
    """What stands in the way of repeating it, if anything."""
    here = plan.task.facts()
    if here != ticket.task:
        there, found = (facts.get("fingerprint", facts) for facts in (ticket.task, here))
        reason = f"data differ (fingerprint {there}, here {found})"
        return Verification("can't be checked", reason)
    ours = {"network": network_facts(plan), "recipe": asdict(plan.training.recipe)}
    # What a ticket of an older version doesn't name was as by default.
    recipe = {f.name: f.default for f in fields(Recipe) if f.default is not MISSING}
    theirs = {"network": ticket.network, "recipe": recipe | ticket.recipe}
    if _as_json(ours) != _as_json(theirs):
        reason = "this version makes another network or recipe of the ticket's settings"
        return Verification("can't be checked", reason)
    return None


def _as_json(value: Any) -> Any:
    """The value as it comes back from a file of JSON: lists for tuples."""
    return json.loads(json.dumps(value))


def _identity(plan: Plan, ticket: Ticket, *, fresh: bool) -> str:
    """Under which results are kept: a repetition must not find what it repeats."""
    identity = plan.training.identity(plan.task)
    return identity if fresh else f"{identity} for ticket {ticket.checksum}"


def _train(
    plan: Plan,
    schemes: Sequence[str],
    seeds: Sequence[int],
    *,
    identity: str,
    cache: Store,
    workers: WorkerPool,
    progress: Progress,
) -> list[StandaloneRecord]:
    records = []
    with (
        progress.stage("Training again", len(schemes) * len(seeds), "networks") as advance,
        closing(
            train_all(
                plan.training, schemes, seeds, identity=identity, cache=cache, workers=workers
            )
        ) as trained,
    ):
        for record in trained:
            records.append(record)
            advance(1)
    order = {bits: place for place, bits in enumerate(schemes)}
    return sorted(records, key=lambda record: (order[record.bits], record.seed))


def _measure(plan: Plan, ticket: Ticket, *, more_seconds: float) -> list[CostRecord]:
    """Costs of the scheme and of Full-SA, whose parameters it is compared with."""
    common: dict[str, Any] = {
        "device": plan.settings.device,
        "confidence": ticket.claim.confidence,
        **plan.timing(),
    }
    shape = plan.task.image_shape
    full = measure_costs(plan.network, plan.full, shape, **(common | {"rounds": 2}))
    return [
        measure_costs(plan.network, ticket.scheme, shape, more_seconds=more_seconds, **common),
        full,
    ]

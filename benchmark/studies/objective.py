"""Objectives with the facts of the networks that their rewards need."""

from typing import TYPE_CHECKING, Any

from benchmark.basics.errors import UsageError
from benchmark.basics.names import referred
from benchmark.planning.settings import Settings
from benchmark.records.objective import Objective, objective_class
from benchmark.storage.folder import OBJECTIVE_FACTS
from benchmark.storage.store import Store

if TYPE_CHECKING:  # networks take torch, which known answers do without
    from benchmark.planning.plan import Plan


def provided_objective(plan: "Plan", store: Store) -> Objective:
    """The objective of a run; what it needs is found out once and then read from ``store``."""
    facts: dict[str, Any] = store.fact(OBJECTIVE_FACTS, {})
    needs = objective_class(plan.settings.objective).needs
    if missing := {name: reference for name, reference in needs.items() if name not in facts}:
        facts |= {name: referred(reference)(plan) for name, reference in missing.items()}
        store.set_fact(OBJECTIVE_FACTS, facts)
    return Objective.of(dict(plan.settings), facts)


def refuse_objective_needs(settings: Settings) -> None:
    """Refuse an objective that needs facts of networks where there are none.

    Raises:
        UsageError: it does.
    """
    if needs := objective_class(settings.objective).needs:
        raise UsageError(
            f"objective {settings.objective!r} needs {' and '.join(needs)} of networks, and "
            "--oracle has none; choose another --objective, or run without --oracle"
        )

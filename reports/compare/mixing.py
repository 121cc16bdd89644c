"""What several runs may be compared in, and what may not be mixed unless told to."""

from collections.abc import Callable, Collection, Sequence
from typing import Literal, get_args

from benchmark.basics.errors import UsageError
from reports.numbers.member import Member
from reports.tables.formats import words

Mix = Literal["splits", "objectives", "budgets", "code"]
MIXES: tuple[Mix, ...] = get_args(Mix)
_SHOWN = 8


def check_mix(members: Sequence[Member], allowed: Collection[str] = ()) -> list[str]:
    """What is mixed among ``members``, in sentences for the page.

    Args:
        members: the runs.
        allowed: kinds of `Mix` that are wanted.

    Raises:
        UsageError: something is mixed that is not allowed, or there is no such kind.
    """
    for name in allowed:
        if name not in MIXES:
            raise UsageError(f"--mix: expected some of {', '.join(MIXES)}, received {name!r}")
    said = []
    for kind, find in _FINDERS.items():
        for found in find(members):
            if kind not in allowed:
                raise UsageError(f"{found}; --mix {kind} compares them all the same")
            said.append(f"Mixed on request ({kind}): {found}.")
    return said


def _differing(groups: dict[str, list[str]], name: str) -> str:
    """``12ab34cd in a and b, 56ef78ab in c``."""
    listed = [f"{key[:_SHOWN] or 'unknown'} in {words(labels)}" for key, labels in groups.items()]
    return f"{name}: {', '.join(listed)}"


def _grouped(members: Sequence[Member], key: Callable[[Member], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for member in members:
        groups.setdefault(key(member), []).append(member.label)
    return groups


def _splits(members: Sequence[Member]) -> list[str]:
    found = []
    for task in dict.fromkeys(member.task for member in members):
        groups = _grouped([m for m in members if m.task == task], lambda m: m.splits)
        if len(groups) > 1:
            why = "what one run tests on another may have trained on"
            found.append(_differing(groups, f"{task} is split differently") + f" ({why})")
    return found


def _objectives(members: Sequence[Member]) -> list[str]:
    one = len({member.records.objective.formula for member in members}) == 1

    def said(member: Member) -> str:
        objective = member.records.objective
        # Two may weigh different things by the same λ.
        return objective.brief if one else f"{objective.formula} ({objective.brief})"

    groups = _grouped(members, said)
    listed = [f"{brief} in {words(labels)}" for brief, labels in groups.items()]
    return [f"runs maximise different rewards: {', '.join(listed)}"] if len(groups) > 1 else []


def _budgets(members: Sequence[Member]) -> list[str]:
    """Other budgets on one problem; different problems may well need different budgets."""
    found = []
    problems = list(dict.fromkeys(str(member.traits()) for member in members))
    for problem in problems:
        same = [member for member in members if str(member.traits()) == problem]
        groups = _grouped(same, lambda m: f"{m.budget} evaluations")
        if len(groups) > 1:
            listed = [f"{key} in {words(labels)}" for key, labels in groups.items()]
            found.append(
                f"lanes had different budgets on {same[0].task}: {', '.join(listed)} (a strategy "
                "plans with its budget, so the beginning of a long search is no short one)"
            )
    return found


def _codes(members: Sequence[Member]) -> list[str]:
    found = []
    for kind in dict.fromkeys(member.kind for member in members):
        groups = _grouped([m for m in members if m.kind == kind], lambda m: m.code)
        if len(groups) > 1:
            found.append(
                _differing(groups, "runs were made by different versions of the code or of torch")
            )
    return found


_FINDERS: dict[Mix, Callable[[Sequence[Member]], list[str]]] = {
    "splits": _splits,
    "objectives": _objectives,
    "budgets": _budgets,
    "code": _codes,
}

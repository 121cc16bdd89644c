"""What a comparison says first: who leads, how sure that is, what is missing or mixed."""

from math import isinf

from reports.compare.comparison import Comparison
from reports.compare.tables import machine, state_words
from reports.numbers.member import Member
from reports.numbers.ranks import Ranks
from reports.tables.formats import count, leading, level, plain, some, words


def verdict(comparison: Comparison) -> list[str]:
    """Who leads over cells, then over problems, then what the reader must know."""
    return [
        *_leaders(comparison),
        *_left_out(comparison),
        *_machines(comparison),
    ]


def warnings(comparison: Comparison) -> list[str]:
    """What was mixed on request, and which runs are not finished."""
    unfinished = [
        f"{member.label} is {state_words(member)}{_gaps(member)}."
        for member in comparison.members
        if not member.records.finished
    ]
    return [*comparison.mixed, *unfinished]


def _gaps(member: Member) -> str:
    running = any(lane.state == "running" for lane in member.records.lanes)
    return "; lanes that are still at work are missing cells" if running else ""


def _leaders(comparison: Comparison) -> list[str]:
    problems = len(comparison.problems)
    if len(comparison.shared) < 2:  # noqa: PLR2004 - a rank takes two
        where = "one problem" if problems == 1 else "every problem"
        return [f"Nothing can be ranked: no two strategies were run on {where}."]
    cells = comparison.over_cells
    if not cells.cells:
        return ["Nothing can be ranked: no cell has a result of every strategy that is compared."]
    where = "this problem" if problems == 1 else f"these {problems} problems"
    found = [_leader(cells, f"Over {count(cells.cells, 'cell')} of {where}")]
    if problems == 1:
        return [*found, "There is one problem: nothing is said of others."]
    over = comparison.over_problems
    if not over.cells:
        return [*found, "No problem was finished by every strategy, so none is said of others."]
    across = "With problems as the unit, which is what speaks of others"
    return [*found, _leader(over, f"{across} ({count(over.cells, 'problem')})")]


def _leader(ranks: Ranks, where: str) -> str:
    pairs = list(zip(ranks.strategies, ranks.mean, strict=True))
    first = [name for name, _ in leading(pairs, lambda pair: plain(pair[1].center))]
    name, mean = pairs[0]
    group = next((group for group in ranks.groups if name in group), (name,))
    others = [other for other in group if other not in first]
    it = "it" if len(first) == 1 else "they"
    told = (
        f"{it} can't be told from {some(others)}"
        if others
        else "nobody else was ranked"
        if len(first) == len(pairs)
        else "all others lie further behind than chance explains"
    )
    difference = ranks.critical_difference
    said = "" if isinf(difference) else f", critical difference {plain(difference)}"
    has = "has the best mean rank" if len(first) == 1 else "share the best mean rank"
    return (
        f"{where}, {some(first)} {has}, {plain(mean.center)} of "
        f"{len(ranks.strategies)}; {told} ({level(ranks.confidence)}{said})."
    )


def _left_out(comparison: Comparison) -> list[str]:
    rest = [name for name in comparison.strategies if name not in comparison.shared]
    if not rest:
        return []
    verb = "was" if len(rest) == 1 else "were"
    return [f"{words(rest)} {verb} not run on every problem and {verb} not ranked across them."]


def _machines(comparison: Comparison) -> list[str]:
    timed = [member for member in comparison.members if member.records.costs]
    names = list(dict.fromkeys(machine(member) or "one not named" for member in timed))
    if len(names) < 2:  # noqa: PLR2004 - one machine is no difference
        return []
    said = f"Latencies come from {len(names)} machines ({words(names)})"
    return [f"{said}: a ticket is one on the machine of its run."]

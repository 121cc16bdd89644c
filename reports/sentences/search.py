"""Sentences about the search: who won, by how much, and whether that is more than noise."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmark.records.run import Interval, RunRecords
from reports.numbers.analysis import Analysis
from reports.numbers.landscape import TOP, Find, Landscape
from reports.numbers.ranking import LaneScore, Ranking, Standing
from reports.tables.formats import (
    between,
    bounds,
    count,
    leading,
    p_equals,
    p_value,
    percent,
    plain,
    some,
)

_ROUNDING = 1e-12  # means of equal numbers in another order


def unfinished(analysis: Analysis) -> list[str]:
    """A warning where the run hasn't come to its end, and how far it has come."""
    records = analysis.records
    if records.finished:
        return []
    states = Counter(lane.state for lane in analysis.ranking.lanes)
    lanes = count(len(analysis.ranking.lanes), "lane")
    parts = [f"{states['finished']} of {lanes} finished"]
    parts += [f"{states['running']} not at their end"] * bool(states["running"])
    parts += [f"{states['failed']} failed"] * bool(states["failed"])
    text = f"This run is unfinished: {', '.join([*parts, *_trainings(records)])}"
    return [f"{text}; everything below may change."]


def _trainings(records: RunRecords) -> list[str]:
    """How many trainings are done, once it is known which are to be."""
    proposed = {bits for found in records.candidates.values() for bits in found}
    seeds = int(records.settings.get("standalone_seeds", 0))
    if not proposed or not seeds:
        return []
    blocks = sum(records.blocks_per_stage)
    wanted = proposed | {"0" * blocks, "1" * blocks}
    done = sum(record.bits in wanted for record in records.standalone)
    return [f"{done:,} of {count(len(wanted) * seeds, 'training')} done"]


def winner(analysis: Analysis) -> list[str]:
    """Who leads, by how much, and who can't be told from it."""
    ranking = analysis.ranking
    placed = ranking.placed
    if not placed:
        return [f"No strategy can be ranked: {nothing_found(analysis)}."]
    first, score = leaders(ranking), reached(ranking)
    if len(placed) == 1:
        text = f"Only {placed[0].strategy} can be ranked, so it has nothing to beat: {score}."
        return [text]
    tied = ranking.tied[1:]
    if not tied:
        text = (
            f"{placed[0].strategy} wins: {score}, {lead(placed[1])}. "
            f"This is more than noise against every other strategy ({_p_values(placed[1:])})."
        )
        return [text]
    every = "all " if len(tied) + 1 == len(placed) > 2 else ""  # noqa: PLR2004 - two aren't "all"
    alike = all(same(item.behind) for item in tied)
    why = "their lanes reached the same" if alike else "their differences can't be told from noise"
    ahead = (
        f"Ahead by mean is {placed[0].strategy}: {score}, {lead(placed[1])}."
        if len(first) == 1
        else f"Level{' in front' if len(first) < len(placed) else ''} are {_names(first)}: {score}."
    )
    text = (
        f"No single winner: {every}{_names(ranking.tied)} share rank 1, as {why} "
        f"({_p_values(tied)}). {ahead}"
    )
    return [text, *powerless(ranking), *_beaten(placed[1 + len(tied) :])]


def nothing_found(analysis: Analysis) -> str:
    """Why no strategy has a place, as a clause."""
    records, horizon = analysis.records, analysis.ranking.horizon
    alive = [lane for lane in records.lanes if lane.state != "failed"]
    asked = sum(len(lane.schemes) for lane in alive)
    if records.lanes and not alive:
        return "every lane failed"
    if any(np.isfinite(lane.accuracy).any() for lane in alive):
        return (
            f"within {count(horizon, 'evaluation')}, which is what every lane has had so far, no "
            "lane has found anything"
        )
    if asked:
        return f"no scheme has an answer, as scoring failed each of the {count(asked, 'time')}"
    return f"no lane has found anything{'' if records.finished else ' yet'}"


def leaders(ranking: Ranking) -> list[Standing]:
    """Strategies whose mean best reward, as it is shown, nobody exceeds."""
    return leading(ranking.placed, _shown)


def _shown(item: Standing) -> str:
    assert item.reward is not None
    return plain(item.reward.center * 100)


def _names(standings: Sequence[Standing]) -> str:
    return some([item.strategy for item in standings])


def reached(ranking: Ranking) -> str:
    """The leaders' mean best reward, over how many lanes, within how many evaluations."""
    first = leaders(ranking)
    return (
        f"mean best reward {_shown(first[0])} (×100) over {lanes_words(first)} of "
        f"{count(ranking.horizon, 'evaluation')}"
    )


def lanes_words(standings: Sequence[Standing]) -> str:
    """``5 lanes``, or ``3 to 5 lanes``."""
    lanes = [item.lanes for item in standings]
    return between(min(lanes), max(lanes), "lane")


def same(gap: Interval | None) -> bool:
    """Whether every lane of two strategies reached the same."""
    return gap is not None and max(map(abs, (gap.center, gap.low, gap.high))) < _ROUNDING


def lead(second: Standing) -> str:
    """How far the leader is ahead: the second's interval turned around."""
    gap = second.behind
    if gap is None:
        return f"on other supernets than {second.strategy}"
    turned = Interval(-gap.center, -gap.high, -gap.low)
    return f"{plain(turned.center * 100)} points {bounds(turned)} above {second.strategy}"


def _p_values(standings: Sequence[Standing]) -> str:
    tests = sorted(item.test.p_value for item in standings if item.test is not None)
    if not tests:
        return "they share no supernet, so they can't be tested"
    low, high = p_value(tests[0]), p_value(tests[-1])
    shown = p_equals(tests[0]) if low == high else f"{low} to {high}"
    return f"permutation test, corrected p {shown}"


def powerless(ranking: Ranking) -> list[str]:
    """Few lanes can't show a difference however large it is: say so."""
    tests = [item.test for item in ranking.placed if item.test is not None]
    least = min((test.smallest for test in tests), default=0.0)
    if least < 1 - ranking.confidence:
        return []
    text = (
        "With so few lanes no difference could have counted as more than noise (smallest "
        f"possible corrected p {p_equals(least)}): more strategy seeds are needed."
    )
    return [text]


def _beaten(beaten: Sequence[Standing]) -> list[str]:
    if not beaten:
        return []
    verb = "is" if len(beaten) == 1 else "are"
    names = _names(beaten)
    return [f"{names} {verb} behind the leader by more than noise ({_p_values(beaten)})."]


def landscape(analysis: Analysis) -> list[str]:
    """How close the leader came to the best scheme there is."""
    if not analysis.ranking.placed:
        return []
    leader = analysis.ranking.placed[0].strategy
    own = [find for key, find in analysis.finds.items() if key.strategy == leader]
    if not own:
        return []
    tables = [analysis.landscapes[seed] for seed in {find.key.supernet_seed for find in own}]
    sizes = [len(table.reward) for table in tables]
    every = "all" if all(table.exhaustive for table in tables) else "the tabulated"
    regret = sum(find.regret for find in own) / len(own)
    better = sum(find.better for find in own) / len(own)
    text = (
        f"Among {every} {between(min(sizes), max(sizes), 'scheme')}, {leader}'s best is on average "
        f"{plain(regret * 100)} points below the highest reward, and {plain(better * 100)}% of "
        f"schemes have a higher one. {_top(own, tables)}"
    )
    return [text]


def _top(own: Sequence[Find], tables: Sequence[Landscape]) -> str:
    tops = [find.top for find in own if find.top is not None]
    if not tops:
        return "By oracle accuracy alone all schemes are equally good."
    top = percent(TOP, 0)
    tied = [percent(table.top_share, 0) for table in tables if table.top_tied]
    wider = [f"{share} with those that tie" for share in tied if share != top]
    wide = f" ({max(wider)})" if wider else ""
    return (
        f"By oracle accuracy alone it is among the top {top}{wide} in "
        f"{sum(tops)} of {count(len(tops), 'lane')}."
    )


def failures(ranking: Ranking) -> list[str]:
    """Lanes that broke off or found nothing, strategy by strategy."""
    failed = [lane for lane in ranking.lanes if lane.state == "failed"]
    empty = [lane for lane in ranking.lanes if lane.state == "finished" and not lane.ranked]
    return [*_uncounted(failed, "failed"), *_uncounted(empty, "ended without an answer")]


def _uncounted(lanes: Sequence[LaneScore], what: str) -> list[str]:
    if not lanes:
        return []
    names = Counter(lane.key.strategy for lane in lanes)
    parts = some([f"{number} of {name}" for name, number in names.items()])
    verb = "doesn't" if len(lanes) == 1 else "don't"
    return [f"{count(len(lanes), 'lane')} {what} ({parts}) and {verb} count in the ranking."]

"""Sentences about the search: who won, by how much, and whether that is more than noise."""

from collections import Counter
from collections.abc import Sequence

from benchmark.store.records import Interval, RunRecords
from reports.analysis import Analysis
from reports.numbers.ranking import Ranking, Standing
from reports.tables.formats import bounds, count, p_value, plain, some


def unfinished(analysis: Analysis) -> list[str]:
    """A warning where the run hasn't come to its end, and how far it has come."""
    records = analysis.records
    if records.finished:
        return []
    states = Counter(lane.state for lane in analysis.ranking.lanes)
    lanes = count(len(analysis.ranking.lanes), "lane")
    text = (
        f"This run is unfinished: {states['finished']} of {lanes} finished, "
        f"{states['running']} still running{_trainings(records)}; everything below may change."
    )
    return [text]


def _trainings(records: RunRecords) -> str:
    """How many trainings are done, once it is known which are to be."""
    proposed = {bits for found in records.candidates.values() for bits in found}
    seeds = int(records.settings.get("standalone_seeds", 0))
    if not proposed or not seeds:
        return ""
    blocks = sum(records.blocks_per_stage)
    wanted = len(proposed | {"0" * blocks, "1" * blocks}) * seeds
    return f", {len(records.standalone):,} of {count(wanted, 'training')} done"


def winner(ranking: Ranking) -> list[str]:
    """Who leads, by how much, and who can't be told from it."""
    placed = ranking.placed
    if not placed:
        return ["No strategy can be ranked: no lane has found anything yet."]
    score = _score(placed[0], ranking.horizon)
    if len(placed) == 1:
        text = f"Only {placed[0].strategy} can be ranked, so it has nothing to beat: {score}."
        return [text]
    tied = ranking.tied[1:]
    if not tied:
        text = (
            f"{placed[0].strategy} wins: {score}, {_lead(placed[1])}. "
            f"This is more than noise against every other strategy ({_p_values(placed[1:])})."
        )
        return [text]
    every = "all " if len(tied) + 1 == len(placed) > 2 else ""  # noqa: PLR2004 - two aren't "all"
    text = (
        f"No single winner: {every}{_names(ranking.tied)} share rank 1, "
        f"as their differences can't be told from noise ({_p_values(tied)}). Ahead by mean is "
        f"{placed[0].strategy}: {score}, {_lead(placed[1])}."
    )
    return [text, *powerless(ranking), *_beaten(placed[1 + len(tied) :])]


def _names(standings: Sequence[Standing]) -> str:
    return some([item.strategy for item in standings])


def _score(leader: Standing, horizon: int) -> str:
    assert leader.reward is not None
    return (
        f"mean best reward {plain(leader.reward.center * 100)} (×100) over "
        f"{count(leader.lanes, 'lane')} of {count(horizon, 'evaluation')}"
    )


def _lead(second: Standing) -> str:
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
    equal = low if low.startswith("<") else f"= {low}"
    return f"permutation test, corrected p {equal if low == high else f'{low} to {high}'}"


def powerless(ranking: Ranking) -> list[str]:
    """Few lanes can't show a difference however large it is: say so."""
    tests = [item.test for item in ranking.placed if item.test is not None]
    least = min((test.smallest for test in tests), default=0.0) * len(tests)
    if least < 1 - ranking.confidence:
        return []
    text = (
        "With so few lanes no difference could have counted as more than noise (smallest "
        f"possible corrected p = {p_value(min(least, 1))}): more strategy seeds are needed."
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
    table = next(iter(analysis.landscapes.values()))
    every = "all" if table.exhaustive else "the tabulated"
    regret = sum(find.regret for find in own) / len(own)
    better = sum(find.better for find in own) / len(own)
    text = (
        f"Among {every} {count(len(table.reward), 'scheme')}, {leader}'s best is on average "
        f"{plain(regret * 100)} points below the highest reward, and {plain(better * 100)}% of "
        "schemes have a higher one. By oracle accuracy alone it is among the top 5% in "
        f"{sum(find.top for find in own)} of {count(len(own), 'lane')}."
    )
    return [text]


def failures(ranking: Ranking) -> list[str]:
    """Lanes that broke off, strategy by strategy."""
    failed = [lane for lane in ranking.lanes if lane.state == "failed"]
    if not failed:
        return []
    names = Counter(lane.key.strategy for lane in failed)
    parts = some([f"{number} of {name}" for name, number in names.items()])
    verb = "doesn't" if len(failed) == 1 else "don't"
    return [f"{count(len(failed), 'lane')} failed ({parts}) and {verb} count in the ranking."]

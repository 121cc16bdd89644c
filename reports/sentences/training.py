"""Sentences about stand-alone networks: tickets, attention, and whether to trust the oracle."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite, isinf, isnan

from benchmark.records.rules import Word
from benchmark.records.run import Interval
from benchmark.records.schemes import format_bits
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.tables.formats import (
    bounds,
    count,
    interval_points,
    leading,
    level,
    percent,
    plain,
    points,
    signed,
    some,
    words,
)
from reports.tables.words import batch_norm, not_trained

_LISTED = 4
_NAMED = 10


def tickets(analysis: Analysis) -> list[str]:
    """How many candidates are tickets, which, and how many are open."""
    proposed = [
        item for item in analysis.schemes if item.lanes and item.verdict.word != "reference"
    ]
    if not proposed:
        return [f"{none_proposed(analysis)}: nothing to say about tickets."]
    sure, open_, none = (_with(proposed, word) for word in ("ticket", "undecided", "not a ticket"))
    names = f": {_listed(analysis, sure)}" if sure else ""
    rule = analysis.rule
    text = (
        f"{_share(len(sure), len(proposed))} "
        f"{rule.certainty(analysis.confidence)}{names}. "
        f"Undecided: {len(open_)}. Not tickets: {len(none)}. "
    )
    if rule.caveat:
        return [text + rule.caveat]
    text += f"By the paper's rule on means alone, noise ignored, {_by_means(proposed)}."
    return [text, *_why_undecided(analysis, open_)]


def _by_means(proposed: Sequence[SchemeOutcome]) -> str:
    found = sum(item.verdict.paper_rule is True for item in proposed)
    unknown = sum(item.verdict.paper_rule is None for item in proposed)
    if unknown == len(proposed):
        return "nothing is known, as something was not measured"
    rest = f"; of {unknown} it isn't known, as something was not measured" if unknown else ""
    return f"{found or 'none'} would be{rest}"


def none_proposed(analysis: Analysis) -> str:
    """Why no candidate can be a ticket, as a clause that begins a sentence."""
    if any(item.lanes for item in analysis.schemes):
        return "The only candidate is Full-SA itself"
    if not all(item.name for item in analysis.schemes):
        return "Which of the trained schemes are candidates is not known"
    return not_trained(analysis.records)


def _with(items: Sequence[SchemeOutcome], word: Word) -> list[SchemeOutcome]:
    return [item for item in items if item.verdict.word == word]


def _share(found: int, proposed: int) -> str:
    if proposed == 1:
        return f"The one trained candidate is {'a' if found else 'no'} ticket"
    verb = "are tickets" if found > 1 else "is a ticket"
    return f"{found or 'None'} of {count(proposed, 'trained candidate')} {verb}"


def _listed(analysis: Analysis, items: Sequence[SchemeOutcome]) -> str:
    names = []
    for item in items[:_LISTED]:
        gap = item.verdict.difference
        assert gap is not None
        bits = format_bits(item.bits, analysis.records.blocks_per_stage)
        names.append(f"{bits} ({points(gap.center)} points to Full-SA)")
    more = len(items) - _LISTED
    return words([*names, f"{more} more"] if more > 0 else names)


def _why_undecided(analysis: Analysis, undecided: Sequence[SchemeOutcome]) -> list[str]:
    gaps = [
        gap for item in undecided if (gap := item.verdict.difference) and gap.low < 0 <= gap.high
    ]
    failed = sum(item.diverged for item in analysis.schemes)
    reasons = dict.fromkeys(record.failure for record in analysis.records.standalone)
    others = [why for why in reasons if why and "diverged" not in why]
    what = f"failed ({'; '.join(others)})" if others else "diverged"
    lost = (
        [f"{count(failed, 'training')} {what}: no scheme with one is called a ticket."]
        if failed
        else []
    )
    hanging = Counter(words(item.verdict.hangs_on) for item in undecided if item.verdict.hangs_on)
    lost += [
        f"Of the undecided {number} {'hangs' if number == 1 else 'hang'} on {costs} alone."
        for costs, number in hanging.items()
    ]
    if not gaps:
        return lost
    if analysis.noise.freedom == 0:
        records = analysis.records
        coming = not records.finished and int(records.settings.get("standalone_seeds", 1)) > 1
        more = "more are to come" if coming else "train more seeds to decide"
        return [*lost, f"One stand-alone seed gives no interval: {more}."]
    half = max(gap.high - gap.center for gap in gaps)
    text = (
        f"Undecided means that the measurements (up to ±{plain(half * 100)} points of accuracy) "
        "leave both answers open; more stand-alone seeds narrow them."
    )
    return [*lost, text]


def attention(analysis: Analysis) -> list[str]:
    """Whether attention helps at all: Full-SA against Original."""
    gap = next((item.over_original for item in analysis.schemes if item.name == "Full-SA"), None)
    if gap is None:
        return []
    known = "whether attention everywhere helps is undecided"
    if gap.low > 0:
        known = "attention everywhere helps"
    elif gap.high < 0:
        known = "attention everywhere harms"
    elif gap.low == gap.high:
        known = "attention everywhere changes nothing"
    return [f"Full-SA minus Original: {interval_points(gap)} points of test accuracy; {known}."]


def chosen(analysis: Analysis) -> list[str]:
    """A sentence on the strategies whose chosen schemes were the most accurate once trained."""
    if not analysis.strategies:
        return []
    best = analysis.strategies[0]
    accuracy = f"{percent(best.test.center)} test accuracy on average"
    gap = "" if best.over_full is None else f", {interval_points(best.over_full)} points to Full-SA"
    first = leading(analysis.strategies, lambda item: percent(item.test.center))
    whose = some([item.strategy for item in first], _NAMED)
    if len(first) == len(analysis.strategies):
        alike = " alike" if len(first) > 1 else ""
        gap = gap if len(first) == 1 else ""
        return [f"Once trained, the schemes of {whose}{alike} reach {accuracy}{gap}."]
    others = analysis.strategies[len(first) :]
    names = [item.strategy for item in others if overlapping(item.test, best.test)]
    overlap = words(names) if len(names) <= _NAMED else f"{len(names):,} other strategies"
    verdict = f"; the intervals of {overlap} overlap with theirs" if overlap else ""
    text = f"Once trained, the schemes of {whose} are the most accurate: {accuracy}"
    return [f"{text}{gap if len(first) == 1 else ''}{verdict}."]


def overlapping(one: Interval, other: Interval) -> bool:
    """Whether both have bounds, and these overlap."""
    ends = (one.low, one.high, other.low, other.high)
    return all(map(isfinite, ends)) and one.high >= other.low and other.high >= one.low


def trust(analysis: Analysis) -> list[str]:
    """Whether the oracles order the trained schemes as training does."""
    known = [item for item in analysis.trust if not isnan(item.spearman.center)]
    if not known:
        return []
    parts = [
        f"{signed(item.spearman.center)} {bounds(item.spearman, signed)} for supernet "
        f"{item.supernet_seed} ({count(item.schemes, 'scheme')})"
        for item in known
    ]
    text = (
        f"Oracle against training (batch norm {batch_norm(analysis.records)}): rank correlation "
        f"{words(parts)}; {_reliance([item.spearman for item in known])}."
    )
    return [text]


def gap_exceeds_noise(analysis: Analysis) -> bool | None:
    """Whether strategies lie further apart than the oracle can be believed; None if unknown."""
    noise, rewards = analysis.oracle_noise, _rewards(analysis)
    if noise is None or len(rewards) < 2:  # noqa: PLR2004 - a gap takes two
        return None
    return max(rewards) - min(rewards) > noise.least


def _rewards(analysis: Analysis) -> list[float]:
    placed = analysis.ranking.placed
    return [item.reward.center for item in placed if item.reward is not None]


def gap(analysis: Analysis) -> list[str]:
    """Whether the strategies' rewards lie further apart than the oracle can be believed."""
    noise, rewards = analysis.oracle_noise, _rewards(analysis)
    exceeds = gap_exceeds_noise(analysis)
    if noise is None or exceeds is None:
        return []
    source = f"of {noise.source}" if noise.source else "that were trained here"
    based = f"as {count(noise.schemes, 'scheme')} {source} show"
    whole, first = max(rewards) - min(rewards), rewards[0] - rewards[1]
    if isinf(noise.least):
        text = (
            f"No gap between strategies exceeds the oracle's noise: {based}, networks that it "
            "thinks better are no better once trained."
        )
        return [text]
    needs = (
        f"{based}, two of its answers must differ by {plain(100 * noise.least)} points before "
        f"the trained networks can be expected in that order at {level(analysis.confidence)} "
        f"(what an answer leaves open: ±{plain(100 * noise.deviation)} points of trained accuracy)"
    )
    gaps = f"{plain(100 * whole)} points of reward from first to last"
    if len(rewards) > 2:  # noqa: PLR2004 - of two, the second is the last
        gaps += f", {plain(100 * first)} from first to second"
    verdict = "exceeds" if exceeds else "doesn't exceed"
    if exceeds and first <= noise.least:
        verdict = "exceeds from first to last, but not from first to second,"
    return [f"The gap between strategies ({gaps}) {verdict} the oracle's noise: {needs}."]


def _reliance(found: Sequence[Interval]) -> str:
    better = sum(rho.low > 0 for rho in found)
    if better == len(found):
        return "schemes are ordered as training orders them, more than by chance"
    if all(rho.high < 0 for rho in found):
        return "schemes are ordered the wrong way round"
    if better:
        verb = "orders" if better == 1 else "order"
        return f"only {better} of {len(found)} supernets {verb} schemes better than chance"
    return (
        "among schemes that are this much alike (those that searches liked), the oracle's order "
        "can't be told from chance, so only training tells them apart"
    )

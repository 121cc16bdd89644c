"""What someone who sees nothing but the page wants to know first, in few words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

from benchmark.records.costs import strict_costs
from benchmark.records.run import CostRecord
from benchmark.records.schemes import format_bits
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.numbers.ranking import Standing
from reports.numbers.times import SearchTime
from reports.sentences.search import (
    lanes_words,
    lead,
    leaders,
    nothing_found,
    powerless,
    reached,
)
from reports.sentences.training import gap_exceeds_noise, none_proposed, overlapping
from reports.tables.formats import (
    bounds,
    count,
    interval_points,
    leading,
    level,
    p_equals,
    percent,
    plain,
    seconds,
    signed,
    some,
    words,
)
from reports.tables.words import counted_oracles

Certainty = Literal["sure", "open", "unknown"]
_NAMED = 3


@dataclass(frozen=True)
class Answer:
    """One question and its answer.

    Attributes:
        question: as a reader would put it.
        short: the answer in a few words.
        certainty: ``sure`` where intervals or tests bear it out, ``open`` where they leave it
            open, ``unknown`` where nothing was measured.
        details: sentences that say what it rests on.
        bits: a scheme to show beside it; empty without one.
        code: a command to show beside it; empty without one.
    """

    question: str
    short: str
    certainty: Certainty
    details: tuple[str, ...] = ()
    bits: str = ""
    code: str = ""


def answers(analysis: Analysis) -> list[Answer]:
    """All four, in the order in which they are asked."""
    return [_choice(analysis), _confidence(analysis), _savings(analysis), _repetition(analysis)]


def title(analysis: Analysis) -> str:
    """The result in one line."""
    found = _found(analysis)
    sure = _proven(analysis)
    if not any(item.lanes for item in analysis.schemes):
        return f"{found}."
    if not sure:
        return f"{found}; no ticket is proven."
    verb = "is a ticket" if len(sure) == 1 else "are tickets"
    return f"{found}; {count(len(sure), 'scheme')} {verb}."


def _found(analysis: Analysis) -> str:
    ranking = analysis.ranking
    placed, tied = ranking.placed, ranking.tied
    if not placed:
        return "Nothing was found" if analysis.records.finished else "Nothing found yet"
    if len(placed) == 1:
        alone = len(ranking.standings) == 1
        return f"Only {placed[0].strategy} {'searched' if alone else 'found anything'}"
    if len(tied) == 1:
        return f"{tied[0].strategy} finds the best schemes"
    return f"{_either(tied, 'and')} can't be told apart"


def _either(standings: Sequence[Standing], joint: str) -> str:
    """Strategies by name where they are few."""
    names = [item.strategy for item in standings]
    if len(names) > _NAMED:
        return f"{'any of ' if joint == 'or' else ''}{len(names):,} strategies"
    return words(names).replace(" and ", f" {joint} ")


def _choice(analysis: Analysis) -> Answer:
    question = "Which strategy would I choose?"
    ranking = analysis.ranking
    placed = ranking.placed
    if not placed:
        why = nothing_found(analysis)
        short = "None" if analysis.records.finished else "None yet"
        return Answer(question, short, "unknown", (f"{why[0].upper()}{why[1:]}.",))
    first, score = leaders(ranking), reached(ranking)
    if len(placed) == 1:
        others = (
            "nothing else was run" if len(ranking.standings) == 1 else "no other found anything"
        )
        return Answer(
            question, placed[0].strategy, "unknown", (f"{placed[0].strategy}: {score}; {others}.",)
        )
    ahead = f", {lead(placed[1])}" if len(first) == 1 else ""
    details = [f"{_either(first, 'and')}: {score}{ahead}."]
    tied = len(ranking.tied) > 1
    if tied:
        details = [f"They can't be told apart here. {details[0]}", *_fastest(analysis)]
    details += _trained(analysis, placed[0].strategy)
    short = _either(ranking.tied, "or")
    return Answer(question, short, "open" if tied else "sure", tuple(details))


def _fastest(analysis: Analysis) -> list[str]:
    """What may decide between strategies that find equally good schemes."""
    names = {item.strategy for item in analysis.ranking.tied}
    times = [item for item in analysis.times if item.strategy in names]
    if len(times) < 2 or any(item.own is None for item in times):  # noqa: PLR2004 - the fastest of two
        return []
    times = sorted(times, key=lambda item: item.search.center)
    first = leading(times, _seconds)
    if len(first) == len(times):
        return [f"They search equally fast: {_seconds(first[0])} a lane."]
    whose = some([item.strategy for item in first])
    verb = "searches" if len(first) == 1 else "search"
    return [f"Of them {whose} {verb} fastest: {_seconds(first[0])} a lane."]


def _seconds(item: SearchTime) -> str:
    return seconds(item.search.center)


def _trained(analysis: Analysis, strategy: str) -> list[str]:
    found = next((item for item in analysis.strategies if item.strategy == strategy), None)
    if found is None or found.over_full is None:
        return []
    text = (
        f"Once trained, {strategy}'s schemes reach {percent(found.test.center)} test accuracy, "
        f"{interval_points(found.over_full)} points to Full-SA."
    )
    best = analysis.strategies[0]
    most = percent(best.test.center)
    if percent(found.test.center) == most:
        return [text]
    first = leading(analysis.strategies, lambda item: percent(item.test.center))
    whose = some([item.strategy for item in first])
    overlap = "; the intervals overlap" if overlapping(found.test, best.test) else ""
    return [text, f"Those of {whose} reach {most}, the most{overlap}."]


def _confidence(analysis: Analysis) -> Answer:
    question = "How sure is it?"
    ranking = analysis.ranking
    tests = [item.test.p_value for item in ranking.placed if item.test is not None]
    if not tests:
        why = "There is nothing to compare the leader with."
        if not ranking.placed:
            why = "There is nothing to compare."
        return Answer(question, "Not tested", "unknown", (why,))
    oracles = counted_oracles(analysis.records, analysis.records.kind.label)
    base = (
        f"{lanes_words(ranking.placed)} a strategy on {oracles}, permutation tests, "
        f"smallest corrected p {p_equals(min(tests))}."
    )
    details = [base, *_oracle(analysis)]
    if powerless(ranking):
        return Answer(question, "Too few lanes to tell", "open", (*powerless(ranking), *details))
    if len(ranking.tied) == 1:
        short = f"Beyond noise at {level(ranking.confidence)}"
        return Answer(question, short, "sure", tuple(details))
    apart = len(ranking.placed) - len(ranking.tied)
    short = "A tie at the top" if apart else "All are tied"
    verb = "is" if apart == 1 else "are"
    worse = (
        [f"{apart} of {len(ranking.placed)} strategies {verb} worse beyond noise."] if apart else []
    )
    return Answer(question, short, "open", (*worse, *details))


def _oracle(analysis: Analysis) -> list[str]:
    """What the ranking is worth once networks are trained."""
    known = [item.spearman for item in analysis.trust if not isnan(item.spearman.center)]
    said = []
    if known:
        low = min(known, key=lambda rho: rho.center)
        said.append(
            f"The oracle orders the trained schemes with rank correlation {signed(low.center)} "
            f"[{signed(low.low)}, {signed(low.high)}]"
            + (f", the lowest of {len(known)} supernets'." if len(known) > 1 else ".")
        )
    exceeds = gap_exceeds_noise(analysis)
    if exceeds is not None:
        said.append(
            "Strategies lie further apart than the oracle's noise."
            if exceeds
            else "Strategies lie within the oracle's noise: trained networks may say otherwise."
        )
    return said


def _proven(analysis: Analysis) -> list[SchemeOutcome]:
    return [item for item in analysis.schemes if item.verdict.word == "ticket" and item.lanes]


def _savings(analysis: Analysis) -> Answer:
    question = "What does the ticket save?"
    full = next((item for item in analysis.schemes if item.name == "Full-SA"), None)
    original = next((item for item in analysis.schemes if item.name == "Original"), None)
    proposed = [item for item in analysis.schemes if item.lanes and item.name != "Full-SA"]
    ended = [item for item in proposed if not item.all_diverged]
    sure = _proven(analysis)
    best, equals = _closest(sure or ended)
    if full is None or full.cost is None or best is None or best.cost is None:
        why = _unmeasured(analysis, proposed=bool(proposed), ended=bool(ended), full=full)
        return Answer(question, "Not known", "unknown", (f"{why}.",))
    saved = ", ".join(_changes(best.cost, full.cost))
    bits = format_bits(best.bits, analysis.records.blocks_per_stage)
    about = f"{bits} connects {best.bits.count('1')} of {len(best.bits)} blocks"
    if best.verdict.difference is not None:
        gap = interval_points(best.verdict.difference)
        about += f"; its test accuracy is {gap} points from Full-SA's"
    details = [f"{about}.", *_of_attention(best.cost, full.cost, original)]
    if not sure:
        which = (
            "The closest candidate" if equals == 1 else f"One of {equals} equally close candidates"
        )
        details.insert(0, f"{which} would change costs by {saved} ({best.verdict.reason}).")
        return Answer(question, "No ticket is proven", "open", tuple(details), bits=best.bits)
    rule = analysis.rule
    details += [rule.caveat] * bool(rule.caveat)
    certainty: Certainty = "sure" if rule.weighs_noise else "open"
    return Answer(question, saved, certainty, tuple(details), bits=best.bits)


def _unmeasured(
    analysis: Analysis, *, proposed: bool, ended: bool, full: SchemeOutcome | None
) -> str:
    """Why nothing can be said of savings, as a clause that begins a sentence."""
    yet = "" if analysis.records.finished else " yet"
    if not proposed:
        return none_proposed(analysis)
    if not ended:
        return f"No training of a candidate has come to its end{yet}"
    if full is None:
        return f"Full-SA, which savings are counted from, has not been trained{yet}"
    return f"The costs of the closest candidate and of Full-SA have not been measured{yet}"


def _closest(items: Sequence[SchemeOutcome]) -> tuple[SchemeOutcome | None, int]:
    """A ticket by its means where there is one, then the most accurate; and how many are."""

    def worth(item: SchemeOutcome) -> tuple[bool, float]:
        return item.verdict.paper_rule is True, round(item.test.center, 12)

    best = max(items, key=worth, default=None)
    return best, sum(best is not None and worth(item) == worth(best) for item in items)


def _changes(cost: CostRecord, full: CostRecord) -> list[str]:
    """``-14.2% parameters`` for each cost that a ticket must have less of."""
    known = ((one, one.of(cost), one.of(full)) for one in strict_costs())
    return [f"{_less(one.change(a, b))} {one.words}" for one, a, b in known if a and b]


def _less(change: float) -> str:
    return f"{signed(100 * change, 1)}%"


def _of_attention(cost: CostRecord, full: CostRecord, original: SchemeOutcome | None) -> list[str]:
    """Savings beside Full-SA, and as shares of what attention everywhere adds to Original."""
    saved, shares = [], []
    for one in strict_costs():
        ours, theirs = one.of(cost), one.of(full)
        bare = one.of(original.cost) if original else None
        if ours is None or theirs is None:
            continue
        if over := ours.increment_over_full:
            change = f"{_less(over.center)} {bounds(over, lambda part: signed(100 * part, 1))}"
            saved.append(f"{one.name} {change}")
            continue
        fewer = theirs.value - ours.value
        saved.append(f"{fewer:,} {one.words} fewer")
        if bare is not None and (added := theirs.value - bare.value) > 0:
            part = plain(100 * fewer / added, 0)
            shares.append(f"That is {part}% of the {one.words} that attention everywhere adds.")
    return [f"Against Full-SA: {'; '.join(saved)}.", *shares]


def _repetition(analysis: Analysis) -> Answer:
    question = "How do I reproduce it?"
    records = analysis.records
    command = str(records.environment.get("command", ""))
    versions = ", ".join(
        f"{name} {records.environment[name]}"
        for name in ("ticket-benchmark", "torch", "python")
        if name in records.environment
    )
    data = records.facts.get("fingerprint")
    about = f"Experiment {records.experiment[:16]}"
    if data:
        about += f", data {data}"
    details = [f"{about}. {versions}." if versions else f"{about}."]
    short = "With one command" if command else "From the settings below"
    return Answer(question, short, "sure" if command else "unknown", tuple(details), code=command)

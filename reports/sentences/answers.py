"""What someone who sees nothing but the page wants to know first, in few words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

from benchmark.schemes import format_bits
from benchmark.store.records import CostRecord, Interval
from reports.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.numbers.ranking import Ranking
from reports.sentences.search import powerless, same
from reports.sentences.training import gap_exceeds_noise
from reports.tables.formats import (
    bounds,
    count,
    interval_points,
    level,
    p_value,
    percent,
    plain,
    signed,
    words,
)

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
    found = _found(analysis.ranking)
    sure = _proven(analysis)
    if not any(item.lanes for item in analysis.schemes):
        return f"{found}."
    if not sure:
        return f"{found}; no ticket is proven."
    verb = "is a ticket" if len(sure) == 1 else "are tickets"
    return f"{found}; {count(len(sure), 'scheme')} {verb}."


def _found(ranking: Ranking) -> str:
    placed, tied = ranking.placed, ranking.tied
    if not placed:
        return "Nothing found yet"
    if len(placed) == 1:
        return f"Only {placed[0].strategy} searched"
    if len(tied) == 1:
        return f"{tied[0].strategy} finds the best schemes"
    return f"{_either(ranking, 'and')} can't be told apart"


def _either(ranking: Ranking, joint: str) -> str:
    """The tied strategies by name where they are few."""
    names = [item.strategy for item in ranking.tied]
    if len(names) > _NAMED:
        return f"{'any of ' if joint == 'or' else ''}{len(names):,} strategies"
    return words(names).replace(" and ", f" {joint} ")


def _choice(analysis: Analysis) -> Answer:
    question = "Which strategy would I choose?"
    ranking = analysis.ranking
    placed = ranking.placed
    if not placed:
        return Answer(question, "None yet", "unknown", ("No lane has found anything yet.",))
    leader = placed[0]
    assert leader.reward is not None
    reward = (
        f"{leader.strategy}'s mean best reward is {plain(100 * leader.reward.center)} (×100) "
        f"within {count(ranking.horizon, 'evaluation')}"
    )
    if len(placed) == 1:
        return Answer(question, leader.strategy, "unknown", (f"{reward}; nothing else was run.",))
    second = placed[1]
    lead = ""
    if second.behind is not None:
        turned = Interval(-second.behind.center, -second.behind.high, -second.behind.low)
        lead = f", {interval_points(turned)} points above {second.strategy}"
        if same(second.behind):
            lead = f", which each lane of {second.strategy} reached too"
    details = [f"{reward}{lead}."]
    tied = len(ranking.tied) > 1
    if tied:
        details = [f"They can't be told apart here. {details[0]}", *_fastest(analysis)]
    details += _trained(analysis, leader.strategy)
    return Answer(question, _either(ranking, "or"), "open" if tied else "sure", tuple(details))


def _fastest(analysis: Analysis) -> list[str]:
    """What may decide between strategies that find equally good schemes."""
    names = {item.strategy for item in analysis.ranking.tied}
    times = [item for item in analysis.times if item.strategy in names]
    if len(times) < 2 or any(item.own is None for item in times):  # noqa: PLR2004 - the fastest of two
        return []
    fastest = min(times, key=lambda item: item.search.center)
    return [
        f"Of them {fastest.strategy} searches fastest: {plain(fastest.search.center, 1)} s a lane."
    ]


def _trained(analysis: Analysis, strategy: str) -> list[str]:
    found = next((item for item in analysis.strategies if item.strategy == strategy), None)
    if found is None or found.over_full is None:
        return []
    text = (
        f"Once trained, {strategy}'s schemes reach {percent(found.test.center)} test accuracy, "
        f"{interval_points(found.over_full)} points to Full-SA."
    )
    best = analysis.strategies[0]
    if best.strategy == strategy:
        return [text]
    overlap = "; the intervals overlap" if found.test.high >= best.test.low else ""
    other = f"Those of {best.strategy} reach {percent(best.test.center)}, the most{overlap}."
    return [text, other]


def _confidence(analysis: Analysis) -> Answer:
    question = "How sure is it?"
    ranking = analysis.ranking
    tests = [item.test.p_value for item in ranking.placed if item.test is not None]
    lanes = [item.lanes for item in ranking.placed]
    if not tests:
        return Answer(
            question, "Not tested", "unknown", ("There is nothing to compare the leader with.",)
        )
    each = f"{min(lanes)}" if min(lanes) == max(lanes) else f"{min(lanes)} to {max(lanes)}"
    base = (
        f"{each} lanes a strategy on {count(len(analysis.records.oracles) or 1, 'supernet')}, "
        f"permutation tests, smallest corrected p {_equals(min(tests))}."
    )
    details = [base, *_oracle(analysis)]
    if powerless(ranking):
        return Answer(question, "Too few lanes to tell", "open", (*powerless(ranking), *details))
    if len(ranking.tied) == 1:
        short = f"Beyond noise at {level(ranking.confidence)}"
        return Answer(question, short, "sure", tuple(details))
    apart = len(ranking.placed) - len(ranking.tied)
    short = "A tie at the top" if apart else "All are tied"
    worse = (
        [f"{apart} of {len(ranking.placed)} strategies are worse beyond noise."] if apart else []
    )
    return Answer(question, short, "open", (*worse, *details))


def _equals(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _oracle(analysis: Analysis) -> list[str]:
    """What the ranking is worth once networks are trained."""
    known = [item.spearman for item in analysis.trust if not isnan(item.spearman.center)]
    said = []
    if known:
        low = min(known, key=lambda rho: rho.center)
        said.append(
            f"The oracle orders the trained schemes with rank correlation {signed(low.center)} "
            f"[{signed(low.low)}, {signed(low.high)}]"
            + (f" on the worst of {len(known)} supernets." if len(known) > 1 else ".")
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
    if full is None or full.cost is None or not proposed:
        return Answer(question, "Not known", "unknown", ("No candidate has been trained yet.",))
    sure = _proven(analysis)
    best = _closest(sure or proposed)
    if best.cost is None:
        return Answer(question, "Not known", "unknown", ("Costs have not been measured yet.",))
    saved = f"{_fewer(best.cost, full.cost)} parameters, {_faster(best.cost)} inference time"
    bits = format_bits(best.bits, analysis.records.blocks_per_stage)
    about = f"{bits} connects {best.bits.count('1')} of {len(best.bits)} blocks"
    if best.verdict.difference is not None:
        gap = interval_points(best.verdict.difference)
        about += f"; its test accuracy is {gap} points from Full-SA's"
    details = [f"{about}.", *_of_attention(best.cost, full.cost, original)]
    if not sure:
        reason = best.verdict.reason.removesuffix(" (means alone)")
        details.insert(0, f"The closest candidate would save {saved} ({reason}).")
        return Answer(question, "No ticket is proven", "open", tuple(details), bits=best.bits)
    if analysis.rule == "paper":
        details.append("By the paper's rule, which ignores noise.")
    certainty: Certainty = "open" if analysis.rule == "paper" else "sure"
    return Answer(question, saved, certainty, tuple(details), bits=best.bits)


def _closest(items: Sequence[SchemeOutcome]) -> SchemeOutcome:
    """A ticket by its means where there is one, then the most accurate."""
    return max(items, key=lambda item: (item.verdict.paper_rule is True, item.test.center))


def _fewer(cost: CostRecord, full: CostRecord) -> str:
    return _less(cost.parameters / full.parameters - 1)


def _faster(cost: CostRecord) -> str:
    return _less(cost.increment_over_full.center)


def _less(change: float) -> str:
    return f"{signed(100 * change, 1)}%"


def _of_attention(cost: CostRecord, full: CostRecord, original: SchemeOutcome | None) -> list[str]:
    """Savings as a share of what attention everywhere adds to the bare network."""
    over = cost.increment_over_full
    time = " ".join(
        [f"{signed(100 * over.center, 1)}%", bounds(over, lambda part: signed(100 * part, 1))]
    )
    said = [
        f"Against Full-SA: {full.parameters - cost.parameters:,} parameters fewer; time {time}."
    ]
    if original is None or original.cost is None:
        return said
    added = full.parameters - original.cost.parameters
    if added > 0:
        part = 100 * (full.parameters - cost.parameters) / added
        said.append(f"That is {plain(part, 0)}% of the parameters that attention everywhere adds.")
    return said


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

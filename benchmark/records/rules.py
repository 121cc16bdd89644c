"""Verdict rules: what makes a trained scheme a ticket, one class a rule.

A rule decides, and says in its own words how it does wherever a verdict is shown: on pages, in
tables, LaTeX, ticket files, sentences and help texts. Whatever else there is asks it. To add one,
write a class and list it in `RULES`; its dataclass fields are parameters that a setting may give
(``--verdict NAME:PARAMETER=VALUE``).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

from benchmark.basics.parametrised import read_named, written
from benchmark.records.condition import Condition

if TYPE_CHECKING:
    from benchmark.records.noise import Noise, Scores
    from benchmark.records.run import Interval

Word = Literal["reference", "ticket", "not a ticket", "undecided"]


@dataclass(frozen=True)
class Evidence:
    """What is known of one trained scheme beside Full-SA.

    Attributes:
        bits: the scheme.
        scores: test accuracy of every trained scheme, by scheme (bits), then by seed.
        noise: of one training.
        confidence: of each two-sided interval, in (0, 1).
        difference: mean test accuracy minus Full-SA's over shared seeds; None without any.
        failed: how many of its trainings have no score, in words; empty where none failed.
        full_failed: the same of Full-SA's.
        costs: a condition for each cost that a ticket must have less of than Full-SA.
    """

    bits: str
    scores: "Scores"
    noise: "Noise"
    confidence: float
    difference: "Interval | None"
    failed: str
    full_failed: str
    costs: tuple[Condition, ...]


@dataclass(frozen=True)
class Rule(ABC):
    """A way to judge trained schemes: a ticket is one that meets all its conditions.

    Attributes:
        name: by which settings and `RULES` know it.
        summary: what it judges by, for lists and help texts.
        short: the same in a word or two, after "by".
        weighs_noise: whether its verdicts hold in spite of the noise of trainings and timings.
        caveat: a sentence of warning beside verdicts; empty where there is no need.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    short: ClassVar[str]
    weighs_noise: ClassVar[bool] = True
    caveat: ClassVar[str] = ""

    @staticmethod
    def read(text: str) -> "Rule":
        """The rule of `RULES` that ``text`` names, with its parameters.

        Raises:
            UsageError: there is none, or a parameter can't be.
        """
        return read_named("verdict rule", text, RULES)

    @staticmethod
    def of(settings: Mapping[str, Any]) -> "Rule":
        """The rule of a run with these settings by name."""
        return Rule.read(str(settings.get("verdict", IntervalRule.name)))

    def __str__(self) -> str:
        return written(self.name, self)

    @abstractmethod
    def conditions(self, evidence: Evidence) -> Sequence[Condition]:
        """Everything that a ticket must meet, each held, failed or left open by ``evidence``."""

    @abstractmethod
    def basis(self, confidence: float) -> str:
        """What verdicts at ``confidence`` are found by: ``95% intervals``."""

    def certainty(self, confidence: float) -> str:
        """How sure a verdict at ``confidence`` is, behind "3 of 5 are tickets"."""
        return f"at {100 * confidence:g}% confidence"

    @abstractmethod
    def lead(self, confidence: float) -> str:
        """A sentence on what a verdict at ``confidence`` means, for the head of a page."""

    @final
    def decide(self, evidence: Evidence) -> tuple[Word, str]:
        """Verdict and reason: one failed condition settles it, a ticket needs every one to hold."""
        conditions = self.conditions(evidence)
        failed = [item.words for item in conditions if item.holds is False]
        unclear = [item.words for item in conditions if item.holds is None]
        reason = ", ".join(failed or unclear or [item.words for item in conditions])
        if failed:
            return "not a ticket", reason
        return ("undecided" if unclear else "ticket"), reason

    @final
    def holds(self, evidence: Evidence) -> bool | None:
        """Whether all conditions hold; one that fails settles it, whatever is open beside it."""
        values = [item.holds for item in self.conditions(evidence)]
        if False in values:
            return False
        return None if None in values else True

    @final
    def hangs_on(self, evidence: Evidence) -> tuple[str, ...]:
        """Costs that alone leave it open and that measuring more finely may settle."""
        conditions = self.conditions(evidence)
        unclear = [item for item in conditions if item.holds is not True]
        if any(item.holds is False or not item.refinable for item in unclear):
            return ()
        return tuple(item.refinable for item in unclear)


def accuracy_condition(evidence: Evidence, margin: float = 0.0) -> Condition:
    """Whether test accuracy is at least Full-SA's minus ``margin``, by intervals.

    A training that failed leaves it open unless the others reach too little all the same.
    """
    difference = evidence.difference
    limit = -margin
    below = difference is not None and difference.high < limit
    if evidence.full_failed:
        return Condition.open(evidence.full_failed)
    if evidence.failed and not below:
        return Condition.open(evidence.failed)
    if difference is None:
        return Condition.open("shares no seed with Full-SA")
    by = f" by more than {100 * margin:g} points" if margin else ""
    point = bool(difference.center >= limit)
    words = f"accuracy {'not ' if point else ''}below Full-SA{by}"
    if below or difference.low >= limit:
        return Condition(not below, point, words, words)
    if not isfinite(difference.high):
        return Condition(None, point, "one seed gives no accuracy interval", words)
    limits = f"Full-SA's less {100 * margin:g} points" if margin else "Full-SA"
    return Condition(None, point, f"accuracy interval includes {limits}", words)


@final
@dataclass(frozen=True)
class IntervalRule(Rule):
    """Test accuracy ≥ Full-SA and every strict cost below Full-SA's, by two-sided intervals."""

    name = "interval"
    summary = "by intervals"
    short = "intervals"

    def conditions(self, evidence: Evidence) -> Sequence[Condition]:
        return [accuracy_condition(evidence), *evidence.costs]

    def basis(self, confidence: float) -> str:
        return f"{100 * confidence:g}% intervals"

    def lead(self, confidence: float) -> str:
        risk = f"{100 * round((1 - confidence) / 2, 6):g}%"
        return (
            f"Here a verdict is given only where repeated trainings leave at most {risk} of chance "
            "for the contrary; otherwise it is “undecided”."
        )


@final
@dataclass(frozen=True)
class MeansRule(Rule):
    """The paper's own rule: the same conditions, met or not by means, noise ignored."""

    name = "paper"
    summary = "by means alone as the paper does, noise ignored"
    short = "means alone"
    weighs_noise = False
    caveat = "The paper's rule compares means alone and ignores noise: chance names tickets."

    def conditions(self, evidence: Evidence) -> Sequence[Condition]:
        return [item.by_means() for item in INTERVALS.conditions(evidence)]

    def basis(self, confidence: float) -> str:
        del confidence
        return "the paper's rule: means alone, noise ignored"

    def certainty(self, confidence: float) -> str:
        del confidence
        return "by the paper's rule"

    def lead(self, confidence: float) -> str:
        del confidence
        return (
            "Here verdicts compare means alone, as the paper does: they say nothing of how sure "
            "they are."
        )


INTERVALS = IntervalRule()
RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (IntervalRule, MeansRule)}
"""Every verdict rule by name."""


def rules_words() -> str:
    """All rules and what they judge by, for help texts."""
    return "; ".join(f"{name}: {rule.summary}" for name, rule in RULES.items())

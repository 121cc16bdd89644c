"""Several runs compared: problems, cells, ranks within them and across them.

What strategies search on (splits, network, oracle, objective) is a *problem*, as in "COCO:
A Platform for Comparing Continuous Optimizers in a Black-Box Setting" (Hansen et al.,
2021). Rewards are only ever averaged within a problem; across problems there are ranks,
each of which comes from one cell: one supernet and one strategy seed. Cells of one problem
are not independent problems (Demšar, "Statistical comparisons of classifiers over multiple
data sets"), so ranks are given twice: over cells, which speak of these problems, and over
problems, which may speak of others.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchmark.records.rules import INTERVALS, Rule
from benchmark.records.run import RunRecords
from reports.compare.mixing import check_mix
from reports.numbers.analysis import Analysis, analyse
from reports.numbers.member import Member
from reports.numbers.outcomes import StrategyOutcome, scheme_outcomes, strategy_outcomes
from reports.numbers.problems import Problem, named_by_variant, problems_of
from reports.numbers.ranks import Cell, Ranks, summarise_ranks
from reports.numbers.statistics import CONFIDENCE


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison says.

    Attributes:
        members: the runs.
        judged: each run's own records, by label, all to be judged by the same rule.
        problems: what they searched on.
        shared: strategies that every problem has; only they are ranked across problems.
        over_cells: ranks over (problem, supernet, strategy seed).
        over_problems: ranks of mean best rewards over problems.
        mixed: what was mixed on request.
        confidence: of all intervals, tests and verdicts.
        rule: what verdicts are found by.
    """

    members: tuple[Member, ...]
    judged: Mapping[str, RunRecords]
    problems: tuple[Problem, ...]
    shared: tuple[str, ...]
    over_cells: Ranks
    over_problems: Ranks
    mixed: tuple[str, ...]
    confidence: float
    rule: Rule

    @cached_property
    def analyses(self) -> Mapping[str, Analysis]:
        """Each run on its own, by label."""
        return {label: analyse(records) for label, records in self.judged.items()}

    @cached_property
    def trained(self) -> Mapping[str, Sequence[StrategyOutcome]]:
        """What became of each run's candidates, by label."""
        return {
            label: strategy_outcomes(
                records, scheme_outcomes(records, self.confidence, self.rule), self.confidence
            )
            for label, records in self.judged.items()
        }

    @property
    def strategies(self) -> tuple[str, ...]:
        """Every strategy, those of all problems first."""
        every = dict.fromkeys(name for problem in self.problems for name in problem.strategies)
        return tuple(dict.fromkeys([*self.shared, *every]))


def compare(
    members: Sequence[Member],
    *,
    allowed: Collection[str] = (),
    rule: Rule = INTERVALS,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Compare ``members``.

    Args:
        members: the runs, finished or not.
        allowed: what may be mixed; see `reports.compare.mixing.Mix`.
        rule: what verdicts of all runs are found by.
        confidence: of all intervals, tests and verdicts.

    Raises:
        UsageError: something is mixed that may not be.
    """
    mixed = check_mix(members, allowed)
    named = named_by_variant(members)
    problems = problems_of(named, confidence)
    shared = tuple(
        name
        for name in dict.fromkeys(n for p in problems for n in p.strategies)
        if all(name in problem.strategies for problem in problems)
    )
    alike = {"verdict": str(rule), "confidence": confidence}
    return Comparison(
        members=tuple(members),
        judged={
            member.label: replace(member.records, settings=member.records.settings | alike)
            for member in named
        },
        problems=problems,
        shared=shared,
        over_cells=summarise_ranks(_cells(problems), shared, confidence),
        over_problems=summarise_ranks(_means(problems, shared), shared, confidence),
        mixed=tuple(mixed),
        confidence=confidence,
        rule=rule,
    )


def _cells(problems: Sequence[Problem]) -> dict[Cell, dict[str, float]]:
    """Best rewards by (problem, supernet, strategy seed), then strategy."""
    scores: dict[Cell, dict[str, float]] = {}
    for problem in problems:
        for key, reward in problem.finished().items():
            cell = (problem.label, key.supernet_seed, key.strategy_seed)
            scores.setdefault(cell, {})[key.strategy] = reward
    return scores


def _means(problems: Sequence[Problem], shared: Sequence[str]) -> dict[Cell, dict[str, float]]:
    """Mean best reward by problem, then strategy, over cells that all ``shared`` were run on.

    Runs may have more seeds than others: a mean over other cells than the rivals' would say
    nothing. For the same reason a strategy that failed or is still at work on such a cell has
    no mean.
    """
    scores: dict[Cell, dict[str, float]] = {}
    for problem in problems:
        row: dict[str, list[float]] = {}
        common = common_cells(problem, shared)
        for key, reward in problem.finished().items():
            if (key.supernet_seed, key.strategy_seed) in common and key.strategy in shared:
                row.setdefault(key.strategy, []).append(reward)
        scores[(problem.label,)] = {name: float(np.mean(values)) for name, values in row.items()}
    return scores


def common_cells(problem: Problem, shared: Sequence[str]) -> set[tuple[int, int]]:
    """Supernets and strategy seeds of a problem that all of ``shared`` were run on."""
    cells: dict[str, set[tuple[int, int]]] = {name: set() for name in shared}
    for lane in problem.records.lanes:
        if lane.key.strategy in cells:
            cells[lane.key.strategy].add((lane.key.supernet_seed, lane.key.strategy_seed))
    return set.intersection(*cells.values()) if cells else set()

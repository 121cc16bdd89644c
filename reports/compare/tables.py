"""The tables of a comparison of several runs."""

from collections.abc import Sequence
from functools import partial
from math import isnan

from benchmark.records.schemes import format_bits
from reports.charts.ranks import COLUMNS as RANKS
from reports.charts.ranks import missing_words, ranks_caption, ranks_rows
from reports.compare.comparison import Comparison, common_cells
from reports.numbers.member import Member
from reports.numbers.problems import Problem
from reports.numbers.ranks import Cell
from reports.tables.formats import count, level, words
from reports.tables.table import Column, Table, Value

_STRATEGY = Column(
    "strategy", "Strategy", "the search strategy; its settings where runs differ", filter=True
)
_PROBLEM = Column(
    "problem", "Problem", "what was searched on: splits, network, oracle, objective", filter=True
)
_RUN = Column("run", "Run", "its folder")
_Whole = partial(Column, kind="whole")
_Percent = partial(Column, unit="%", kind="number", scale=100, interval=True)
_Points = partial(Column, unit="points", kind="signed", scale=100, interval=True)

RUNS = (
    _RUN,
    _PROBLEM,
    Column("state", "State", "finished, or how far it has come"),
    _Whole("lanes", "Lanes", "strategy × strategy seed × supernet seed"),
    _Whole("budget", "Budget", "evaluations of a lane"),
    _Whole("trained", "Trained", "schemes trained from scratch"),
    Column("machine", "Machine", "the processor, where latencies were measured"),
    Column("splits", "Splits", "fingerprint of the task's splits", terminal=False),
    Column("code", "Code", "version of the code and of torch", terminal=False),
    Column("experiment", "Experiment", "identity of settings, data and code", terminal=False),
)
RESULTS = (
    _PROBLEM,
    _Whole("rank", "Rank", "1: the leader and whoever can't be told from it; else the place"),
    _STRATEGY,
    _Percent("best_reward", "Best reward", "of a lane, mean over lanes", unit="×100"),
    _Points("to_leader", "To the leader", "mean best reward minus the leader's"),
    Column(
        *("p_value", "p", "permutation test against the leader, Shaffer-corrected"),
        kind="p",
        terminal=False,
    ),
    Column(
        *("mean_rank", "Mean rank", "over complete cells of this problem"),
        kind="number",
        terminal=False,
    ),
    _Whole("lanes", "Lanes", "lanes that count"),
    _Whole("missing", "Missing", "lanes that failed, found nothing or are still at work"),
    Column("why", "Why missing", "or why the strategy has no place here", optional=True),
)
TRAINED = (
    _RUN,
    _PROBLEM,
    _STRATEGY,
    _Percent(
        "test_accuracy",
        "Test accuracy",
        "stand-alone, of each lane's candidate with the highest validation accuracy",
    ),
    _Points("to_full_sa", "To Full-SA", "paired over stand-alone seeds of this run"),
    _Points("to_original", "To Original", "paired over stand-alone seeds", terminal=False),
    _Whole("candidates", "Trained", "different schemes of its lanes that were trained"),
    _Whole("tickets", "Tickets", "of these, tickets"),
    _Whole("undecided", "Undecided", "of these, neither ticket nor not"),
    Column("machine", "Machine", "where latencies were measured", terminal=False),
)
CELLS = (
    _PROBLEM,
    _Whole("supernet", "Supernet", "numbered within the problem"),
    _Whole("strategy_seed", "Strategy seed", "seed of the strategy's own draws"),
    _STRATEGY,
    Column("state", "State", "finished, running or failed; only finished ones are ranked"),
    Column("best_reward", "Best reward", "within the budget", "×100", kind="number", scale=100),
    Column("scheme", "Scheme", "that has it", kind="bits"),
)


def runs_table(comparison: Comparison) -> Table:
    """One row a run, in the order in which they were given."""
    problem_of = _problems_by_run(comparison)
    rows: list[tuple[Value, ...]] = []
    for member in comparison.members:
        records = member.records
        rows.append(
            (
                member.label,
                problem_of[member.label].label,
                state_words(member),
                len(records.lanes),
                member.budget,
                len({record.bits for record in records.standalone}),
                machine(member),
                member.splits,
                str(records.environment.get("code", "")),
                records.experiment[:16],
            )
        )
    repeated = sum(problem.repeated for problem in comparison.problems)
    caption = "What is compared." + (
        f" {count(repeated, 'lane')} had been made by another run on the same supernet and "
        f"{'counts' if repeated == 1 else 'count'} once."
        if repeated
        else ""
    )
    return Table("runs", "Runs", caption, RUNS, tuple(rows))


def machine(member: Member) -> str:
    """The processor of a run."""
    return str(member.records.environment.get("processor", ""))


def state_words(member: Member) -> str:
    """``finished``, or how many lanes have ended."""
    lanes = member.records.lanes
    if member.records.finished:
        return "finished"
    ended = sum(lane.state != "running" for lane in lanes)
    return f"unfinished: {ended} of {count(len(lanes), 'lane')} ended"


def _problems_by_run(comparison: Comparison) -> dict[str, Problem]:
    return {label: problem for problem in comparison.problems for label in problem.members}


def results_table(comparison: Comparison) -> Table:
    """One row a problem and strategy, problem by problem, the leader first; gaps are rows too."""
    rows: list[tuple[Value, ...]] = []
    for problem in comparison.problems:
        standings = {item.strategy: item for item in problem.ranking.standings}
        for name in [*standings, *(n for n in comparison.strategies if n not in standings)]:
            missing, why = _missing(problem, name)
            item = standings.get(name)
            found: tuple[Value, ...] = (None,) * 4
            if item:
                p_value = item.test.p_value if item.test else None
                found = (item.reward, item.behind, p_value, item.mean_rank)
            lanes = item.lanes if item else 0
            row = (problem.label, item.rank if item else None, name, *found, lanes, missing, why)
            rows.append(row)
    horizons = words([f"{p.horizon:,} on {p.label}" for p in comparison.problems])
    caption = (
        f"Validation split of frozen supernets; after so many evaluations: {horizons}. Within a "
        "problem strategies that can't be told from the leader share rank 1 (permutation test, "
        f"Shaffer-corrected); intervals of {level(comparison.confidence)}, where there are several "
        "lanes. Rewards of different problems can't be compared."
    )
    return Table("results", "Every problem", caption, RESULTS, tuple(rows))


def _missing(problem: Problem, strategy: str) -> tuple[int, str]:
    lanes = [lane for lane in problem.records.lanes if lane.key.strategy == strategy]
    if not lanes:
        return 0, "not run on this problem"
    failed = [lane for lane in lanes if lane.state == "failed"]
    running = sum(lane.state == "running" for lane in lanes)
    empty = sum(lane.state == "finished" and not len(lane.schemes) for lane in lanes)
    reasons = list(dict.fromkeys(lane.message for lane in failed))
    said = [f"{len(failed)} failed: {'; '.join(reasons)}"] * bool(failed)
    said += [f"{running} still at work"] * bool(running) + [f"{empty} without an answer"] * bool(
        empty
    )
    return len(failed) + running + empty, ", ".join(said)


def trained_table(comparison: Comparison) -> Table:
    """One row a run and strategy with trained schemes."""
    problem_of = _problems_by_run(comparison)
    machines = {member.label: machine(member) for member in comparison.members}
    rows: list[tuple[Value, ...]] = [
        (
            label,
            problem_of[label].label,
            item.strategy,
            item.test,
            item.over_full,
            item.over_original,
            item.candidates,
            item.words.get("ticket", 0),
            item.words.get("undecided", 0),
            machines[label],
        )
        for label, outcomes in comparison.trained.items()
        for item in outcomes
    ]
    caption = (
        "Stand-alone networks, test split. Every run's verdicts are found anew "
        f"by {comparison.rule.short} at {level(comparison.confidence)}, with the latencies of its "
        "own machine; differences are paired within a run, accuracies of different tasks can't be "
        "compared."
    )
    return Table("trained", "Trained schemes", caption, TRAINED, tuple(rows))


def cells_table(comparison: Comparison) -> Table:
    """One row a lane: what ranks are made from, and which cells lack what."""
    rows: list[tuple[Value, ...]] = []
    for problem in comparison.problems:
        rewards = problem.finished()
        found = {lane.key: lane.bits for lane in problem.ranking.lanes}
        for lane in problem.records.lanes:
            key = lane.key
            bits = "" if isnan(rewards[key]) else found[key]
            where = (problem.label, key.supernet_seed, key.strategy_seed, key.strategy)
            shown = format_bits(bits, problem.records.blocks_per_stage) if bits else None
            rows.append((*where, lane.state, rewards[key], shown))
    caption = "The lanes behind the ranks; a supernet's number is that within its problem."
    return Table("cells", "Cells", caption, CELLS, tuple(rows))


def over_cells_table(comparison: Comparison) -> Table:
    """Mean ranks over all cells."""
    ranks = comparison.over_cells
    caption = (
        f"{ranks_caption(ranks, '(problem, supernet, strategy seed)')} "
        f"{missing_words(ranks, _named)}"
    ).strip()
    return Table("ranks", "Mean ranks over cells", caption, RANKS, ranks_rows(ranks))


def over_problems_table(comparison: Comparison) -> Table:
    """Mean rank of each strategy that every problem has, a problem counting as one cell."""
    ranks = comparison.over_problems
    caption = (
        "A cell is a problem, a score the mean best reward over the pairs of supernet and seed "
        f"that all ranked strategies were run on: {_averaged(comparison)}. "
        f"{ranks_caption(ranks, '(problem)')} {missing_words(ranks, _named)}"
    ).strip()
    return Table("ranks-problems", "Mean ranks over problems", caption, RANKS, ranks_rows(ranks))


def _averaged(comparison: Comparison) -> str:
    return words(
        [
            f"{len(common_cells(problem, comparison.shared))} on {problem.label}"
            for problem in comparison.problems
        ]
    )


def _named(cell: Cell) -> str:
    problem, *seeds = cell
    return f"{problem} (supernet {seeds[0]}, seed {seeds[1]})" if seeds else str(problem)


def tables(comparison: Comparison) -> Sequence[Table]:
    """Everything, in the order of the page."""
    return (
        runs_table(comparison),
        over_cells_table(comparison),
        over_problems_table(comparison),
        results_table(comparison),
        trained_table(comparison),
        cells_table(comparison),
    )

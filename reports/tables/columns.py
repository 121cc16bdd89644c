"""Columns of the tables, with units and descriptions: the source of ``COLUMNS.md``."""

from collections.abc import Callable
from functools import partial

from benchmark.records.costs import COSTS, Cost, CostColumn, PairedCost
from benchmark.records.kinds import OracleKind
from benchmark.records.run import CostRecord, RunRecords
from reports.tables.table import Column, Value

Percent = partial(Column, unit="%", kind="number", scale=100)
Reward = partial(Column, unit="×100", kind="number", scale=100, interval=True)
Seconds = partial(Column, unit="s", kind="number", digits=1, timing=True)
_Points = partial(Column, unit="points", kind="signed", scale=100)
Whole = partial(Column, kind="whole")
_Wide = partial(Column, terminal=False)

STRATEGY = Column("strategy", "Strategy", "the search strategy", filter=True)
_STRATEGY_SEED = Whole("strategy_seed", "Strategy seed", "seed of the strategy's own draws")


def oracle_column(kind: OracleKind) -> Column:
    """Which of a run's oracles a row is about, in the words of their kind."""
    return Whole(
        "supernet_seed",
        f"{kind.label.capitalize()} seed",
        f"seed of the {kind.noun}",
        filter=True,
        optional=not kind.several,
    )


RANKING = (
    Whole("rank", "Rank", "1: the leader and whoever can't be told from it; else the place"),
    STRATEGY,
    Percent(
        "best_reward",
        "Best reward",
        "best reward (×100) of a lane within the budget, mean over lanes",
        unit="×100",
        interval=True,
    ),
    _Points(
        "to_leader",
        "To the leader",
        "mean best reward minus the leader's, Welch's interval within oracles",
        interval=True,
    ),
    Column(
        "p_value",
        "p",
        "permutation test against the leader within oracles, corrected (Shaffer) for its choice",
        kind="p",
    ),
    Percent(
        "test_accuracy",
        "Test accuracy",
        "stand-alone test accuracy of each lane's chosen candidate (highest mean stand-alone "
        "validation accuracy), mean over lanes",
        interval=True,
        terminal=False,
    ),
    _Points(
        "to_full_sa",
        "To Full-SA",
        "that test accuracy minus Full-SA's, paired over stand-alone seeds",
        interval=True,
    ),
    Whole("tickets", "Tickets", "of these, tickets (by the rule that the caption names)"),
    Whole("undecided", "Undecided", "of these, neither ticket nor not"),
    Whole("lanes", "Lanes", "lanes that count: finished, or running up to the common budget"),
    Whole("failed", "Failed", "lanes that failed; they don't count", terminal=False),
    Whole("running", "Running", "lanes that haven't ended yet", terminal=False, optional=True),
    Column(
        "mean_rank",
        "Mean rank",
        "rank among strategies in each (oracle, strategy seed) that all completed, mean",
        kind="number",
        terminal=False,
    ),
    _Points(
        "regret",
        "Regret",
        "highest tabulated reward minus a lane's best, mean over lanes; needs a landscape",
        kind="number",
        terminal=False,
        optional=True,
    ),
    _Wide(
        "top5_lanes",
        "Top 5%",
        "lanes whose best-reward scheme is among the 5% most accurate by the oracle",
        optional=True,
    ),
    _Points(
        "to_original",
        "To Original",
        "that test accuracy minus Original's, paired over stand-alone seeds",
        interval=True,
        terminal=False,
    ),
    Whole(
        "candidates", "Trained", "different schemes of its lanes that were trained", terminal=False
    ),
    Whole(
        "paper_tickets",
        "By means",
        "of these, tickets by the paper's rule on means alone",
        terminal=False,
    ),
)


def cost_columns(*, main: bool) -> list[Column]:
    """Columns of all costs: the main ones, which terminals show too, or the others."""
    return [
        _cost_column(cost, shown)
        for cost in COSTS.values()
        for shown in cost.columns
        if shown.main is main
    ]


def _cost_column(cost: Cost, shown: CostColumn) -> Column:
    sampled = isinstance(cost, PairedCost)
    make: Callable[..., Column] = Whole
    if shown.part != "value":
        make = partial(_Points, unit="%", digits=1, interval=True)
    elif sampled:
        make = partial(Column, unit=cost.unit, kind="number")
    return make(*(shown.key, shown.heading, shown.description), timing=sampled, terminal=shown.main)


def cost_values(record: CostRecord | None, *, main: bool) -> list[Value]:
    """What stands in `cost_columns` in the row of a network; nothing where it wasn't measured."""
    return [
        getattr(cost.of(record), shown.part, None)
        for cost in COSTS.values()
        for shown in cost.columns
        if shown.main is main
    ]


def schemes_columns() -> tuple[Column, ...]:
    """The columns of trained schemes, those of every registered cost among them."""
    return (
        Column(
            "scheme", "Scheme", "one bit a block, first block first; 1 = connected", kind="bits"
        ),
        _Wide("name", "Name", "Original (no connection) or Full-SA (all)"),
        Column(
            "verdict",
            "Verdict",
            "ticket, not a ticket, undecided or reference; the caption names the rule",
            filter=True,
        ),
        Percent(
            "test_accuracy",
            "Test accuracy",
            "mean over stand-alone seeds; its interval leaves out what a seed does to all alike",
            interval=True,
        ),
        _Points(
            "to_full_sa",
            "To Full-SA",
            "test accuracy minus Full-SA's, paired over seeds",
            interval=True,
        ),
        *cost_columns(main=True),
        Column(
            "paper_rule",
            "By means",
            "the ticket rule on means alone, noise ignored",
            terminal=False,
        ),
        _Wide("reason", "Because", "the conditions that decided it, or that are open"),
        _Points(
            "to_original",
            "To Original",
            "test accuracy minus Original's, paired over seeds",
            interval=True,
            terminal=False,
        ),
        Whole("seeds", "Seeds", "stand-alone seeds that it shares with Full-SA", terminal=False),
        _Wide(
            "missing_seeds",
            "Missing seeds",
            "stand-alone seeds that it or Full-SA lacks",
            optional=True,
        ),
        Whole("connections", "Connections", "connected blocks", terminal=False),
        Percent(
            "oracle_accuracy",
            "Oracle accuracy",
            "validation accuracy by the frozen supernet, mean over the supernets that were asked",
            terminal=False,
        ),
        Percent(
            "validation_accuracy",
            "Validation accuracy",
            "stand-alone, mean over seeds; picks among a lane's candidates",
            terminal=False,
        ),
        Whole(
            "parameters_as_built",
            "As built",
            "parameters with every attention module that the supernet has",
            terminal=False,
        ),
        *cost_columns(main=False),
        Whole(
            "diverged",
            "Diverged",
            "trainings that diverged or died and have no score",
            optional=True,
        ),
        Percent(
            "best_epoch_accuracy",
            "Best epoch",
            "mean test accuracy of each training's best epoch, picked on the test split and so too "
            "high: the authors' way, judged by nowhere",
            terminal=False,
            optional=True,
        ),
        Column(
            "strategies", "Proposed by", "strategies whose lanes sent it to training", filter=True
        ),
    )


def lanes_columns(kind: OracleKind) -> tuple[Column, ...]:
    """The columns of lanes on oracles of this kind."""
    return (
        STRATEGY,
        _STRATEGY_SEED,
        oracle_column(kind),
        Column(
            "state", "State", "finished, running or failed; failed lanes aren't ranked", filter=True
        ),
        Whole("evaluations", "Evaluations", "what the lane was charged for"),
        Percent("best_reward", "Best reward", "of its evaluations within the budget", unit="×100"),
        Percent("oracle_accuracy", "Accuracy", "oracle accuracy of that scheme"),
        Column("scheme", "Scheme", "that scheme; the earliest of equals", kind="bits"),
        Column(
            "chosen",
            "Chosen",
            "its trained candidate of the highest mean stand-alone validation accuracy",
            kind="bits",
        ),
        Whole("found_at", "Found at", "evaluations charged by the time it was found, rounded up"),
        _Points(
            "regret", "Regret", "highest tabulated reward minus it", kind="number", optional=True
        ),
        Percent(
            "better",
            "Better by reward",
            "share of tabulated schemes with a higher reward",
            optional=True,
        ),
        Percent(
            "more_accurate",
            "More accurate",
            "share of tabulated schemes with a higher accuracy",
            optional=True,
        ),
        Column(
            "top5",
            "Top 5%",
            "whether less than 5% of tabulated schemes are more accurate",
            optional=True,
        ),
        Column("message", "Message", "why it failed, or what it opened", optional=True),
    )


TRUST = (
    Column("compared", "Compared", "which two sources of accuracy"),
    Whole("schemes", "Schemes", "that both have scored"),
    Column("spearman", "Spearman ρ", "rank correlation", kind="signed", interval=True),
    Column("kendall", "Kendall τ", "rank correlation, τ-b", kind="signed", interval=True),
    Column("pearson", "Pearson r", "linear correlation", kind="signed", interval=True),
    _Points("oracle_range", "Oracle range", "highest minus lowest oracle accuracy", kind="number"),
    _Points("test_range", "Test range", "highest minus lowest mean test accuracy", kind="number"),
)

STANDALONE = (
    Column("scheme", "Scheme", "one bit a block, first block first; 1 = connected", kind="bits"),
    Whole("connections", "Connections", "connected blocks"),
    Whole("seeds", "Seeds", "trainings that came to their end"),
    Percent("test_accuracy", "Test accuracy", "mean over seeds, test split", interval=True),
    _Points("to_full", "To Full-SA", "paired over the seeds that both have", interval=True),
    Whole(
        "diverged", "Diverged", "trainings that diverged or died and have no score", optional=True
    ),
    Percent(
        "best_epoch_accuracy",
        "Best epoch",
        "mean test accuracy of each training's best epoch, picked on the test split and so too "
        "high: the authors' way, judged by nowhere",
        terminal=True,
        optional=True,
    ),
)

VERIFICATION = (
    Column("quantity", "Quantity", "what is compared"),
    Column("ticket", "In the ticket", "as the file states it"),
    Column("here", "Here", "as it was found on this machine"),
    Column("agrees", "Agrees", "whether both may stand together; nothing where they need not"),
)


def evaluations_columns(records: RunRecords) -> tuple[Column, ...]:
    """The columns of evaluations, with accuracies and rewards as the run has them."""
    return (
        STRATEGY,
        _STRATEGY_SEED,
        oracle_column(records.kind),
        Whole(
            "evaluation", "Evaluation", "evaluations that the lane was charged by then, rounded up"
        ),
        Column(
            "scheme", "Scheme", "one bit a block, first block first; 1 = connected", kind="bits"
        ),
        Whole("connections", "Connections", "connected blocks"),
        Percent("accuracy", "Accuracy", records.kind.accuracy),
        Column("loss", "Loss", "mean validation loss", unit="nats", kind="number", digits=4),
        Percent("reward", "Reward", records.objective.formula, unit="×100"),
        Percent("best_reward", "Best so far", "highest reward up to here", unit="×100"),
    )


FACTS = (
    Column("group", "Of", "what the fact belongs to"),
    Column("name", "Fact", "its name"),
    Column("value", "Value", "its value"),
)

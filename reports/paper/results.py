"""Tables I to III of the paper: what strategies found, in accuracy, parameters and time."""

from collections.abc import Sequence

from benchmark.records.costs import Cost, PairedCost, paper_costs, sampled_costs
from reports.numbers.analysis import Analysis
from reports.paper.latex import PaperTable
from reports.paper.names import (
    Accuracy,
    Time,
    caption_of,
    cost_column,
    cost_value,
    fact,
    network_of,
    not_measured,
    sam_of,
    sharing_of,
    titles_of,
)
from reports.paper.rows import (
    NO_LANDSCAPE,
    NOT_TRAINED,
    Row,
    reference,
    strategy_row,
    strategy_rows,
)
from reports.tables.formats import words
from reports.tables.table import Column, Table, Value
from reports.tables.words import module_of

_SAMS = ("se", "sge", "dia")
"""Modules of the paper's Table II, in its order."""
_OURS = "ean"


def methods(analyses: Sequence[Analysis]) -> PaperTable:
    """Table I: every strategy's tickets, by retain probability and network."""
    titles = titles_of(analyses)
    networks = list(dict.fromkeys(titles))
    retains = list(dict.fromkeys(fact(one, "retain probability", "retain") for one in analyses))
    columns = [
        Column("retain", "p", "connection probability in supernet training"),
        Column("method", "Method", "the search strategy, or a reference"),
    ]
    parts = (
        Accuracy("accuracy", "Acc.", "stand-alone test accuracy of the chosen schemes"),
        *map(cost_column, paper_costs()),
        Column("top", "Top5%", "lanes whose scheme the oracle ranks among its best 5%"),
        Column("tickets", "Ticket", "lanes whose scheme is a ticket"),
    )
    judged = {f"verdicts by {one.rule.basis(one.confidence)}": None for one in analyses}
    reasons: dict[str, str] = {}
    why = (NOT_TRAINED, *map(not_measured, paper_costs()), NO_LANDSCAPE, NOT_TRAINED)
    for number, _ in enumerate(networks):
        for part, reason in zip(parts, why, strict=True):
            column = Column(**{**vars(part), "key": f"{part.key}_{number}"})
            columns.append(column)
            reasons[column.key] = reason
    rows: list[tuple[Value, ...]] = []
    rules = []
    for retain in retains:
        of = {
            title: one
            for title, one in zip(titles, analyses, strict=True)
            if fact(one, "retain probability", "retain") == retain
        }
        names = list(dict.fromkeys(row.name for one in of.values() for row in strategy_rows(one)))
        rules.append(len(rows))
        for name in [*names, "Full-SA", "Original"]:
            cells: list[Value] = []
            for network in networks:
                cells += _first_cells(of.get(network), name, is_strategy=name in names)
            shown = f"{retain:g}" if isinstance(retain, int | float) else retain or ""
            rows.append((shown, name, *cells))
    table = Table(
        "table-1",
        "Tickets by search strategy (Table I)",
        caption_of(
            analyses,
            f"Test split; {_relative()} over Original; {words(list(judged))}.",
        ),
        tuple(columns),
        tuple(rows),
    )
    groups = ("", "", *(name for name in networks for _ in parts))
    return PaperTable(table, groups, rules, reasons)


def _relative() -> str:
    names = [cost.name for cost in _sampled()]
    several = len(names) > 1
    return f"{words(names)} {'are relative increments' if several else 'is the relative increment'}"


def _first_cells(analysis: Analysis | None, name: str, *, is_strategy: bool) -> list[Value]:
    if analysis is None:
        return [None] * (3 + len(paper_costs()))
    row = strategy_row(analysis, name) if is_strategy else reference(analysis, name)
    costs = (cost_value(cost, row) for cost in paper_costs())
    return [row.accuracy, *costs, row.top, row.tickets]


def attention(analyses: Sequence[Analysis]) -> PaperTable:
    """Table II: a module a block, a module a stage, and what the search leaves of the latter."""
    kinds = {"sa": "SA", "share": "Share", "ours": "Share-EAN"}
    costs, sampled = paper_costs(), _sampled()
    columns = (
        Column("network", "Network", "task and backbone"),
        Column("sam", "SAM", "attention module"),
        *(
            Accuracy(f"accuracy_{key}", name, "stand-alone test accuracy")
            for key, name in kinds.items()
        ),
        *(
            cost_column(cost, key=f"{shown.key}_{key}", name=name)
            for cost, shown in costs.items()
            for key, name in kinds.items()
        ),
        *(
            Time(f"{cost.name}_saved", "saved", f"{cost.name} of Share minus that of Share-EAN")
            for cost in sampled
        ),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    sams = dict.fromkeys([*_SAMS, *sorted(filter(None, map(sam_of, analyses)))])
    titles = {sam: sam.upper() for sam in _SAMS}
    titles |= {sam_of(one): module_of(one.records) for one in analyses}
    for network in dict.fromkeys(network_of(one) for one in analyses):
        own = [one for one in analyses if network_of(one) == network]
        rules.append(len(rows))
        rows.append((network, "Original", *_cells([reference(own[0], "Original"), None, None])))
        rows += [(network, titles[sam], *_cells(_by_sharing(own, sam))) for sam in sams]
    full, share = "no run with --sharing full", "no run with --sharing share"
    why = {"sa": full, "share": share, "ours": f"{share} and strategy {_OURS}"}
    parts = ["accuracy", *(shown.key for shown in costs.values())]
    reasons = {f"{part}_{kind}": reason for part in parts for kind, reason in why.items()}
    reasons |= {f"{cost.name}_saved": why["ours"] for cost in sampled}
    table = Table(
        "table-2",
        "Full-SA, Full-Share and Share-EAN (Table II)",
        caption_of(analyses, "Test split."),
        columns,
        tuple(rows),
    )
    groups = ("", "", *["Accuracy"] * 3, *(one.group for one in costs.values() for _ in kinds))
    groups += tuple(costs[cost].group for cost in sampled)
    absent = [sam for sam in _SAMS if sam not in [sam_of(one) for one in analyses]]
    notes = tuple(f"{titles[sam]}: no run with --attention {sam}." for sam in absent)
    kinds_of_runs = [(network_of(one), sam_of(one), sharing_of(one)) for one in analyses]
    if len(set(kinds_of_runs)) < len(kinds_of_runs):
        notes += ("Of several runs with one network, module and sharing the first is shown.",)
    return PaperTable(table, groups, rules, reasons, notes)


def _by_sharing(analyses: Sequence[Analysis], sam: str) -> list[Row | None]:
    """Full-SA with a module a block, with one a stage, and what the search leaves of these."""
    # Of several runs of one kind the first counts, as the notes say.
    of = {sharing_of(one): one for one in reversed(analyses) if sam_of(one) == sam}
    return [
        reference(of["full"], "Full-SA") if "full" in of else None,
        reference(of["share"], "Full-SA") if "share" in of else None,
        strategy_row(of["share"], _OURS) if "share" in of else None,
    ]


def _cells(rows: Sequence[Row | None]) -> tuple[Value, ...]:
    """Accuracies, costs cost by cost, and what the last row saves against the one before."""
    return (
        *(row.accuracy if row else None for row in rows),
        *(cost_value(cost, row) for cost in paper_costs() for row in rows),
        *(_saved(cost, *rows[-2:]) for cost in _sampled()),
    )


def _sampled() -> list[PairedCost]:
    """Sampled costs that have a column, of which tables say how much is saved."""
    return [cost for cost in sampled_costs() if cost.paper is not None]


def _saved(cost: Cost, whole: Row | None, part: Row | None) -> float | None:
    """Increment of ``whole`` minus that of ``part``."""
    theirs, ours = cost_value(cost, whole), cost_value(cost, part)
    return None if theirs is None or ours is None else theirs - ours


def shared(analyses: Sequence[Analysis]) -> PaperTable:
    """Table III: what each strategy leaves of the network with every module."""
    columns = [
        Column("network", "Network", "task, backbone, module, sharing"),
        Column("method", "Method", "a reference or the search strategy"),
        Accuracy("accuracy", "Acc.", "stand-alone test accuracy"),
    ]
    reasons = {"accuracy": NOT_TRAINED}
    for cost in _sampled():
        saved = Time(f"{cost.name}_saved", "saved", "that of Full-SA minus it")
        columns += [cost_column(cost), saved]
        reasons |= dict.fromkeys((columns[-2].key, saved.key), not_measured(cost))
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(titles_of(analyses), analyses, strict=True):
        rules.append(len(rows))
        full = reference(one, "Full-SA")
        for row in [reference(one, "Original"), full, *strategy_rows(one)]:
            cells: list[Value] = []
            for cost in _sampled():
                saved_time = None if row is full else _saved(cost, full, row)
                cells += [cost_value(cost, row), saved_time]
            rows.append((title, row.name, row.accuracy, *cells))
    table = Table(
        "table-3",
        "Accuracy and time by search strategy (Table III)",
        caption_of(analyses, "Test split."),
        tuple(columns),
        tuple(rows),
    )
    return PaperTable(table, (), rules, reasons)

"""Tables I to III of the paper: what strategies found, in accuracy, parameters and time."""

from collections.abc import Sequence

from reports.numbers.analysis import Analysis
from reports.paper.latex import PaperTable
from reports.paper.names import (
    Accuracy,
    Parameters,
    Time,
    caption_of,
    fact,
    millions,
    network_of,
    sam_of,
    sharing_of,
    titles_of,
)
from reports.paper.rows import (
    NO_LANDSCAPE,
    NOT_TIMED,
    NOT_TRAINED,
    reference,
    strategy_row,
    strategy_rows,
)
from reports.tables.table import Column, Table, Value

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
        Parameters("parameters", "#P", "effective parameters, mean"),
        Time("time", "Time", "relative increment of inference time over Original, mean"),
        Column("top", "Top5%", "lanes whose scheme the oracle ranks among its best 5%"),
        Column("tickets", "Ticket", "lanes whose scheme is a ticket"),
    )
    reasons: dict[str, str] = {}
    why = (NOT_TRAINED, NOT_TIMED, NOT_TIMED, NO_LANDSCAPE, NOT_TRAINED)
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
        caption_of(analyses, "Test split; time is the relative increment over Original."),
        tuple(columns),
        tuple(rows),
    )
    groups = ("", "", *(name for name in networks for _ in parts))
    return PaperTable(table, groups, rules, reasons)


def _first_cells(analysis: Analysis | None, name: str, *, is_strategy: bool) -> list[Value]:
    if analysis is None:
        return [None] * 5
    row = strategy_row(analysis, name) if is_strategy else reference(analysis, name)
    return [row.accuracy, millions(row), row.increment, row.top, row.tickets]


def attention(analyses: Sequence[Analysis]) -> PaperTable:
    """Table II: a module a block, a module a stage, and what the search leaves of the latter."""
    kinds = (("sa", "SA"), ("share", "Share"), ("ours", "Share-EAN"))
    columns = (
        Column("network", "Network", "task and backbone"),
        Column("sam", "SAM", "attention module"),
        *(Accuracy(f"accuracy_{key}", name, "stand-alone test accuracy") for key, name in kinds),
        *(Parameters(f"parameters_{key}", name, "parameters") for key, name in kinds),
        *(Time(f"time_{key}", name, "over Original") for key, name in kinds),
        Time("saved", "saved", "time of Share minus that of Share-EAN"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    sams = dict.fromkeys([*_SAMS, *sorted(filter(None, map(sam_of, analyses)))])
    for network in dict.fromkeys(network_of(one) for one in analyses):
        own = [one for one in analyses if network_of(one) == network]
        rules.append(len(rows))
        first = reference(own[0], "Original")
        gaps = (None,) * 2
        original = (first.accuracy, *gaps, millions(first), *gaps, first.increment, *gaps, None)
        rows.append((network, "Original", *original))
        rows += [(network, sam.upper(), *_by_sharing(own, sam)) for sam in sams]
    full, share = "no run with --sharing full", "no run with --sharing share"
    reasons = {
        **{f"{part}_sa": full for part in ("accuracy", "parameters", "time")},
        **{f"{part}_share": share for part in ("accuracy", "parameters", "time")},
        **{
            f"{part}_ours": f"{share} and strategy {_OURS}"
            for part in ("accuracy", "parameters", "time")
        },
        "saved": f"{share} and strategy {_OURS}",
    }
    table = Table(
        "table-2",
        "Full-SA, Full-Share and Share-EAN (Table II)",
        caption_of(analyses, "Test split."),
        columns,
        tuple(rows),
    )
    groups = ("", "", *["Accuracy"] * 3, *["Parameters"] * 3, *["Relative time increment"] * 4)
    absent = [sam for sam in _SAMS if sam not in [sam_of(one) for one in analyses]]
    notes = tuple(f"{sam.upper()}: no run with --attention {sam}." for sam in absent)
    kinds_of_runs = [(network_of(one), sam_of(one), sharing_of(one)) for one in analyses]
    if len(set(kinds_of_runs)) < len(kinds_of_runs):
        notes += ("Of several runs with one network, module and sharing the first is shown.",)
    return PaperTable(table, groups, rules, reasons, notes)


def _by_sharing(analyses: Sequence[Analysis], sam: str) -> tuple[Value, ...]:
    # Of several runs of one kind the first counts, as the notes say.
    of = {sharing_of(one): one for one in reversed(analyses) if sam_of(one) == sam}
    full = reference(of["full"], "Full-SA") if "full" in of else None
    share = reference(of["share"], "Full-SA") if "share" in of else None
    ours = strategy_row(of["share"], _OURS) if "share" in of else None
    rows = (full, share, ours)
    saved = (
        share.increment - ours.increment
        if share and ours and share.increment is not None and ours.increment is not None
        else None
    )
    return (
        *(row.accuracy if row else None for row in rows),
        *(millions(row) if row else None for row in rows),
        *(row.increment if row else None for row in rows),
        saved,
    )


def shared(analyses: Sequence[Analysis]) -> PaperTable:
    """Table III: what each strategy leaves of the network with every module."""
    columns = (
        Column("network", "Network", "task, backbone, module, sharing"),
        Column("method", "Method", "a reference or the search strategy"),
        Accuracy("accuracy", "Acc.", "stand-alone test accuracy"),
        Time("time", "Time", "relative increment of inference time over Original"),
        Time("saved", "saved", "that of Full-SA minus it"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(titles_of(analyses), analyses, strict=True):
        rules.append(len(rows))
        full = reference(one, "Full-SA")
        for row in [reference(one, "Original"), full, *strategy_rows(one)]:
            known = row.increment is not None and full.increment is not None and row is not full
            saved = full.increment - row.increment if known else None  # type: ignore[operator]
            rows.append((title, row.name, row.accuracy, row.increment, saved))
    table = Table(
        "table-3",
        "Accuracy and time by search strategy (Table III)",
        caption_of(analyses, "Test split."),
        columns,
        tuple(rows),
    )
    reasons = {"accuracy": NOT_TRAINED, "time": NOT_TIMED, "saved": NOT_TIMED}
    return PaperTable(table, (), rules, reasons)

"""The layouts of Tables I to VIII of "The Lottery Ticket Hypothesis for Self-attention in CNN".

Each is made from one run or several; what no run has stays empty and says why. Where the
paper prints one network of one search, these are means over lanes with intervals.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmark.records import LaneRecord
from benchmark.schemes import format_bits, scheme_bits
from reports.analysis import Analysis
from reports.convergence import agreement
from reports.formats import level
from reports.latex import PaperTable
from reports.paper_rows import (
    NO_LANDSCAPE,
    NOT_TIMED,
    NOT_TRAINED,
    Row,
    reference,
    strategy_row,
    strategy_rows,
)
from reports.table import Column, Table, Value

_Accuracy = partial(Column, unit="%", kind="number", scale=100, interval=True)
_Parameters = partial(Column, unit="M", kind="number", digits=3)
_Time = partial(Column, unit="%", kind="number", scale=100, timing=True)
_SAMS = ("se", "sge", "dia")
_OURS = "ean"
_ROWS = 28
_SCHEMES = 3
_HOUR = 3600


def paper_tables(analyses: Sequence[Analysis]) -> list[PaperTable]:
    """All eight."""
    return [
        methods(analyses),
        attention(analyses),
        shared(analyses),
        found_schemes(analyses),
        one_search(analyses),
        times(analyses),
        crowd_counting(analyses),
        segmentation(analyses),
    ]


def _fact(analysis: Analysis, name: str, setting: str) -> Any:
    facts = analysis.records.oracles[0].facts if analysis.records.oracles else {}
    return facts.get(name, analysis.records.settings.get(setting))


def _sam(analysis: Analysis) -> str:
    return str(_fact(analysis, "attention", "attention") or "")


def _sharing(analysis: Analysis) -> str:
    return str(_fact(analysis, "sharing", "sharing") or "")


def _network(analysis: Analysis) -> str:
    """``digits resnet26-thin``."""
    backbone = _fact(analysis, "backbone", "backbone")
    return " ".join(filter(None, [str(analysis.records.facts.get("task", "")), backbone]))


def _caption(analyses: Sequence[Analysis], said: str) -> str:
    confidence = level(analyses[0].confidence)
    return f"{said} Mean over lanes with {confidence} intervals, where there are any."


def _millions(row: Row) -> float | None:
    return None if row.parameters is None else row.parameters / 1e6


def methods(analyses: Sequence[Analysis]) -> PaperTable:
    """Table I: every strategy's tickets, by retain probability and network."""
    titles = _titles(analyses)
    networks = list(dict.fromkeys(titles))
    retains = list(dict.fromkeys(_fact(one, "retain probability", "retain") for one in analyses))
    columns = [
        Column("retain", "p", "connection probability in supernet training"),
        Column("method", "Method", "the search strategy, or a reference"),
    ]
    parts = (
        _Accuracy("accuracy", "Acc.", "stand-alone test accuracy of the chosen schemes"),
        _Parameters("parameters", "#P", "effective parameters, mean"),
        _Time("time", "Time", "relative increment of inference time over Original, mean"),
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
            if _fact(one, "retain probability", "retain") == retain
        }
        names = list(dict.fromkeys(row.name for one in of.values() for row in strategy_rows(one)))
        rules.append(len(rows))
        for name in [*names, "Full-SA", "Original"]:
            cells: list[Value] = []
            for network in networks:
                cells += _first_cells(of.get(network), name, is_strategy=name in names)
            rows.append(("" if retain is None else f"{retain:g}", name, *cells))
    table = Table(
        "table-1",
        "Tickets by search strategy (Table I)",
        _caption(analyses, "Test split; time is the relative increment over Original."),
        tuple(columns),
        tuple(rows),
    )
    groups = ("", "", *(name for name in networks for _ in parts))
    return PaperTable(table, groups, rules, reasons)


def _titles(analyses: Sequence[Analysis]) -> list[str]:
    """Networks by name; where runs have the same network and p, with a number too."""
    names = [(_titled(one), _fact(one, "retain probability", "retain")) for one in analyses]
    titles = []
    for number, (title, retain) in enumerate(names):
        place = names[: number + 1].count((title, retain))
        titles.append(f"{title} ({place})" if names.count((title, retain)) > 1 else title)
    return titles


def _titled(analysis: Analysis) -> str:
    return " ".join(filter(None, [_network(analysis), _sam(analysis).upper(), _sharing(analysis)]))


def _first_cells(analysis: Analysis | None, name: str, *, is_strategy: bool) -> list[Value]:
    if analysis is None:
        return [None] * 5
    row = strategy_row(analysis, name) if is_strategy else reference(analysis, name)
    return [row.accuracy, _millions(row), row.increment, row.top, row.tickets]


def attention(analyses: Sequence[Analysis]) -> PaperTable:
    """Table II: a module a block, a module a stage, and what the search leaves of the latter."""
    kinds = (("sa", "SA"), ("share", "Share"), ("ours", "Share-EAN"))
    columns = (
        Column("network", "Network", "task and backbone"),
        Column("sam", "SAM", "attention module"),
        *(_Accuracy(f"accuracy_{key}", name, "stand-alone test accuracy") for key, name in kinds),
        *(_Parameters(f"parameters_{key}", name, "parameters") for key, name in kinds),
        *(_Time(f"time_{key}", name, "over Original") for key, name in kinds),
        _Time("saved", "saved", "time of Share minus that of Share-EAN"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for network in dict.fromkeys(_network(one) for one in analyses):
        own = [one for one in analyses if _network(one) == network]
        rules.append(len(rows))
        first = reference(own[0], "Original")
        gaps = (None,) * 2
        original = (first.accuracy, *gaps, _millions(first), *gaps, first.increment, *gaps, None)
        rows.append((network, "Original", *original))
        rows += [(network, sam.upper(), *_by_sharing(own, sam)) for sam in _SAMS]
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
        _caption(analyses, "Test split."),
        columns,
        tuple(rows),
    )
    groups = ("", "", *["Accuracy"] * 3, *["Parameters"] * 3, *["Relative time increment"] * 4)
    absent = [sam for sam in _SAMS if sam not in [_sam(one) for one in analyses]]
    notes = tuple(f"{sam.upper()}: no run with --attention {sam}." for sam in absent)
    kinds_of_runs = [(_network(one), _sam(one), _sharing(one)) for one in analyses]
    if len(set(kinds_of_runs)) < len(kinds_of_runs):
        notes += ("Of several runs with one network, module and sharing the first is shown.",)
    return PaperTable(table, groups, rules, reasons, notes)


def _by_sharing(analyses: Sequence[Analysis], sam: str) -> tuple[Value, ...]:
    # Of several runs of one kind the first counts, as the notes say.
    of = {_sharing(one): one for one in reversed(analyses) if _sam(one) == sam}
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
        *(_millions(row) if row else None for row in rows),
        *(row.increment if row else None for row in rows),
        saved,
    )


def shared(analyses: Sequence[Analysis]) -> PaperTable:
    """Table III: what each strategy leaves of the network with every module."""
    columns = (
        Column("network", "Network", "task, backbone, module, sharing"),
        Column("method", "Method", "a reference or the search strategy"),
        _Accuracy("accuracy", "Acc.", "stand-alone test accuracy"),
        _Time("time", "Time", "relative increment of inference time over Original"),
        _Time("saved", "saved", "that of Full-SA minus it"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(_titles(analyses), analyses, strict=True):
        rules.append(len(rows))
        full = reference(one, "Full-SA")
        for row in [reference(one, "Original"), full, *strategy_rows(one)]:
            known = row.increment is not None and full.increment is not None and row is not full
            saved = full.increment - row.increment if known else None  # type: ignore[operator]
            rows.append((title, row.name, row.accuracy, row.increment, saved))
    table = Table(
        "table-3",
        "Accuracy and time by search strategy (Table III)",
        _caption(analyses, "Test split."),
        columns,
        tuple(rows),
    )
    reasons = {"accuracy": NOT_TRAINED, "time": NOT_TIMED, "saved": NOT_TIMED}
    return PaperTable(table, (), rules, reasons)


def found_schemes(analyses: Sequence[Analysis]) -> PaperTable:
    """Table IV: the most accurate schemes that each strategy found, stage by stage."""
    columns = (
        Column("network", "Network", "task, backbone, module, sharing"),
        Column("method", "Method", "strategy, and a letter for each of its schemes"),
        Column("scheme", "Scheme", "one bit a block, stages apart; 1 = connected", kind="bits"),
        Column("ones", "Ones", "connected blocks of each stage"),
        _Accuracy("accuracy", "Acc.", "stand-alone test accuracy"),
        Column("verdict", "Verdict", "ticket, not a ticket or undecided"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(_titles(analyses), analyses, strict=True):
        rules.append(len(rows))
        stages = one.records.blocks_per_stage
        for standing in one.ranking.standings:
            found = [item for item in one.schemes if standing.strategy in item.strategies]
            for letter, item in zip("abc", found[:_SCHEMES], strict=False):
                bits = format_bits(item.bits, stages)
                ones = ", ".join(str(stage.count("1")) for stage in bits.split("|"))
                name = f"{standing.strategy} ({letter})"
                rows.append((title, name, bits, ones, item.test, item.verdict.word))
    table = Table(
        "table-4",
        "Schemes found (Table IV)",
        _caption(analyses, f"At most {_SCHEMES} a strategy, the most accurate on the test split."),
        columns,
        tuple(rows),
    )
    return PaperTable(table, (), rules, dict.fromkeys(("scheme", "accuracy"), NOT_TRAINED))


def one_search(analyses: Sequence[Analysis]) -> PaperTable:
    """Table V: one lane of ENAS (else of the leader), evaluation by evaluation."""
    columns = (
        Column("evaluation", "Evaluation", "charged so far", kind="whole"),
        Column("scheme", "Scheme", "asked then; 1 = connected", kind="bits"),
        Column("sparse", "Sparse", "share of unconnected blocks", kind="number"),
        Column("agreement", "p̄", "estimated from the last schemes asked", kind="number"),
    )
    analysis = analyses[0]
    lane = _shown_lane(analysis)
    if lane is None:
        said, rows = "No lane has an answer yet.", []
    else:
        window = max(analysis.convergence.window, 2)
        agreed = agreement(lane.schemes, window) if len(lane.schemes) >= window else np.zeros(0)
        at = np.unique(np.linspace(0, len(lane.schemes) - 1, _ROWS).round().astype(int)).tolist()
        rows = [
            (
                int(np.ceil(lane.charged[row])),
                format_bits(scheme_bits(lane.schemes[row]), analysis.records.blocks_per_stage),
                1 - float(lane.schemes[row].mean()),
                float(agreed[row - window + 1]) if 0 <= row - window + 1 < len(agreed) else None,
            )
            for row in at
        ]
        key = lane.key
        said = (
            f"{key.strategy}, seed {key.strategy_seed} on supernet {key.supernet_seed}. The p̄ of "
            f"the paper is a controller's own probability; here it is estimated from the last "
            f"{window} schemes asked."
        )
    table = Table("table-5", "One search (Table V)", said, columns, tuple(rows))
    short = {"agreement": "too few schemes were asked for to estimate it"}
    return PaperTable(table, (), (), short)


def _shown_lane(analysis: Analysis) -> LaneRecord | None:
    lanes = [lane for lane in analysis.records.lanes if len(lane.schemes)]
    order = ["enas", *(standing.strategy for standing in analysis.ranking.standings)]
    return min(lanes, key=lambda lane: order.index(lane.key.strategy), default=None)


def times(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VI: search time against the time of training one network from scratch."""
    hours = partial(Column, unit="h", kind="number", digits=4, scale=1, timing=True)
    columns = (
        Column("machine", "Machine", "where it ran"),
        Column("model", "Model", "task, backbone, module, sharing"),
        Column("method", "Method", "the search strategy"),
        hours("training", "Train time", "one network from scratch, mean"),
        hours("supernet", "Supernet", "its training, mean over supernets"),
        hours("search", "Search time", "one lane searching alone, mean over lanes"),
        _Time("share", "Search/Train", "search as a share of training one network"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(_titles(analyses), analyses, strict=True):
        rules.append(len(rows))
        seconds = [item.seconds for item in one.records.standalone if not item.failure]
        training = float(np.mean(seconds)) / _HOUR if seconds else None
        machine = str(one.records.environment.get("processor", ""))
        for item in one.times:
            search = item.search.center / _HOUR
            share = search / training if training else None
            supernet = item.training / _HOUR or None
            rows.append((machine, title, item.strategy, training, supernet, search, share))
    said = (
        "Hours of the machine named. A search alone costs its strategy's own time and the oracle's "
        "mean time for each evaluation; the supernet is shared by all."
    )
    table = Table("table-6", "Training and search time (Table VI)", said, columns, tuple(rows))
    reasons = {"training": NOT_TRAINED, "share": NOT_TRAINED, "supernet": "no supernet was trained"}
    return PaperTable(table, (), rules, reasons)


def crowd_counting(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VII: transfer to ShanghaiTech."""
    parts = (("mae", "MAE"), ("mse", "MSE"))
    return _transfer(
        analyses, "table-7", "Crowd counting on ShanghaiTech (Table VII)", parts, "crowd counting"
    )


def segmentation(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VIII: transfer to VOC 2012."""
    parts = (("miou", "mIoU"), ("macc", "mAcc"), ("all_acc", "allAcc"))
    return _transfer(
        analyses, "table-8", "Segmentation on VOC 2012 (Table VIII)", parts, "segmentation"
    )


def _transfer(
    analyses: Sequence[Analysis],
    name: str,
    title: str,
    parts: Sequence[tuple[str, str]],
    what: str,
) -> PaperTable:
    kinds = (("sa", "SA"), ("share", "Share"), ("ours", "EAN"))
    columns = (
        Column("sam", "SAM", "attention module"),
        *(
            Column(f"{part}_{key}", kind, f"{said}, test split", kind="number")
            for part, said in (*parts, ("time", "Time"))
            for key, kind in kinds
        ),
    )
    reason = f"transfer to {what} is not part of {'these runs' if len(analyses) > 1 else 'a run'}"
    modules = list(dict.fromkeys(_sam(one).upper() for one in analyses))
    rows = tuple((sam, *(None for _ in columns[1:])) for sam in modules)
    groups = ("", *(said for _, said in (*parts, ("time", "Time")) for _ in kinds))
    caption = "Networks with the attention modules that were searched for."
    table = Table(name, title, caption, columns, rows)
    return PaperTable(table, groups, (), dict.fromkeys((c.key for c in columns), reason))

"""Tables IV to VI of the paper: schemes that were found, one search, its time."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmark.records.run import LaneRecord
from benchmark.records.schemes import format_bits, scheme_bits
from reports.numbers.analysis import Analysis
from reports.numbers.convergence import agreement
from reports.paper.latex import PaperTable
from reports.paper.names import Accuracy, Time, caption_of, titles_of
from reports.paper.rows import NOT_TRAINED
from reports.tables.table import Column, Table, Value

_ROWS = 28
_SCHEMES = 3
_HOUR = 3600


def found_schemes(analyses: Sequence[Analysis]) -> PaperTable:
    """Table IV: the most accurate schemes that each strategy found, stage by stage."""
    columns = (
        Column("network", "Network", "task, backbone, module, sharing"),
        Column("method", "Method", "strategy, and a letter for each of its schemes"),
        Column("scheme", "Scheme", "one bit a block, stages apart; 1 = connected", kind="bits"),
        Column("ones", "Ones", "connected blocks of each stage"),
        Accuracy("accuracy", "Acc.", "stand-alone test accuracy"),
        Column("verdict", "Verdict", "ticket, not a ticket or undecided"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(titles_of(analyses), analyses, strict=True):
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
        caption_of(
            analyses, f"At most {_SCHEMES} a strategy, the most accurate on the test split."
        ),
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
        Time("share", "Search/Train", "search as a share of training one network"),
    )
    rows: list[tuple[Value, ...]] = []
    rules = []
    for title, one in zip(titles_of(analyses), analyses, strict=True):
        rules.append(len(rows))
        seconds = [item.seconds for item in one.records.standalone if not item.failure]
        training = float(np.mean(seconds)) / _HOUR if seconds else None
        machine = str(one.records.environment.get("processor", ""))
        for item in one.times:
            search = item.search.center / _HOUR
            share = search / training if training else None
            supernet = None if item.training is None else item.training / _HOUR
            rows.append((machine, title, item.strategy, training, supernet, search, share))
    said = (
        "Hours of the machine named. A search alone costs its strategy's own time and the oracle's "
        "mean time for each evaluation; the supernet is shared by all."
    )
    table = Table("table-6", "Training and search time (Table VI)", said, columns, tuple(rows))
    reasons = {"training": NOT_TRAINED, "share": NOT_TRAINED, "supernet": "no supernet was trained"}
    return PaperTable(table, (), rules, reasons)

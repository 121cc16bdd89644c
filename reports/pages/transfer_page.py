"""What a transfer found: the layout of the paper's Tables VII and VIII, with intervals."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import isnan, nan
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from benchmark.basics.files import write_texts
from benchmark.records.costs import (
    TIME,
    Cost,
    ExactCost,
    PairedCost,
    sampled_costs,
    strict_costs,
)
from benchmark.records.noise import test_scores
from benchmark.records.run import Interval, StandaloneRecord
from benchmark.records.schemes import format_bits
from benchmark.records.transfer import TICKET, CarriedResult, TransferRecords
from reports.numbers.trust import correlation
from reports.pages.html import render_transfer
from reports.tables.columns import TRUST
from reports.tables.field import FieldFigure, field_figures
from reports.tables.formats import bounds, count, level, percent, signed, words
from reports.tables.table import (
    Column,
    Table,
    Value,
    describe_columns,
    escape_markdown,
    to_csv,
    to_markdown,
)

_NAMED = ("Original", "Full-SA", "Full-Share")
_FEWEST = 3
_RANKS = ("compared", "schemes", "spearman", "kendall")


def gains(records: TransferRecords) -> list[FieldFigure]:
    """One a figure of the target's field, the main one first."""
    trained = [
        (result.network.key, record)
        for result in _distinct(records.results)
        for record in result.target
    ]
    return field_figures(records.figures, trained, float(records.settings["confidence"]))


def transfer_table(records: TransferRecords) -> Table:
    """One row a network: what it reaches on the target task, and what it costs there."""
    found = gains(records)
    full_share = _named(records, "Full-Share")
    rows = [_row(records, found, result, full_share) for result in records.results]
    seeds = {record.seed for result in records.results for record in result.target}
    main = found[0]
    caption = (
        f"{records.attention} modules, trained on {_task(records.source)} and then, with "
        f"these weights, on {_task(records.target)}: test split, mean over "
        f"{count(len(seeds), 'seed')}; {_noise_words(main)}. Layout of the paper's Tables VII and "
        "VIII."
    )
    title = f"{_task(records.target)} with weights from {_task(records.source)}"
    return Table("transfer", title, caption, _columns(found), tuple(rows))


def _noise_words(main: FieldFigure) -> str:
    freedom = main.noise.freedom
    if not freedom:
        return "no intervals, which take several seeds of several networks"
    return (
        f"{level(main.confidence)} intervals leave out what a seed does to all networks alike "
        f"({count(freedom, 'degree')} of freedom)"
    )


def _columns(found: Sequence[FieldFigure]) -> tuple[Column, ...]:
    main = found[0]
    return (
        Column("network", "Network", "Original, Full-SA, Full-Share, the ticket, or a scheme"),
        Column("sharing", "Modules", "one a block (full) or a stage (share)", terminal=False),
        Column(
            "scheme", "Scheme", "on the source task; 1 = connected", kind="bits", terminal=False
        ),
        *(item.column for item in found),
        Column(
            "to_original",
            f"{main.kind.name} to Original",
            f"{main.kind.name} minus Original's, paired over seeds; "
            + ("below zero is better" if main.kind.lower_is_better else "above zero is better"),
            unit="points" if main.scale > 1 else main.kind.unit,
            kind="signed",
            digits=main.kind.digits,
            interval=True,
            scale=main.scale,
        ),
        *(column for cost in sampled_costs() for column in _increment_columns(cost)),
        *(
            Column(
                *(cost.name, cost.words.capitalize(), f"{cost.words} of the target's network"),
                kind="whole",
                terminal=False,
            )
            for cost in strict_costs()
            if isinstance(cost, ExactCost)
        ),
        Column(
            "source_accuracy",
            "Source accuracy",
            "test accuracy on the source task, mean over seeds",
            unit="%",
            kind="number",
            scale=100,
            terminal=False,
        ),
        Column("seeds", "Seeds", "trainings that came to their end", kind="whole", terminal=False),
        Column(
            "failed",
            "Failed",
            "trainings on either task that diverged or whose head died",
            kind="whole",
            optional=True,
        ),
        Column("why", "Because", "why they failed", terminal=False, optional=True),
    )


def _increment_columns(cost: PairedCost) -> tuple[Column, Column]:
    signed_column = partial(Column, kind="signed", digits=2, scale=100, timing=True)
    return (
        signed_column(
            f"{cost.name}_increment",
            f"{cost.name.capitalize()} increment",
            f"{cost.words} relative to Original on the target task, minus 1",
            unit="%",
            interval=True,
        ),
        signed_column(
            f"{cost.name}_saved",
            "Saved",
            f"{cost.name} increment of Full-Share minus this one: the paper's brackets",
            unit="points",
        ),
    )


def _increments(result: CarriedResult, full_share: CarriedResult) -> list[Interval | float | None]:
    """What stands in `_increment_columns`; networks without attention are Original's."""
    cells: list[Interval | float | None] = []
    for cost in sampled_costs():
        ours, theirs = (_increment_of(cost, item) for item in (result, full_share))
        names_itself = result.network.name in ("Full-SA", "Full-Share")
        saved = theirs.center - ours.center if theirs and ours and not names_itself else None
        cells += [ours, saved] if "1" in result.network.used else [None, None]
    return cells


def _increment_of(cost: Cost, result: CarriedResult) -> Interval | None:
    measure = cost.of(result.cost)
    return None if measure is None else measure.increment


def _row(
    records: TransferRecords,
    found: Sequence[FieldFigure],
    result: CarriedResult,
    full_share: CarriedResult,
) -> tuple[Value, ...]:
    network = result.network
    failures = _failures(result)
    original = _named(records, "Original").network.key
    return (
        network.name or _bits(records, result),
        network.sharing,
        _bits(records, result),
        *(item.mean(network.key) for item in found),
        found[0].difference(network.key, original) if network.name != "Original" else None,
        *_increments(result, full_share),
        *(
            None if (measure := cost.of(result.cost)) is None else measure.value
            for cost in strict_costs()
            if isinstance(cost, ExactCost)
        ),
        _source_accuracy(result),
        len(found[0].scores.get(network.key, {})),
        len(failures),
        "; ".join(dict.fromkeys(failures)),
    )


def rank_table(records: TransferRecords) -> Table:
    """Does the better scheme on the source make the better network on the target?"""
    rows: list[tuple[Value, ...]] = []
    for label, results in (
        ("all carried schemes", _distinct(records.results)),
        (
            "without Original, Full-SA and Full-Share",
            _distinct([item for item in records.results if item.network.name not in _NAMED]),
        ),
    ):
        a, b = _sides(records, results)
        if len(a) >= _FEWEST:
            rows.append(_correlations(records, label, a, b))
    caption = (
        f"Mean test accuracy on {_task(records.source)} against {_oriented(records)} on "
        f"{_task(records.target)}, over the schemes carried over. Intervals of "
        f"{level(float(records.settings['confidence']))} on Fisher's z scale, approximate and too "
        "narrow under some ten schemes; more schemes come with --candidates or --schemes."
    )
    columns = tuple(column for column in TRUST if column.key in _RANKS)
    return Table("rank-transfer", "Rank transfer", caption, columns, tuple(rows))


def _correlations(
    records: TransferRecords,
    label: str,
    a: Float64[np.ndarray, " n"],
    b: Float64[np.ndarray, " n"],
) -> tuple[Value, ...]:
    confidence = float(records.settings["confidence"])
    return (
        label,
        len(a),
        correlation(a, b, "spearman", confidence),
        correlation(a, b, "kendall", confidence),
    )


def _oriented(records: TransferRecords) -> str:
    kind = records.figures[0]
    return f"{'minus ' if kind.lower_is_better else ''}{kind.name}"


def _sides(
    records: TransferRecords, results: Sequence[CarriedResult]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """What networks reach on the source and on the target, higher is better on both."""
    main = gains(records)[0]
    sign = -1.0 if main.kind.lower_is_better else 1.0
    pairs = np.array(
        [(_source_accuracy(item), sign * main.mean(item.network.key).center) for item in results],
        dtype=np.float64,
    ).reshape(-1, 2)
    known = pairs[~np.isnan(pairs).any(axis=1)]
    return known[:, 0], known[:, 1]


def _distinct(results: Sequence[CarriedResult]) -> list[CarriedResult]:
    return list({item.network.key: item for item in results}.values())


def transfer_sentences(records: TransferRecords) -> list[str]:
    """What was found, in words."""
    main = gains(records)[0]
    reached, lost = [], []
    for item in records.results:
        mean = main.mean(item.network.key)
        if item.network.name and isnan(mean.center):
            lost.append(item.network.name)
        elif item.network.name:
            reached.append(f"{item.network.name} {main.shown(mean)}")
    sentences = [f"{main.kind.name} on {_task(records.target)}: {words(reached)}."] * bool(reached)
    if lost:
        sentences.append(
            f"On {_task(records.target)} no training of {words(lost)} came to its end."
        )
    ticket = _named(records, TICKET)
    for name in ("Full-SA", "Full-Share", "Original"):
        known = [item for item in records.results if item.network.name == name]
        if known and known[0].network.key != ticket.network.key:
            sentences.append(_compared(main, ticket, known[0]))
    sentences += _latency_sentence(records, ticket)
    for table_row in rank_table(records).rows[:1]:
        _, schemes, spearman, _ = table_row
        assert isinstance(spearman, Interval)
        assert isinstance(schemes, int)
        sentences.append(
            f"Rank correlation between source and target over {count(schemes, 'scheme')}: "
            f"Spearman {_correlation(spearman)}."
        )
    sentences += _failure_sentences(records)
    return sentences


def _compared(main: FieldFigure, ticket: CarriedResult, other: CarriedResult) -> str:
    gap = main.difference(ticket.network.key, other.network.key)
    name = other.network.name
    if gap is None:
        return f"The ticket and {name} share no seed whose trainings came to their end."
    better = gap.high < 0 if main.kind.lower_is_better else gap.low > 0
    worse = gap.low > 0 if main.kind.lower_is_better else gap.high < 0
    word = "better than" if better else "worse than" if worse else "not told apart from"

    def number(value: float) -> str:
        return signed(value * main.scale, main.kind.digits)

    return (
        f"The ticket is {word} {name} on the target: {main.kind.name} differs by "
        f"{number(gap.center)} {bounds(gap, number)}"
        f"{' points' if main.scale > 1 else ''}."
    )


def _latency_sentence(records: TransferRecords, ticket: CarriedResult) -> list[str]:
    share, increment = (_increment_of(TIME, one) for one in (_named(records, "Full-Share"), ticket))
    if increment is None or share is None:
        return []
    theirs = f"Full-Share takes {_increment(share)}"
    if "1" not in ticket.network.used:
        return [f"The ticket connects no block there, so it is Original's network; {theirs}."]
    ours = f"The ticket takes {_increment(increment)}"
    return [f"{ours} {'as' if _alike(increment) else 'than'} Original there; {theirs}."]


def _alike(ratio: Interval) -> bool:
    return percent(abs(ratio.center)) == percent(0)


def _increment(ratio: Interval) -> str:
    """``6.16% more time [+5.16%, +7.16%]``, its interval signed as the ratio is."""

    def number(value: float) -> str:
        return f"{signed(value * 100)}%"

    if _alike(ratio):
        return f"as much time {bounds(ratio, number)}"
    word = "less" if ratio.center < 0 else "more"
    return f"{percent(abs(ratio.center))} {word} time {bounds(ratio, number)}"


def _failure_sentences(records: TransferRecords) -> list[str]:
    sentences = []
    for result in _distinct(records.results):
        failures = _failures(result)
        if failures:
            trained = len(result.source) + len(result.target)
            why = "; ".join(dict.fromkeys(failures))
            name = result.network.name or _bits(records, result)
            sentences.append(f"{len(failures)} of {trained} trainings of {name} failed: {why}.")
    return sentences


def _failures(result: CarriedResult) -> list[str]:
    both: tuple[StandaloneRecord, ...] = (*result.source, *result.target)
    return [record.failure for record in both if record.failure]


def _source_accuracy(result: CarriedResult) -> float:
    scores = [value for row in test_scores(result.source).values() for value in row.values()]
    return float(np.mean(scores)) if scores else nan


def _correlation(interval: Interval) -> str:
    if isnan(interval.center):
        return "undefined, as one side is constant"
    return f"{signed(interval.center)} {bounds(interval, signed)}"


def _named(records: TransferRecords, name: str) -> CarriedResult:
    return next(item for item in records.results if item.network.name == name)


def _bits(records: TransferRecords, result: CarriedResult) -> str:
    return format_bits(result.network.bits, records.blocks_per_stage)


def _task(facts: Mapping[str, object]) -> str:
    return str(facts.get("task", "the task"))


def facts_table(records: TransferRecords) -> Table:
    """What is needed to repeat it."""
    rows: list[tuple[Value, ...]] = [
        (group, str(name), str(value))
        for group, facts in (
            ("source", records.source),
            ("target", records.target),
            ("environment", records.environment),
        )
        for name, value in facts.items()
    ]
    columns = (
        Column("group", "Of", "what the fact belongs to"),
        Column("name", "Fact", "its name"),
        Column("value", "Value", "its value"),
    )
    return Table("facts", "How to repeat this", "Data, versions, machine.", columns, tuple(rows))


def write_transfer(records: TransferRecords, folder: Path) -> list[Path]:
    """Write the page, Markdown and CSV files into ``folder``, which is made if need be."""
    tables = [transfer_table(records), rank_table(records)]
    facts, sentences = facts_table(records), transfer_sentences(records)
    lines = "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)
    parts = ["# Ticket Benchmark: transfer", lines]
    parts += [to_markdown(table).rstrip() for table in [*tables, facts] if table.rows]
    contents = {
        "transfer.html": render_transfer(
            [table.shown() for table in tables if table.rows], facts, sentences, tables[0].title
        ),
        "transfer.md": "\n\n".join(parts) + "\n",
        **{f"{table.name}.csv": to_csv(table) for table in tables},
        "COLUMNS.md": describe_columns(tables),
    }
    return write_texts(folder, contents)

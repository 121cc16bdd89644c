"""The tables of a report."""

import json
from math import ceil
from typing import Any

import numpy as np

from benchmark.records.run import RunRecords
from benchmark.records.schemes import format_bits, scheme_bits
from reports.numbers.analysis import Analysis
from reports.numbers.landscape import strategy_finds
from reports.numbers.statistics import best_so_far
from reports.numbers.trust import Trust
from reports.tables.columns import (
    FACTS,
    RANKING,
    TRUST,
    cost_values,
    evaluations_columns,
    lanes_columns,
    schemes_columns,
)
from reports.tables.field import field_figures, score_words, with_figures
from reports.tables.formats import count, level, percent, words
from reports.tables.table import Table, Value
from reports.tables.words import (
    interval_words,
    noise_words,
    not_trained,
    oracle_words,
    rule_words,
    seed_words,
    timing_words,
)

_SCORES = 3
"""Where scores begin in a row of trained schemes."""


def ranking_table(analysis: Analysis) -> Table:
    """One row a strategy, the leader first."""
    records, ranking = analysis.records, analysis.ranking
    found = strategy_finds(ranking, dict(analysis.finds))
    trained = {item.strategy: item for item in analysis.strategies}
    rows: list[tuple[Value, ...]] = []
    for item in ranking.standings:
        regret, top, placed = found.get(item.strategy, (None, None, None))
        outcome = trained.get(item.strategy)
        accuracy: tuple[Value, ...] = (None,) * 4
        counts: tuple[Value, ...] = (None,) * 3
        if outcome is not None:
            verdicts = (outcome.words.get(word, 0) for word in ("ticket", "undecided"))
            accuracy = (outcome.test, outcome.over_full, *verdicts)
            counts = (outcome.over_original, outcome.candidates, outcome.paper_tickets)
        rows.append(
            (
                item.rank,
                item.strategy,
                item.reward,
                item.behind,
                None if item.test is None else item.test.p_value,
                *accuracy,
                item.lanes,
                item.failed,
                item.running,
                item.mean_rank,
                regret,
                f"{top} of {placed}" if placed else None,
                *counts,
            )
        )
    rewards = [item.reward for item in ranking.standings]
    caption = (
        f"Best reward = {records.objective.words}; "
        f"{oracle_words(records)}; each lane's best within {count(ranking.horizon, 'evaluation')}, "
        f"mean over lanes{interval_words(rewards, analysis.confidence)}. Strategies that can't be "
        "told from the leader share rank 1 (permutation test, Shaffer-corrected, "
        f"{level(1 - analysis.confidence)}). {_tested(analysis)}."
    )
    return Table("ranking", "Ranking of strategies", caption, RANKING, tuple(rows))


def _tested(analysis: Analysis) -> str:
    if not analysis.schemes:
        return not_trained(analysis.records)
    return f"Test accuracies: {seed_words(analysis.schemes)}; {rule_words(analysis)}"


def schemes_table(analysis: Analysis) -> Table:
    """One row a trained scheme, the highest test accuracy first."""
    records = analysis.records
    rows: list[tuple[Value, ...]] = []
    trained = ((record.bits, record) for record in records.standalone)
    figures = field_figures(records.figures, trained, analysis.confidence)
    for item in analysis.schemes:
        cost, oracle = item.cost, list(item.oracle.values())
        rows.append(
            (
                format_bits(item.bits, records.blocks_per_stage),
                item.name,
                item.verdict.word,
                *(figure.mean(item.bits) for figure in figures),
                item.test,
                item.verdict.difference,
                *cost_values(cost, main=True),
                item.verdict.paper_rule,
                item.verdict.reason,
                item.over_original,
                len(item.verdict.seeds),
                words(tuple(str(seed) for seed in item.verdict.missing_seeds)),
                item.bits.count("1"),
                float(np.mean(oracle)) if oracle else None,
                item.validation,
                cost.parameters_as_built if cost else None,
                *cost_values(cost, main=False),
                item.diverged,
                item.best_epoch,
                words(item.strategies),
            )
        )
    caption = (
        f"Stand-alone networks: test split, mean over {seed_words(analysis.schemes)}. Differences "
        f"are paired over seeds; {noise_words(analysis.noise.freedom, analysis.confidence)}; "
        f"{rule_words(analysis)}. {timing_words(analysis)} Oracle: {oracle_words(records)}."
        f"{score_words(figures)}"
        if rows
        else f"{not_trained(records)}."
    )
    columns = with_figures(schemes_columns(), _SCORES, figures)
    return Table("schemes", "Trained schemes", caption, columns, tuple(rows))


def lanes_table(analysis: Analysis) -> Table:
    """One row a lane, in the order of the run."""
    records = analysis.records
    chosen = {key: bits for item in analysis.strategies for key, bits in item.chosen.items()}
    rows: list[tuple[Value, ...]] = []
    for lane in analysis.ranking.lanes:
        find = analysis.finds.get(lane.key)
        rows.append(
            (
                lane.key.strategy,
                lane.key.strategy_seed,
                lane.key.supernet_seed,
                lane.state,
                lane.evaluations,
                lane.reward,
                lane.accuracy,
                _shown(lane.bits, records),
                _shown(chosen.get(lane.key), records),
                lane.found_at or None,
                find.regret if find else None,
                find.better if find else None,
                find.more_accurate if find else None,
                find.top if find else None,
                lane.message,
            )
        )
    caption = (
        f"One row a lane ({' × '.join(('strategy', *records.kind.seeds[::-1]))}); "
        f"{oracle_words(records)}; "
        f"best of its first {count(analysis.ranking.horizon, 'evaluation')}."
    )
    return Table("lanes", "Lanes", caption, lanes_columns(records.kind), tuple(rows))


def trust_table(analysis: Analysis) -> Table:
    """One row a supernet and batch-norm mode, for each source of trained schemes; then pairs."""
    rows: list[tuple[Value, ...]] = [
        (
            _compared(item),
            item.schemes,
            item.spearman,
            item.kendall,
            item.pearson,
            item.oracle_range[1] - item.oracle_range[0],
            item.test_range[1] - item.test_range[0],
        )
        for item in analysis.mode_trust or analysis.trust
    ]
    for pair in analysis.agreements:
        one, other = pair.supernet_seeds
        label = _with_mode(f"supernet {one} with supernet {other}", pair.batch_norm)
        rows.append((label.rstrip(","), pair.schemes, pair.spearman, None, None, None, None))
    modes = ", both batch-norm modes" if analysis.mode_trust else ""
    trained = (
        f"Stand-alone: test split, mean over {seed_words(analysis.schemes)}."
        if analysis.schemes
        else f"{not_trained(analysis.records)}."
    )
    caption = (
        f"Oracle: {oracle_words(analysis.records)} in the search{modes}. {trained} Intervals of "
        f"{level(analysis.confidence)} on Fisher's z scale."
    )
    if analysis.schemes:
        caption += (
            " Only schemes that searches liked, Original and Full-SA are trained: a restricted "
            "range, in which correlations are usually lower than over all schemes."
        )
    if analysis.records.outside_source:
        caption += (
            f" {analysis.records.outside_source}: other schemes, trained before this run on the "
            "same data by the same recipe; Original and Full-SA left out."
        )
    return Table("trust", "How far the oracle can be trusted", caption, TRUST, tuple(rows))


def _compared(item: Trust) -> str:
    trained = f"with {item.source}" if item.source else "with stand-alone training"
    return f"{_with_mode(f'supernet {item.supernet_seed}', item.batch_norm)} {trained}"


def _with_mode(text: str, batch_norm: str) -> str:
    return f"{text}, {batch_norm}," if batch_norm else text


def evaluations_table(records: RunRecords) -> Table:
    """One row an evaluation, in the order in which each lane asked."""
    rows: list[tuple[Value, ...]] = []
    for lane in records.lanes:
        reward = records.objective.reward(lane.schemes, lane.accuracy)
        best = best_so_far(reward)
        for number, scheme in enumerate(lane.schemes):
            rows.append(
                (
                    lane.key.strategy,
                    lane.key.strategy_seed,
                    lane.key.supernet_seed,
                    ceil(lane.charged[number]),
                    format_bits(scheme_bits(scheme), records.blocks_per_stage),
                    int(scheme.sum()),
                    float(lane.accuracy[number]),
                    float(lane.loss[number]),
                    float(reward[number]),
                    float(best[number]),
                )
            )
    caption = (
        "Every full answer of a lane, with the evaluations charged by then; "
        f"{oracle_words(records)}."
    )
    return Table("evaluations", "Evaluations", caption, evaluations_columns(records), tuple(rows))


def facts_table(records: RunRecords) -> Table:
    """What the run was made of; times are the only values here that a repetition may change."""
    rows: list[tuple[Value, ...]] = [("experiment", "identity", records.experiment)]
    groups = [
        ("environment", records.environment),
        ("settings", records.settings),
        ("task", records.facts),
    ]
    for oracle in records.oracles:
        facts = {
            "identity": oracle.identity,
            **oracle.facts,
            "accuracy of Original": percent(oracle.original_accuracy),
            "accuracy of Full-SA": percent(oracle.full_accuracy),
            "schemes tabulated": len(oracle.schemes),
        }
        kind = records.kind
        if kind.trains:
            facts |= {
                "schemes scored in this run": oracle.evaluations,
                "seconds of scoring (timing)": f"{oracle.seconds:.1f}",
                "seconds of supernet training (timing)": f"{oracle.training_seconds:.1f}",
            }
        groups.append((kind.called(oracle.supernet_seed), facts))
    rows += [
        (group, str(name), _written(_told(value)))
        for group, facts in groups
        for name, value in facts.items()
        if _told(value) not in (None, {})
    ]
    if records.standalone:
        seconds = sum(item.seconds for item in records.standalone)
        rows.append(("stand-alone", "trainings", str(len(records.standalone))))
        rows.append(("stand-alone", "seeds", words(_seeds(records))))
        rows.append(("stand-alone", "seconds of training (timing)", f"{seconds:.1f}"))
    caption = (
        "Command, versions, hashes, splits and seeds: what it takes to make this report again. "
        "Settings that aren't listed are those of the task."
    )
    return Table("facts", "How to reproduce", caption, FACTS, tuple(rows))


def _seeds(records: RunRecords) -> tuple[str, ...]:
    return tuple(str(seed) for seed in sorted({item.seed for item in records.standalone}))


def _told(value: Any) -> Any:
    """A setting without what was left to the task."""
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if part is not None}
    return value


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _shown(bits: str | None, records: RunRecords) -> str | None:
    return format_bits(bits, records.blocks_per_stage) if bits else None

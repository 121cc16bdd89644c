"""Everything a report says, computed once; tables, figures and sentences only present it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.records.rules import Rule
from benchmark.records.run import LaneKey, RunRecords
from reports.numbers.convergence import Convergence, convergence
from reports.numbers.curves import Checkpoint, Curve, checkpoints, curves, time_curves
from reports.numbers.explained import Explained, explain
from reports.numbers.fronts import Fronts, fronts
from reports.numbers.landscape import Find, Landscape, finds, landscapes
from reports.numbers.outcomes import (
    SchemeOutcome,
    StrategyOutcome,
    scheme_outcomes,
    strategy_outcomes,
)
from reports.numbers.ranking import Ranking, rank_strategies
from reports.numbers.statistics import CONFIDENCE
from reports.numbers.times import SearchTime, search_times
from reports.numbers.trust import (
    Agreement,
    OracleNoise,
    SeedNoise,
    Trust,
    agreements,
    oracle_noise,
    outside_outcomes,
    seed_noise,
    trust,
    trust_by_mode,
)


@dataclass(frozen=True)
class Analysis:
    """The results of one run; see the functions that make each part.

    ``confidence`` is that of all intervals, tests and verdicts: the setting of this name.
    ``rule`` is what verdicts are found by: the setting ``verdict``.
    """

    records: RunRecords
    confidence: float
    rule: Rule
    ranking: Ranking
    curves: Sequence[Curve]
    time_curves: Sequence[Curve]
    checkpoints: Sequence[Checkpoint]
    convergence: Convergence
    times: Sequence[SearchTime]
    fronts: Fronts
    landscapes: Mapping[int, Landscape]
    explained: Mapping[int, Explained]
    finds: Mapping[LaneKey, Find]
    schemes: Sequence[SchemeOutcome]
    strategies: Sequence[StrategyOutcome]
    outside: Sequence[SchemeOutcome]
    trust: Sequence[Trust]
    mode_trust: Sequence[Trust]
    oracle_noise: OracleNoise | None
    agreements: Sequence[Agreement]
    noise: SeedNoise


def analyse(records: RunRecords) -> Analysis:
    """Compute all results of a run from its records, each once."""
    confidence = float(records.settings.get("confidence", CONFIDENCE))
    ranking = rank_strategies(records, confidence)
    tables = landscapes(records)
    rule = Rule.of(records.settings)
    schemes = scheme_outcomes(records, confidence, rule)
    sound = [item for item in schemes if not item.all_diverged]
    outside = outside_outcomes(records, confidence)
    drawn = curves(records, ranking)
    return Analysis(
        records=records,
        confidence=confidence,
        rule=rule,
        ranking=ranking,
        curves=drawn,
        time_curves=time_curves(records, ranking),
        checkpoints=checkpoints(drawn, ranking.horizon),
        convergence=convergence(records, ranking),
        times=search_times(records, ranking),
        fronts=fronts(records, ranking),
        landscapes=tables,
        explained=_explained(records),
        finds=finds(tables, ranking.lanes),
        schemes=schemes,
        strategies=strategy_outcomes(records, schemes, confidence),
        trust=trust(records, sound, confidence),
        outside=outside,
        mode_trust=trust_by_mode(records, sound, outside, confidence),
        oracle_noise=oracle_noise(records, sound, outside, confidence),
        agreements=agreements(records, confidence),
        noise=seed_noise(records.standalone),
    )


def _explained(records: RunRecords) -> dict[int, Explained]:
    """Whole landscapes by supernet seed; records know connections, not parameters."""
    return {
        oracle.supernet_seed: explain(
            oracle.schemes, oracle.accuracy, oracle.schemes.sum(axis=1, dtype=np.int64)
        )
        for oracle in records.oracles
        if oracle.schemes.size > 0
        and len(oracle.schemes) == 2 ** oracle.schemes.shape[1]
        and not np.isnan(oracle.accuracy).all()
    }

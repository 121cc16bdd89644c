"""Everything a report says, computed once; tables, figures and sentences only present it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.records import LaneKey, RunRecords
from reports.curves import Curve, curves
from reports.explained import Explained, explain
from reports.landscape import Find, Landscape, finds, landscapes
from reports.outcomes import SchemeOutcome, StrategyOutcome, scheme_outcomes, strategy_outcomes
from reports.ranking import Ranking, rank_strategies
from reports.statistics import CONFIDENCE
from reports.trust import Agreement, SeedNoise, Trust, agreements, seed_noise, trust


@dataclass(frozen=True)
class Analysis:
    """The results of one run; see the functions that make each part.

    ``confidence`` is that of all intervals, tests and verdicts: the setting of this name.
    """

    records: RunRecords
    confidence: float
    ranking: Ranking
    curves: Sequence[Curve]
    landscapes: Mapping[int, Landscape]
    explained: Mapping[int, Explained]
    finds: Mapping[LaneKey, Find]
    schemes: Sequence[SchemeOutcome]
    strategies: Sequence[StrategyOutcome]
    trust: Sequence[Trust]
    agreements: Sequence[Agreement]
    noise: SeedNoise


def analyse(records: RunRecords) -> Analysis:
    """Compute all parts."""
    confidence = float(records.settings.get("confidence", CONFIDENCE))
    ranking = rank_strategies(records, confidence)
    tables = landscapes(records)
    schemes = scheme_outcomes(records, confidence)
    return Analysis(
        records=records,
        confidence=confidence,
        ranking=ranking,
        curves=curves(records, ranking),
        landscapes=tables,
        explained=_explained(records),
        finds=finds(tables, ranking.lanes),
        schemes=schemes,
        strategies=strategy_outcomes(records, schemes, confidence),
        trust=trust(records, schemes, confidence),
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
        if oracle.schemes.size > 0 and len(oracle.schemes) == 2 ** oracle.schemes.shape[1]
    }

"""What a run can have lost or not got yet, and what its sentences may say all the same."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from benchmark.records.run import Interval, LaneRecord, OracleAnswers, OracleRecord, RunRecords
from reports.charts.budgets import budgets_table
from reports.numbers.analysis import Analysis
from reports.pages.report import Report
from reports.sentences.answers import answers, title
from reports.sentences.headline import headline
from reports.tables.formats import percent, plain, seconds
from tests.costs import parameters_of, time_of
from tests.reports.conftest import cut

Change = Callable[[RunRecords], RunRecords]


# What can happen to a run, an axis a name; the first of each leaves it as it is.


def _lanes(change: Callable[[int, LaneRecord], LaneRecord]) -> Change:
    return lambda run: replace(
        run, lanes=[change(number, lane) for number, lane in enumerate(run.lanes)]
    )


def _failing(lane: LaneRecord) -> LaneRecord:
    return cut(lane, 3, state="failed", message="StrategyError: gone")


def _answered(lane: LaneRecord, accuracy: float) -> LaneRecord:
    return replace(lane, accuracy=np.full(len(lane.accuracy), accuracy))


def _oracles(change: Callable[[OracleRecord], OracleRecord]) -> Change:
    return lambda run: replace(run, oracles=[change(oracle) for oracle in run.oracles])


def _all_answers(accuracy: float) -> Change:
    def change(run: RunRecords) -> RunRecords:
        run = _lanes(lambda _, lane: _answered(lane, accuracy))(run)
        return _oracles(
            lambda oracle: replace(
                oracle,
                accuracy=np.full(len(oracle.accuracy), accuracy),
                original_accuracy=accuracy,
                full_accuracy=accuracy,
            )
        )(run)

    return change


def _some_fail(run: RunRecords) -> RunRecords:
    """Every other answer is none, Original's among them."""

    def lost(values: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(values)) % 2 == 0, nan, values)

    run = _lanes(lambda _, lane: replace(lane, accuracy=lost(lane.accuracy)))(run)
    return _oracles(
        lambda oracle: replace(oracle, accuracy=lost(oracle.accuracy), original_accuracy=nan)
    )(run)


def _part_of_the_landscape(oracle: OracleRecord) -> OracleRecord:
    return replace(oracle, schemes=oracle.schemes[::7], accuracy=oracle.accuracy[::7])


def _untabulated(oracle: OracleRecord) -> OracleRecord:
    return replace(oracle, schemes=oracle.schemes[:0], accuracy=oracle.accuracy[:0])


def _trained(keep: int) -> Change:
    return lambda run: replace(run, standalone=run.standalone[:keep])


def _diverged(run: RunRecords) -> RunRecords:
    failed = [
        replace(item, validation_accuracy=nan, test_accuracy=nan, test_loss=nan, failure="diverged")
        for item in run.standalone
    ]
    return replace(run, standalone=failed)


def _one_diverges(run: RunRecords) -> RunRecords:
    first, *others = _diverged(run).standalone
    return replace(run, standalone=[first, *run.standalone[1:]]) if others else run


def _same_score(run: RunRecords) -> RunRecords:
    same = [replace(i, validation_accuracy=0.9, test_accuracy=0.9) for i in run.standalone]
    return replace(run, standalone=same)


def _settings(**values: Any) -> Change:
    return lambda run: replace(run, settings=run.settings | values)


def _as_on_a_table(run: RunRecords) -> RunRecords:
    settings = {"objective_weight": 0.02, "budget": 15, "oracle": "table.parquet"}
    bare = replace(run, settings=settings, standalone=[], costs=[], candidates={}, answers=[])
    return _oracles(
        lambda oracle: replace(
            oracle, facts={"landscape": "read from a table"}, seconds=0.0, training_seconds=0.0,
            evaluations=0,
        )
    )(replace(bare, outside=[], outside_source="", facts={"name": "toy"}))  # fmt: skip


def _as_on_known_landscapes(run: RunRecords) -> RunRecords:
    run = _as_on_a_table(run)
    facts = {"optimum": "1" * 12, "landscape": "tabulated"}
    named = replace(run, settings=run.settings | {"oracle": "known:trap:12"})
    return _oracles(lambda oracle: replace(oracle, facts=facts))(named)


def _silent(one: OracleAnswers) -> OracleAnswers:
    return replace(one, accuracy=dict.fromkeys(one.accuracy, nan))


def _timed(run: RunRecords) -> RunRecords:
    """The strategies' own time is known, and the same for all."""
    return _lanes(
        lambda _, lane: (
            replace(lane, own_seconds=np.linspace(0.1, 1.0, len(lane.schemes)))
            if len(lane.schemes)
            else lane
        )
    )(run)


def same(run: RunRecords) -> RunRecords:
    """Nothing happened."""
    return run


AXES: Mapping[str, Sequence[Change]] = {
    "clock": (same, _timed),
    "lanes": (
        same,
        lambda run: replace(run, lanes=run.lanes[:1]),
        lambda run: replace(run, lanes=run.lanes[::2]),
        _lanes(lambda number, lane: _failing(lane) if number % 2 else lane),
        _lanes(lambda _, lane: _failing(lane)),
        _lanes(lambda number, lane: cut(lane, 4 * (number % 3), state="running")),
        _lanes(lambda _, lane: cut(lane, 0)),
        _lanes(lambda number, lane: _answered(lane, nan) if number < 4 else lane),
    ),
    "answers": (same, _all_answers(nan), _all_answers(0.8), _some_fail),
    "oracles": (
        same,
        lambda run: replace(run, oracles=[]),
        lambda run: replace(run, oracles=run.oracles[:1]),
        _oracles(lambda oracle: replace(oracle, facts={})),
        _oracles(_part_of_the_landscape),
        _oracles(_untabulated),
    ),
    "trainings": (
        same,
        _trained(0),
        _trained(1),
        _trained(10),
        lambda run: replace(run, standalone=[one for one in run.standalone if one.seed == 0]),
        lambda run: replace(run, standalone=run.standalone[4:]),
        _diverged,
        _one_diverges,
        _same_score,
    ),
    "costs": (
        same,
        lambda run: replace(run, costs=[]),
        lambda run: replace(run, costs=run.costs[:3]),
        lambda run: replace(run, costs=run.costs[3:]),
    ),
    "candidates": (
        same,
        lambda run: replace(run, candidates={}),
        lambda run: replace(run, candidates={run.lanes[0].key: ["1" * 12]} if run.lanes else {}),
    ),
    "modes": (
        same,
        lambda run: replace(run, answers=[]),
        lambda run: replace(run, outside=[], outside_source=""),
        lambda run: replace(run, answers=[_silent(one) for one in run.answers]),
    ),
    "end": (same, lambda run: replace(run, finished=False)),
    "settings": (
        same,
        _settings(verdict="paper"),
        _settings(confidence=0.99999),
        _settings(standalone_seeds=3, objective_weight=0.0),
        lambda run: replace(run, facts={}, environment={}, settings={"objective_weight": 0.02}),
        _as_on_a_table,
        _as_on_known_landscapes,
    ),
}
"""Changes by what they are about."""


# What sentences may say.


def sentences(analysis: Analysis) -> list[str]:
    """Everything that a report says in words, tables and figures left out."""
    said = [title(analysis), *headline(analysis)]
    for answer in answers(analysis):
        said += [f"{answer.short}.", *answer.details]
    return said


def captions(report: Report) -> list[str]:
    """What stands under its tables."""
    return [table.caption for table in report.files]


def promises(report: Report) -> list[str]:
    """Captions that speak of intervals over tables that hold none."""
    return [
        table.caption
        for table in [*report.files, budgets_table(report.analysis)]
        if re.search(r"(?:with|;) [\d.]+% intervals\b(?! from)", table.caption)
        and not any(
            isinstance(value, Interval) and isfinite(value.high - value.low)
            for row in table.rows
            for value in row
        )
    ]


_NOUNS = "lane evaluation scheme supernet seed training candidate ticket interval cell degree time"
_PLURALS = "|".join(f"{noun}s" for noun in [*_NOUNS.split(), "answer", "strategie", "connection"])
_BROKEN = re.compile(
    r"\bnan\b|\binf\b|\bNone\b(?! of| yet|\.$)|[=<>] [<>=]|\[\]|\{|\}|  |\( "
    r"|,,|\.\.(?!\.)|;;|: [.;,]| [.;,](?!\d)"
    rf"|(?<![\d.,])1 ([a-z-]+ )?({_PLURALS})\b|(?<![\w–])–(?!\w)",
)
"""Numbers that aren't, doubled signs, plurals of one, and what stands for a missing value."""


def broken(text: str) -> str:
    """What of a sentence no sentence may hold; empty where it holds none of it."""
    found = _BROKEN.search(text)
    return found[0] if found else ""


_LONG = ("records", "curves", "time_curves", "convergence", "landscapes", "explained", "points")
"""Parts that no sentence quotes."""


def numbers_of(part: object) -> Iterator[float]:
    """Every number in a result, wherever it is."""
    if isinstance(part, np.ndarray):
        yield from part.ravel().astype(float).tolist() if part.size < 20 else ()
    elif isinstance(part, int | float):
        yield float(part)
    elif is_dataclass(part):
        for field in fields(part):
            if field.name not in _LONG:
                yield from numbers_of(getattr(part, field.name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from numbers_of(value)
    elif isinstance(part, Iterable) and not isinstance(part, str):
        for value in part:
            yield from numbers_of(value)


def known_numbers(analysis: Analysis) -> set[str]:
    """How every result with decimals may be written, and the few that sentences make of them."""
    found = [value for value in numbers_of(analysis) if isfinite(value)]
    means = [item.reward.center for item in analysis.ranking.placed if item.reward]
    found += [one - other for one in means for other in means]
    found += [item.smallest for item in _tests(analysis)]
    for one in analysis.schemes:
        gap = one.verdict.difference
        found += [] if gap is None else [gap.high - gap.center]
        full = next((item for item in analysis.schemes if item.name == "Full-SA"), None)
        if one.cost and full and full.cost:
            found.append(parameters_of(one.cost) / parameters_of(full.cost) - 1)
            over = time_of(one.cost).increment_over_full
            assert over is not None
            found += [over.high - over.center, over.center - over.low]
    for name in {find.key.strategy for find in analysis.finds.values()}:
        own = [find for find in analysis.finds.values() if find.key.strategy == name]
        found += [float(np.mean([one.regret for one in own]))]
        found += [float(np.mean([one.better for one in own]))]
    found += [0.001, 1.0, *analysis.records.objective.traits.values()]
    return {
        f"{abs(scale * value):.{digits}f}"
        for value in found
        for scale in (1, 100)
        for digits in (1, 2, 3)
    }


def _tests(analysis: Analysis) -> list[Any]:
    return [item.test for item in analysis.ranking.placed if item.test is not None]


def strange_numbers(analysis: Analysis, said: Iterable[str]) -> list[str]:
    """Numbers with decimals that are in no result."""
    known = known_numbers(analysis)
    shown = {percent(analysis.confidence, digits)[:-1] for digits in (1, 2, 3)}
    shown |= {
        f"{100 * analysis.confidence:g}",
        *(f"{one:g}" for one in analysis.records.objective.traits.values()),
    }
    shown |= {plain(100 * (1 - analysis.confidence) / 2, digits) for digits in (1, 2, 3)}
    return [
        f"{number} in {text}"
        for text in said
        for number in re.findall(r"(?<![\d.,\w])\d[\d,]*\.\d+", text.split(" versions")[0])
        if number.replace(",", "") not in known | shown and "Experiment" not in text
    ]


def _finite(analysis: Analysis) -> int:
    return sum(isfinite(item.test.low) for item in analysis.strategies)


def _alone(names: Sequence[str], values: Mapping[str, str]) -> bool:
    """Whether these and nobody else are shown with their number, and somebody has another."""
    own = {values[name] for name in names}
    others = {value for name, value in values.items() if name not in names}
    return len(own) == 1 and bool(others) and not own & others


def _split(text: str) -> list[str]:
    return re.split(r", | and ", text)


CLAIMS: Sequence[tuple[str, Callable[[Analysis, "re.Match[str]"], bool]]] = (
    (r"latency interval", lambda a, _: any(item.cost for item in a.schemes)),
    (r"the intervals( of [^;]+)? overlap", lambda a, _: _finite(a) > 1),
    (r"\byet\b", lambda a, _: not a.records.finished),
    (r"(trained|scratch|candidate|seeds?)\b[^.]*\byet\b", lambda a, _: a.records.kind.trains),
    (r"frozen supernet|trained (scheme|candidate)", lambda a, _: a.records.kind.trains),
    (r"validation split, |batch norm", lambda a, _: a.records.kind.measured),
    (r"top 5%", lambda a, _: any(np.ptp(t.accuracy) > 0 for t in a.landscapes.values())),
    (r"stand-alone seed", lambda a, _: bool(a.records.standalone)),
    (r"degrees? of freedom", lambda a, _: a.noise.freedom > 0),
    (r"more than noise against every other", lambda a, _: len(a.ranking.placed) > 1),
    (
        r"[Nn]o candidate (has been|was) trained",
        lambda a, _: all(item.name and not item.lanes for item in a.schemes),
    ),
    (r"No cell is missing", lambda a, _: a.ranking.ranks.cells > 0),
    (
        r"Ahead by mean is ([^:]+):",
        lambda a, m: _alone([m[1]], {s.strategy: _mean(s) for s in a.ranking.placed}),
    ),
    (
        r"Level in front are ([^:]+):",
        lambda a, m: _alone(_split(m[1]), {s.strategy: _mean(s) for s in a.ranking.placed}),
    ),
    (
        r"Of them (\S+|.+ and \S+) search(es)? fastest",
        lambda a, m: _alone(
            _split(m[1]), {t.strategy: seconds(t.search.center) for t in a.times}
        ),
    ),
    (
        r"the schemes of (.+) are the most accurate",
        lambda a, m: _alone(
            _split(m[1]), {s.strategy: percent(s.test.center) for s in a.strategies}
        ),
    ),
    (r"The closest candidate would", lambda a, _: _closest(a) == 1),
)  # fmt: skip
"""What a sentence may say only where it is so."""


def _mean(standing: Any) -> str:
    return plain(100 * standing.reward.center)


def _closest(analysis: Analysis) -> int:
    known = [
        (item.verdict.paper_rule is True, round(item.test.center, 12))
        for item in analysis.schemes
        if item.lanes and item.name != "Full-SA" and not isnan(item.test.center)
    ]
    return known.count(max(known))


def untrue(analysis: Analysis, said: Iterable[str]) -> list[str]:
    """Claims that don't hold, with their sentences."""
    return [
        f"{found[0]!r} in {text!r}"
        for text in said
        for pattern, holds in CLAIMS
        if (found := re.search(pattern, text)) and not holds(analysis, found)
    ]

"""The oracle against training: how far it can be trusted, scheme by scheme."""

from collections.abc import Sequence
from math import isfinite, isnan, nan

from markupsafe import Markup

from benchmark.records.kinds import SUPERNET
from benchmark.records.run import OracleAnswers
from benchmark.records.schemes import format_bits
from reports.charts.chart import Chart, Drawing
from reports.figures import svg
from reports.figures.series import WIDTH
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.tables.columns import Percent, oracle_column
from reports.tables.formats import Number, count, level
from reports.tables.run import trust_table
from reports.tables.table import Column, Table, Value

_COLUMNS = (
    Column("trained", "Trained", "here, or where else the scheme was trained"),
    Column("batch_norm", "Batch norm", "of the oracle"),
    oracle_column(SUPERNET),
    Column("scheme", "Scheme", "one bit a block, first block first; 1 = connected", kind="bits"),
    Percent("oracle_accuracy", "Oracle accuracy", "of the oracle, validation split"),
    Percent("test_accuracy", "Test accuracy", "stand-alone, mean over seeds", interval=True),
)


def draw_trust(schemes: Sequence[SchemeOutcome], answers: OracleAnswers, name: str) -> Markup:
    """Oracle accuracy against stand-alone test accuracy, one mark a scheme.

    Args:
        schemes: trained ones.
        answers: of one oracle; schemes without one are left out.
        name: tells this figure from others of its page.
    """
    shown = [
        item
        for item in schemes
        if not item.all_diverged and not isnan(answers.accuracy.get(item.bits, nan))
    ]
    if not shown:
        return Markup("")
    across = [100 * answers.accuracy[item.bits] for item in shown]
    ends = [100 * v for s in shown for v in (s.test.center, s.test.low, s.test.high) if isfinite(v)]
    side, rise = max((max(across) - min(across)) * 0.06, 0.05), max(ends) - min(ends)
    x = svg.Axis((min(across) - side, max(across) + side), (52, WIDTH - 20))
    y = svg.Axis((min(ends) - 0.05 * rise - 0.02, max(ends) + 0.05 * rise + 0.02), (268, 34))
    mode = f", {answers.batch_norm}" if answers.batch_norm else ""
    across_label = f"oracle accuracy (%, validation{mode}, supernet {answers.supernet_seed})"
    labels = (across_label, "stand-alone accuracy (%, test)")
    return svg.picture(
        name,
        f"Oracle of supernet {answers.supernet_seed} against stand-alone training",
        f"{count(len(shown), 'scheme')}; the closer to a rising line, the better the oracle.",
        (WIDTH, 312),
        svg.frame(x, y, labels, ("g", "g")),
        *(_trust_mark(item, answers.accuracy[item.bits], x, y) for item in shown),
        *(
            _beside(x(100 * answers.accuracy[item.bits]), y(100 * item.test.center), item.name)
            for item in shown
            if item.name
        ),
    )


def _beside(left: Number, up: Number, name: str) -> Markup:
    """A name to the right of a mark, or to its left where there is no room."""
    if left + 9 + 8.2 * len(name) > WIDTH:
        return svg.text(left - 9, up, name, anchor="end")
    return svg.text(left + 9, up, name)


def _trust_mark(item: SchemeOutcome, asked: Number, x: svg.Axis, y: svg.Axis) -> Markup:
    left, up = x(100 * asked), y(100 * item.test.center)
    whole = (
        svg.line(left, y(100 * item.test.low), left, y(100 * item.test.high), "whisker c0")
        if isfinite(item.test.low)
        else Markup("")
    )
    return svg.element("g", whole, svg.marker(left, up, 3 if item.name else 0, "mark c0"))


def oracle_answers(analysis: Analysis) -> list[OracleAnswers]:
    """Both modes of a supernet side by side; the run's own mode where no other was asked."""
    records = analysis.records
    if records.answers:
        return sorted(records.answers, key=lambda one: one.supernet_seed)
    mode = str(records.settings.get("batch_norm", ""))
    return [
        OracleAnswers(
            mode,
            seed,
            {item.bits: item.oracle[seed] for item in analysis.schemes if seed in item.oracle},
        )
        for seed in (item.supernet_seed for item in analysis.trust)
    ]


def trust_points_table(analysis: Analysis) -> Table:
    """Oracle against training: one row a scheme and oracle."""
    stages = analysis.records.blocks_per_stage
    sources = (("here", analysis.schemes), (analysis.records.outside_source, analysis.outside))
    rows: list[tuple[Value, ...]] = [
        (
            source,
            answers.batch_norm,
            answers.supernet_seed,
            format_bits(item.bits, stages),
            answers.accuracy[item.bits],
            item.test,
        )
        for source, trained in sources
        for answers in oracle_answers(analysis)
        for item in trained
        if not item.all_diverged and not isnan(answers.accuracy.get(item.bits, nan))
    ]
    caption = "Oracle: validation split. Stand-alone: test split, mean over seeds."
    return Table(
        "trust-points",
        "Oracle against training, scheme by scheme",
        caption,
        _COLUMNS,
        tuple(rows),
    )


def _draw(analysis: Analysis) -> list[Drawing]:
    bounds = f", {level(analysis.confidence)} intervals" if analysis.noise.freedom else ""
    return [
        Drawing(
            f"trust-{name}-{number}",
            draw_trust(trained, answers, f"trust-{name}-{number}"),
            f"{when}: oracle against training, one mark a scheme{bounds}.",
        )
        for name, when, trained in (
            ("own", "Trained in this run", analysis.schemes),
            ("outside", "Trained before this run", analysis.outside),
        )
        for number, answers in enumerate(oracle_answers(analysis))
    ]


TRUST = Chart("trust", section="trust", table=trust_table, place="placed")
TRUST_POINTS = Chart("trust-points", section="trust", table=trust_points_table, draw=_draw)

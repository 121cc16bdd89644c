"""Theorem 1 tried with numbers: one table, one figure, one paragraph."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from markupsafe import Markup

from benchmark.basics.files import write_texts
from benchmark.records.theorem import TheoremRecord
from reports.figures import svg
from reports.figures.series import WIDTH, legend
from reports.figures.style import to_svg
from reports.pages.html import render_theorem
from reports.tables.columns import Percent
from reports.tables.formats import Number, count, plain, words
from reports.tables.table import Column, Table, Value, describe_columns, to_csv

COLUMNS = (
    Column("epsilon", "ε", "tolerated change of the output", kind="number"),
    Column("width", "Width", "hidden neurons", kind="whole"),
    Column("draws", "Draws", "networks drawn at random", kind="whole", terminal=False),
    Percent(
        "everywhere",
        "Spared, any input",
        "networks with a hidden neuron whose removal changes no output by more than ε, "
        "whatever the input of norm at most 1",
        interval=True,
        digits=1,
    ),
    Percent(
        "predicted",
        "By the formula",
        "the same by 1 − (1 − p)^width with p = P(χ² ≤ ε²)",
        digits=1,
    ),
    Percent(
        "sampled",
        "Spared, tried inputs",
        "the same on a few random inputs of norm 1 only",
        digits=1,
        terminal=False,
    ),
    Column(
        "removed",
        "Spared together",
        "neurons whose removal all at once is sure to change no output by more than ε: the "
        "smallest ones whose norms add up to at most ε; mean over draws",
        kind="number",
    ),
    Column(
        "needed",
        "Width of the theorem",
        "from this width on the theorem promises a spared neuron with probability 1 − δ",
        kind="whole",
    ),
)
_LEFT, _TOP, _BOTTOM = 52, 34, 308


def theorem_table(records: Sequence[TheoremRecord], *, inputs: int, delta: float) -> Table:
    """One row a tolerance and width."""
    rows: list[tuple[Value, ...]] = [
        (
            record.epsilon,
            record.width,
            record.draws,
            record.everywhere,
            record.predicted,
            record.sampled,
            record.removed,
            record.needed if isfinite(record.needed) else None,
        )
        for record in records
    ]
    caption = (
        f"f(x) = a·ReLU(W x), {count(inputs, 'input')} of norm at most 1 in all, W from N(0, 1), a "
        f"from {{−1, +1}}, no training; δ = {delta:g}."
    )
    return Table("theorem", "Theorem 1, tried", caption, COLUMNS, tuple(rows))


def theorem_words(records: Sequence[TheoremRecord], *, inputs: int) -> str:
    """What the numbers show and what they don't."""
    widest = max(record.width for record in records)
    last = [record for record in records if record.width == widest]
    off = max(abs(record.everywhere.center - record.predicted) for record in records)
    shares = words(
        [f"{100 * record.everywhere.center:.0f}% at ε = {record.epsilon:g}" for record in last]
    )
    found = max(record.everywhere.center for record in last) > 0
    first = (
        "Wide random networks do have a hidden neuron that nobody misses"
        if found
        else "These random networks have no hidden neuron that nobody misses"
    )
    together = words([f"{plain(r.removed)} at ε = {r.epsilon:g}" for r in last])
    return (
        f"{first}: at width {widest:,} "
        f"{shares} of the drawn networks have one, and the formula of the proof is met within "
        f"{100 * off:.1f} points at every width. "
        "That is all that Theorem 1 says. It is about one neuron of many, which is close to "
        f"zero by chance: together, on average only {together} of {count(widest, 'neuron')} can "
        f"go with the same guarantee. The width that it needs grows about like ε to the power "
        f"−{inputs}, so with as many inputs as real layers have no network is wide enough. And "
        "it is about an untrained network with one hidden layer: it says nothing about attention "
        "modules, about training, or about accuracy, so it neither proves nor refutes that "
        "tickets exist. Verdicts on trained networks do."
    )


def draw_theorem(records: Sequence[TheoremRecord]) -> Markup:
    """Share of networks with a spared neuron against width; broken lines are the formula."""
    widths = sorted({record.width for record in records})
    epsilons = sorted({record.epsilon for record in records})
    x = svg.Axis((widths[0] * 0.9, widths[-1] * 1.1), (_LEFT, WIDTH - 12), logarithmic=True)
    y = svg.Axis((-2, 102), (_BOTTOM, _TOP))
    names = [f"ε = {epsilon:g}" for epsilon in epsilons]
    series = [
        _series([r for r in records if r.epsilon == epsilon], number, x, y)
        for number, epsilon in enumerate(epsilons)
    ]
    ends = "; ".join(
        f"{name}: {100 * [r for r in records if r.epsilon == e][-1].everywhere.center:.0f}%"
        for name, e in zip(names, epsilons, strict=True)
    )
    return svg.picture(
        "theorem",
        "How often a hidden neuron can be spared",
        f"Share of random networks against width, with intervals. At width {widths[-1]}: {ends}.",
        (WIDTH, 392),
        svg.frame(x, y, ("hidden neurons, logarithmic scale", "networks (%)"), (",.0f", "g")),
        *series,
        *legend(names, {name: number for number, name in enumerate(names)}, 366),
    )


def _series(records: Sequence[TheoremRecord], number: int, x: svg.Axis, y: svg.Axis) -> Markup:
    color = f"c{number % svg.COLORS}"
    formula = [(x(record.width), y(100 * record.predicted)) for record in records]
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in formula)
    needed = records[0].needed
    promised = _promise(x(needed), y, color) if x.data[0] <= needed <= x.data[1] else Markup("")
    return svg.element(
        "g",
        svg.element("path", d=path, class_=f"curve {color}", stroke_dasharray="5 4"),
        promised,
        *(
            svg.line(
                x(record.width),
                y(100 * record.everywhere.low),
                x(record.width),
                y(100 * record.everywhere.high),
                f"whisker {color}",
            )
            for record in records
        ),
        *(
            svg.marker(x(r.width), y(100 * r.everywhere.center), number, f"mark {color}")
            for r in records
        ),
    )


def _promise(at: Number, y: svg.Axis, color: str) -> Markup:
    """A tick on the axis at the theorem's width."""
    return svg.line(at, y.pixels[0], at, y.pixels[0] - 14, f"whisker {color}")


def write_theorem(
    records: Sequence[TheoremRecord], folder: Path, *, inputs: int, delta: float
) -> list[Path]:
    """Write the page, the figure, the table and its columns into ``folder``, made if need be."""
    table = theorem_table(records, inputs=inputs, delta=delta)
    figure, text = draw_theorem(records), theorem_words(records, inputs=inputs)
    contents = {
        "theorem.html": render_theorem(table, figure, text),
        "theorem.svg": to_svg(figure),
        "theorem.csv": to_csv(table),
        "COLUMNS.md": describe_columns([table]),
    }
    return write_texts(folder, contents)

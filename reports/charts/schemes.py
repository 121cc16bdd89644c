"""Figures of trained schemes: their connections, their accuracy, and the oracle's guess."""

from collections.abc import Sequence
from math import isfinite

from markupsafe import Markup

from benchmark.records.rules import Word
from reports.charts.chart import Chart, Drawing
from reports.figures import svg
from reports.figures.series import WIDTH
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome
from reports.tables.formats import Number, count, interval_points, percent
from reports.tables.run import schemes_table

SYMBOLS = {"ticket": "●", "undecided": "◐", "not a ticket": "○", "reference": "◇"}
ROWS = 40
"""Schemes that a chart can hold; the table has all."""
_ROW = 22.0
_TOP = 46.0


def label(item: SchemeOutcome, number: int) -> str:
    """How figures call a scheme: its row number, and its name where it has one."""
    return f"{number} {item.name}".strip()


def in_charts(schemes: Sequence[SchemeOutcome]) -> list[tuple[int, SchemeOutcome]]:
    """Row number and scheme of what charts hold: all of a few, the first and both references."""
    return [
        (number, item)
        for number, item in enumerate(schemes, start=1)
        if number <= ROWS or item.name
    ]


def draw_schemes(schemes: Sequence[SchemeOutcome], blocks_per_stage: Sequence[int]) -> Markup:
    """One row a scheme: a cell a block, filled when connected, gaps between stages."""
    if not schemes:
        return Markup("")
    shown = in_charts(schemes)
    blocks, gaps = sum(blocks_per_stage), len(blocks_per_stage) - 1
    room = WIDTH - 88 - 200
    cell = min(18.0, (room - 8 * gaps) / blocks)
    heads, lefts, left = [], [], 88.0
    for stage, size in enumerate(blocks_per_stage, start=1):
        heads.append(svg.text(left, 26, f"stage {stage}", kind="tick"))
        lefts += [left + cell * block for block in range(size)]
        left += cell * size + 8
    rows = [
        _scheme_row(item, number, _TOP + _ROW * place, lefts, cell)
        for place, (number, item) in enumerate(shown)
    ]
    found = [item for item in schemes if item.verdict.word == "ticket"]
    return svg.picture(
        "schemes",
        "Trained schemes",
        f"{count(len(schemes), 'scheme')} by test accuracy, {count(len(found), 'ticket')}. Filled "
        "cells are connected blocks. The table of schemes lists the same as bits.",
        (WIDTH, 40 + _ROW * len(shown)),
        *heads,
        svg.text(left + 8, 26, "test accuracy", kind="tick"),
        *rows,
    )


def draw_strip(bits: str, blocks_per_stage: Sequence[int]) -> Markup:
    """One scheme as a row of cells without words, to stand beside its bits; nothing without one."""
    if not bits:
        return Markup("")
    cell = min(16.0, 240 / len(bits))
    lefts, left = [], 0.0
    for size in blocks_per_stage:
        lefts += [left + cell * block for block in range(size)]
        left += cell * size + 6
    cells = [_cell(left, 0, cell, bit) for left, bit in zip(lefts, bits, strict=True)]
    return svg.element(
        "svg", *cells, viewBox=f"0 0 {left:.0f} 16", width=left, class_="strip", aria_hidden="true"
    )


def _cell(left: Number, top: Number, size: Number, bit: str) -> Markup:
    return svg.element(
        "rect",
        x=left + 1,
        y=top + 1,
        width=size - 2,
        height=14,
        rx=2,
        class_="on" if bit == "1" else "off",
    )


def _scheme_row(
    item: SchemeOutcome, number: int, y: Number, lefts: Sequence[Number], cell: Number
) -> Markup:
    word = item.verdict.word
    cells = [_cell(left, y - 8, cell, bit) for left, bit in zip(lefts, item.bits, strict=True)]
    after = lefts[-1] + cell + 16
    return svg.element(
        "g",
        svg.text(80, y, label(item, number), anchor="end", kind="label"),
        *cells,
        svg.text(after, y, percent(item.test.center), kind="label number"),
        svg.text(after + 64, y, f"{SYMBOLS[word]} {word}", kind=f"label word-{word.split()[0]}"),
        class_="scheme",
        data_bits=item.bits,
    )


def draw_accuracies(schemes: Sequence[SchemeOutcome]) -> Markup:
    """Differences to Full-SA with the intervals that decide, and lines at both references."""
    shown = [(n, s) for n, s in in_charts(schemes) if s.verdict.difference is not None]
    gaps = [item.verdict.difference for _, item in shown if item.verdict.difference is not None]
    if not gaps:
        return Markup("")
    ends = [100 * v for g in gaps for v in (g.center, g.low, g.high) if isfinite(v)]
    pad = max((max(ends) - min(ends)) * 0.05, 0.05)
    bottom = 40 + _ROW * len(shown)
    x = svg.Axis((min(ends) - pad, max(ends) + pad), (88, WIDTH - 20))
    rows = [
        _gap_row(item, number, x, _TOP + _ROW * place) for place, (number, item) in enumerate(shown)
    ]
    original = [g.center for g, (_, s) in zip(gaps, shown, strict=True) if s.name == "Original"]
    lines = [
        Markup("").join(
            [
                svg.line(x(at), 34, x(at), bottom, "reference"),
                svg.text(x(at), 26, name, anchor="middle", kind="tick"),
            ]
        )
        for at, name in [(0.0, "Full-SA"), *((100 * at, "Original") for at in original)]
    ]
    numbers = [
        svg.text(x(value), bottom + 14, svg.signed_tick(value), anchor="middle", kind="tick")
        for value in x.ticks()
    ]
    known = ", with interval" * any(isfinite(g.high - g.low) and g.high > g.low for g in gaps)
    title = f"test accuracy minus Full-SA (points{known})"
    said = "; ".join(
        f"{label(s, n)}: {interval_points(g)}" for (n, s), g in zip(shown, gaps, strict=True)
    )
    return svg.picture(
        "accuracies",
        "Stand-alone test accuracy against Full-SA",
        f"Differences in points{known}. {said}.",
        (WIDTH, bottom + 44),
        *lines,
        svg.line(x.pixels[0], bottom, x.pixels[1], bottom, "axis"),
        *rows,
        *numbers,
        svg.text((88 + WIDTH - 20) / 2, bottom + 33, title, anchor="middle"),
    )


def _gap_row(item: SchemeOutcome, number: int, x: svg.Axis, y: Number) -> Markup:
    gap = item.verdict.difference
    assert gap is not None
    word = item.verdict.word
    kind = f"v-{word.split()[0]}"
    low, high = x.clamp(100 * gap.low), x.clamp(100 * gap.high)
    whole = svg.line(low, y, high, y, f"whisker {kind}") if isfinite(gap.low) else Markup("")
    return svg.element(
        "g",
        svg.text(80, y, label(item, number), anchor="end"),
        whole,
        _symbol(x(100 * gap.center), y, word),
    )


def _symbol(x: Number, y: Number, word: Word) -> Markup:
    """What `SYMBOLS` shows in text, drawn: full, half, hollow circle or hollow diamond."""
    kind = f"v-{word.split()[0]}"
    if word == "ticket":
        return svg.marker(x, y, 0, f"mark {kind}")
    outline = svg.marker(x, y, 3 if word == "reference" else 0, f"mark hollow {kind}")
    half = f"M{x:.1f} {y - 4:.1f}A4 4 0 0 0 {x:.1f} {y + 4:.1f}Z"
    filled = svg.element("path", d=half, class_=f"mark {kind}")
    return outline + filled if word == "undecided" else outline


def _draw(analysis: Analysis) -> list[Drawing]:
    schemes = draw_schemes(analysis.schemes, analysis.records.blocks_per_stage)
    decide = (
        "the intervals that decide"
        if analysis.rule.weighs_noise
        else "their intervals, which no verdict regards"
    )
    bounds = f" with {decide}" if analysis.noise.freedom else ""
    return [
        Drawing(
            "schemes",
            schemes,
            "Which blocks each scheme connects, stage under stage, the most accurate first (test "
            "split).",
        ),
        Drawing(
            "accuracies",
            draw_accuracies(analysis.schemes),
            f"The same rows: paired differences to Full-SA{bounds}.",
        ),
    ]


SCHEMES = Chart("schemes", section="schemes", table=schemes_table, draw=_draw, place="below")

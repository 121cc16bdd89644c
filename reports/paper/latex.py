"""LaTeX: text that is safe in it, and tables in the manner of booktabs."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan
from unicodedata import normalize

from benchmark.records.run import Interval
from reports.tables.formats import MISSING
from reports.tables.table import Column, Table, Value

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{sign: f"\\{sign}" for sign in "$&#_%"},
    "--": "-{}-",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "'",
    "…": r"\ldots{}",
    **{sign: f"${sign}$" for sign in "[]"},
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "√": r"$\surd$",
    "²": "$^2$",
    "λ": r"$\lambda$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "σ": r"$\sigma$",
    "p̄": r"$\bar{p}$",
}
_KNOWN = re.compile("|".join(map(re.escape, sorted(_SPECIAL, key=len, reverse=True))))
_LAST_LATIN = 0x17F
_ACCENTS = set("\u0300\u0301\u0302\u0303\u0308\u030c\u0327")
"""Grave, acute, circumflex, tilde, dots, caron, cedilla."""
_MARKS = "abcdefghijklmnopqrstuvwxyz"
USED = ("booktabs", "textcomp")
"""Packages that the tables need."""


def escape_latex(text: str) -> str:
    """Text that any LaTeX sets as it is; what its fonts lack becomes ``[U+4E2D]``."""
    parts, start = [], 0
    for found in _KNOWN.finditer(text):
        parts += [_plain(text[start : found.start()]), _SPECIAL[found.group()]]
        start = found.end()
    return "".join([*parts, _plain(text[start:])])


def _plain(text: str) -> str:
    return "".join(sign if _has_glyph(sign) else _named(sign) for sign in text)


def _has_glyph(sign: str) -> bool:
    """Whether TeX's own fonts have it: ASCII, and letters of it with the usual accents."""
    parts = normalize("NFD", sign)
    plain = parts[0].isascii() and parts.isprintable()
    return plain and ord(sign) <= _LAST_LATIN and set(parts[1:]) <= _ACCENTS


def _named(sign: str) -> str:
    return " " if sign.isspace() else f"$[$U+{ord(sign):04X}$]$"


@dataclass(frozen=True)
class PaperTable:
    """A table in the layout of a paper.

    Attributes:
        table: its rows; the name is that of its file and label.
        groups: a heading above each column, the same for neighbours; empty for none.
        rules: rows that a rule stands above.
        reasons: by column key, why a column without a single value has none.
        notes: what else is missing and why, in sentences.
    """

    table: Table
    groups: tuple[str, ...] = ()
    rules: Collection[int] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def missing(self) -> dict[str, str]:
        """Columns without a single value, and why."""
        columns = self.table.columns
        return {
            column.key: self.reasons.get(column.key, "not part of this run")
            for number, column in enumerate(columns)
            if all(_absent(row[number]) for row in self.table.rows)
        }


def _absent(value: Value) -> bool:
    center = value.center if isinstance(value, Interval) else value
    return center is None or center == "" or (isinstance(center, float) and isnan(center))


def to_latex(paper: PaperTable) -> str:
    """A floating table with caption, label and notes on what is missing."""
    table, missing = paper.table, paper.missing()
    reasons = list(dict.fromkeys(missing.values()))
    marks = {key: _MARKS[reasons.index(why) % len(_MARKS)] for key, why in missing.items()}
    sides = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escape_latex(f'{table.title}. {table.caption}')}}}",
        rf"\label{{tab:{table.name}}}",
        r"\par\smallskip",
        rf"\begin{{tabular}}{{@{{}}{sides}@{{}}}}",
        r"\toprule",
        *_grouped(paper.groups),
        _row([_heading(column, marks.get(column.key)) for column in table.columns]),
        r"\midrule",
    ]
    for number, row in enumerate(table.rows):
        lines += [r"\midrule"] * (number in paper.rules and number > 0)
        pairs = zip(table.columns, row, strict=True)
        lines.append(_row([_cell(column, value) for column, value in pairs]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [
        rf"\par\smallskip{{\footnotesize\textsuperscript{{{_MARKS[number % len(_MARKS)]}}} "
        rf"{escape_latex(why)}.\par}}"
        for number, why in enumerate(reasons)
    ]
    lines += [rf"\par\smallskip{{\footnotesize {escape_latex(note)}\par}}" for note in paper.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _heading(column: Column, mark: str | None) -> str:
    return escape_latex(column.heading) + (rf"\textsuperscript{{{mark}}}" if mark else "")


def _grouped(groups: tuple[str, ...]) -> list[str]:
    """The upper headings with a rule below each; nothing without any."""
    if not any(groups):
        return []
    cells, rules, start = [], [], 0
    while start < len(groups):
        end = start
        while end < len(groups) and groups[end] == groups[start]:
            end += 1
        name = escape_latex(groups[start])
        if name:
            cells.append(rf"\multicolumn{{{end - start}}}{{c}}{{{name}}}")
            rules.append(rf"\cmidrule(lr){{{start + 1}-{end}}}")
        else:
            cells += [""] * (end - start)
        start = end
    return [_row(cells), "".join(rules)]


def _cell(column: Column, value: Value) -> str:
    if isinstance(value, Interval) and not isnan(value.center):
        return _interval(column, value)
    shown = column.show(value)
    if shown == MISSING:
        return "--"
    return rf"\texttt{{{escape_latex(shown)}}}" if column.kind == "bits" else escape_latex(shown)


def _interval(column: Column, value: Interval) -> str:
    """``93.42 ± 0.31`` where both sides are alike, else with its bounds."""
    center = column.show(value.center)
    if not isfinite(value.low) or not isfinite(value.high):
        return escape_latex(center)
    number = f"{{:.{column.digits}f}}"
    up = number.format((value.high - value.center) * column.scale)
    down = number.format((value.center - value.low) * column.scale)
    if up == down:
        return rf"{escape_latex(center)} {{\scriptsize$\pm${up}}}"
    bounds = f"[{column.show(value.low)}, {column.show(value.high)}]"
    return rf"{escape_latex(center)} {{\scriptsize {escape_latex(bounds)}}}"


def document(names: Collection[str], title: str) -> str:
    """A whole document that takes in files ``NAME.tex`` beside it."""
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage[landscape,margin=1.5cm]{geometry}",
            *(rf"\usepackage{{{name}}}" for name in USED),
            rf"\title{{{escape_latex(title)}}}",
            r"\date{}",
            r"\begin{document}",
            r"\maketitle",
            *(rf"\input{{{name}}}" for name in names),
            r"\end{document}",
            "",
        ]
    )

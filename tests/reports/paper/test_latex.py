import re
import shutil
import subprocess
from math import inf, nan
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.records.run import Interval
from reports.paper.latex import PaperTable, document, escape_latex, to_latex
from reports.tables.table import Column, Table

NAME = Column("name", "Name", "of the method")
SCORE = Column("score", "Acc.", "accuracy", "%", kind="number", scale=100, interval=True)
TIME = Column("time", "Time", "increment", "%", kind="number", digits=1)


def paper(*rows: tuple[object, ...], **more: object) -> PaperTable:
    table = Table("t", "A & B", "Test split.", (NAME, SCORE, TIME), rows)  # type: ignore[arg-type]
    return PaperTable(table, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50% & more_1 #2 $x$", r"50\% \& more\_1 \#2 \$x\$"),
        (r"a\b{c}~^", r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}"),
        ("<b>|", r"\textless{}b\textgreater{}\textbar{}"),
        ("λ ≥ −1 × 2", r"$\lambda$ $\geq$ $-$1 $\times$ 2"),
        ("run with --sharing", "run with -{}-sharing"),
        ("Zoé 中\n", "Zoé $[$U+4E2D$]$ "),
    ],
)
def test_text_is_safe(text: str, latex: str) -> None:
    assert escape_latex(text) == latex


@given(st.text())
def test_no_text_leaves_a_bare_special(text: str) -> None:
    written = escape_latex(text)
    bare = re.sub(r"\\[a-zA-Z]+(\{\})?|\\[{}$&#_%]|\$[^$]*\$|-\{\}-", "", written)
    assert not set(bare) & set("\\{}$&#^_%~")
    assert written.isprintable()
    assert all(sign.isascii() or normalize("NFD", sign)[0].isalpha() for sign in written)


def test_a_table_in_the_manner_of_booktabs() -> None:
    text = to_latex(
        paper(
            ("ean", Interval(0.9342, 0.9311, 0.9373), 3.0),
            ("ga", Interval(0.92, -inf, inf), -1.25),
            ("full", None, 0.0),
            groups=("", "net", "net"),
            rules=(2,),
        )
    )
    lines = text.splitlines()
    assert r"\caption{A \& B. Test split.}" in lines
    assert r" & \multicolumn{2}{c}{net} \\" in lines
    assert r"\cmidrule(lr){2-3}" in lines
    assert r"Name & Acc. (\%) & Time (\%) \\" in lines
    assert r"ean & 93.42 {\scriptsize$\pm$0.31} & 3.0 \\" in lines
    assert r"ga & 92.00 & $-$1.2 \\" in lines
    assert lines[lines.index(r"full & -- & 0.0 \\") - 1] == r"\midrule"


def test_a_column_without_a_value_says_why() -> None:
    gaps = paper(("ean", Interval(nan, nan, nan), None), reasons={"time": "not timed"})
    assert gaps.missing() == {"score": "not part of this run", "time": "not timed"}
    text = to_latex(gaps)
    assert r"Acc. (\%)\textsuperscript{a} & Time (\%)\textsuperscript{b} \\" in text
    assert r"\textsuperscript{b} not timed.\par" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
@pytest.mark.hostile
def test_names_of_any_characters_compile(tmp_path: Path) -> None:
    every = "".join(chr(code) for code in range(32, 0x250)) + "λ ρ τ σ p̄ ≥ ≤ ± × − … “x” 中 √ ²"
    (tmp_path / "t.tex").write_text(to_latex(paper((every, Interval(0.5, 0.4, 0.6), 1.0))))
    (tmp_path / "all.tex").write_text(document(["t"], every[:40]))
    compiled(tmp_path, "all.tex")


def compiled(folder: Path, name: str) -> None:
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-2000:].decode(errors="replace")

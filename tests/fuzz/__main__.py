"""``python -m tests.fuzz``: look for inputs that break a parser, led by coverage.

Needs Atheris (``pip install atheris``). Exit code 1 where something was found; the
input lies in ``--out`` and belongs into ``test_parsers.py`` with what mends it.
"""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.parsers import PARSERS

_ERROR = re.compile(r"^(?:[\w.]*Error|[\w.]*Exception|ALARM|==\d+== ERROR).*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of one parser.

    Attributes:
        name: of the parser.
        inputs: tried.
        covered: edges of code that they reached.
        finding: what broke it, the last line of libFuzzer's words; empty if nothing did.
    """

    name: str
    inputs: int
    covered: int
    finding: str


def fuzzed(name: str, seconds: int, folder: Path) -> Outcome:
    """Try a parser for a while.

    Args:
        name: of the parser.
        seconds: for it.
        folder: for inputs worth keeping, and for findings.
    """
    own = folder / re.sub(r"[^a-z0-9]+", "-", name.lower())
    corpus = own / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-rss_limit_mb=3000", "-timeout=20"]
    options = [*limits, "-print_final_stats=1", "-max_len=40000", f"-artifact_prefix={own}/"]
    child = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one", name, str(corpus), *options],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    words = child.stdout + child.stderr
    (own / "log.txt").write_text(words, encoding="utf-8")
    inputs = re.findall(r"number_of_executed_units:\s*(\d+)", words) or re.findall(
        r"^#(\d+)\s", words, flags=re.MULTILINE
    )
    covered = re.findall(r"cov: (\d+)", words)
    errors = _ERROR.findall(words)
    finding = "" if child.returncode == 0 else (errors or [f"exit code {child.returncode}"])[0]
    return Outcome(name, int((inputs or ["0"])[-1]), int((covered or ["0"])[-1]), finding)


def main() -> int:
    """Try every parser, or those named."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("names", nargs="*", help="Parsers, or the beginnings of their names.")
    options.add_argument("--seconds", type=int, default=60, help="For each parser.")
    options.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="Corpus and findings.")
    given = options.parse_args()
    chosen = [
        parser.name
        for parser in PARSERS
        if not given.names or any(parser.name.startswith(name) for name in given.names)
    ]
    outcomes = []
    print("| parser | inputs | edges covered | finding |\n|---|---|---|---|")
    for name in chosen:
        found = fuzzed(name, given.seconds, given.out)
        outcomes.append(found)
        line = f"| {name} | {found.inputs:,} | {found.covered:,} | {found.finding or 'none'} |"
        print(line, flush=True)
    total = sum(found.inputs for found in outcomes)
    findings = sum(bool(found.finding) for found in outcomes)
    print(f"\n{total:,} inputs, {findings} findings")
    return min(findings, 1)


if __name__ == "__main__":
    sys.exit(main())

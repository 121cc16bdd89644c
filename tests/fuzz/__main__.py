"""``python -m tests.fuzz``: look for inputs that break a parser, led by coverage.

Needs Atheris (``pip install atheris``), libFuzzer for Python: inputs that reach new code
are kept and changed further. Exit code 1 where something was found; the input lies in
``--out``. One that makes a parser of ours raise something else than it may belongs into
``test_parsers.py`` with what mends it. One that crashes, stops or floods software that isn't
ours, or slips past one of its checks, stays out of the repository: report it to its makers in
private, tell of it in SECURITY.md in words, and test the guard with a harmless file.
"""

import argparse
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import atheris

# What is looked into for coverage, with all below; torch, numpy and scipy would take minutes.
_INTO = ["benchmark", "tasks", "tarfile", "tomllib", "zipfile", "pickletools", "json", "csv", "PIL"]
with atheris.instrument_imports(include=_INTO):
    from tests.fuzz.parser import Parser
    from tests.fuzz.parsers import PARSERS

_ERROR = re.compile(r"^(?:[\w.]*Error|[\w.]*Exception|ALARM|==\d+== ERROR).*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of one parser.

    Attributes:
        name: of the parser.
        inputs: tried.
        covered: edges of code that they reached.
        finding: what broke it, in libFuzzer's words; empty if nothing did.
    """

    name: str
    inputs: int
    covered: int
    finding: str


def fuzzed(parser: Parser, seconds: int, folder: Path) -> Outcome:
    """Try a parser for a while, in a process of its own.

    Args:
        parser: to try.
        seconds: for it.
        folder: for inputs worth keeping, and for findings.
    """
    own = (folder / re.sub(r"[^a-z0-9]+", "-", parser.name.lower())).absolute()
    (own / "corpus").mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child == 0:
        _fuzz(parser, seconds, own)
    _, status = os.waitpid(child, 0)
    words = (own / "log.txt").read_text(encoding="utf-8", errors="replace")
    inputs = re.findall(r"^#(\d+)\s", words, flags=re.MULTILINE)
    inputs += re.findall(r"number_of_executed_units:\s*(\d+)", words)
    covered = re.findall(r"cov: (\d+)", words)
    finding = "" if status == 0 else (_ERROR.findall(words) or [f"wait status {status}"])[0]
    return Outcome(parser.name, int((inputs or ["0"])[-1]), int((covered or ["0"])[-1]), finding)


def _fuzz(parser: Parser, seconds: int, own: Path) -> None:
    """Be the process that tries a parser; doesn't return."""
    log = os.open(own / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with tempfile.TemporaryDirectory() as folder:
        place, seeds = Path(folder, "place"), Path(folder, "seeds")
        place.mkdir()
        seeds.mkdir()
        for number, seed in enumerate(parser.seeds(seeds)):
            (own / "corpus" / f"seed-{number}").write_bytes(seed)
        limits = [f"-max_total_time={seconds}", "-rss_limit_mb=4000", "-timeout=60"]
        options = ["-print_final_stats=1", "-max_len=40000", f"-artifact_prefix={own}/"]
        atheris.Setup(
            ["fuzz", str(own / "corpus"), *limits, *options],
            lambda content: parser(content, place),
        )
        atheris.Fuzz()
    os._exit(0)


def main() -> int:
    """Try every parser, or those named."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("names", nargs="*", help="Parsers, or the beginnings of their names.")
    options.add_argument("--seconds", type=int, default=60, help="For each parser.")
    options.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="Corpus and findings.")
    given = options.parse_args()
    outcomes = []
    print("| parser | inputs | edges covered | finding |\n|---|---|---|---|", flush=True)
    for parser in PARSERS:
        if not given.names or any(parser.name.startswith(name) for name in given.names):
            found = fuzzed(parser, given.seconds, given.out)
            outcomes.append(found)
            line = f"| {found.name} | {found.inputs:,} | {found.covered:,} "
            print(f"{line}| {found.finding or 'none'} |", flush=True)
    total = sum(found.inputs for found in outcomes)
    findings = sum(bool(found.finding) for found in outcomes)
    print(f"\n{total:,} inputs, {findings} findings")
    return min(findings, 1)


if __name__ == "__main__":
    sys.exit(main())

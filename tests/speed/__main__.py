"""``python -m tests.speed``: measure what is claimed of speed, A and B in turn in one process.

Without names everything is measured, which takes about an hour on a quiet core; what lacks a
device or a package is named as not run. Prints each result and a Markdown table of them all;
``--json`` keeps every round. Nothing is asserted about time: a claim that is missed is said.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Measure everything, or what is named."""
    options = argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__)
    options.add_argument("names", nargs="*", help="Benchmarks, or parts of their names.")
    options.add_argument("--pairs", type=int, default=3, help="Turns of A and B (default: 3).")
    options.add_argument("--json", type=Path, help="File for all rounds and circumstances.")
    options.add_argument("--list", action="store_true", help="Print the names and run nothing.")
    given = options.parse_args()
    # Test names have underscores where parameters have hyphens.
    chosen = [part for name in given.names for part in {name, name.replace("-", "_")}]
    line = [sys.executable, "-m", "pytest", str(Path(__file__).parent)]
    line += ["--benchmark-only", "--override-ini=addopts=--import-mode=importlib"]
    line += ["--benchmark-quiet", f"--benchmark-min-rounds={given.pairs}", "-q", "-rN"]
    line += ["-k", " or ".join(chosen)] if chosen else []
    line += [f"--benchmark-json={given.json}"] if given.json else []
    line += ["--collect-only"] if given.list else []
    return subprocess.call(line, cwd=Path(__file__).parents[2])


if __name__ == "__main__":
    sys.exit(main())

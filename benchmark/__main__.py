"""``python -m benchmark``: puts our folder before others, then runs the commands."""

import sys
from pathlib import Path

# Python looks into the working folder first, where a file may be called like a module of ours, of
# Python or of a library. Last there are still the neighbours of a strategy's file.
if not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))
if (root := str(Path(__file__).parents[1])) not in sys.path[:-1]:
    sys.path.insert(0, root)

from benchmark.cli import main

main(prog_name="python -m benchmark")

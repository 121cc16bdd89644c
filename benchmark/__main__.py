"""``python -m benchmark``."""

import sys
from pathlib import Path

# Python looks into the working folder first, where a file may be called like a package of ours.
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmark.cli import main

main(prog_name="python -m benchmark")

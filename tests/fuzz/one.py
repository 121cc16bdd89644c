"""One parser under libFuzzer (through Atheris), which mutates what reaches new code."""

import sys
import tempfile
from pathlib import Path

import atheris

# What is looked into for coverage; the rest (torch above all) would only be slow.
_INTO = [
    *("benchmark", "tasks", "strategies.base", "tarfile", "tomllib", "zipfile", "pickle"),
    *("numpy.lib", "scipy.io", "PIL", "json", "csv"),
]


def main() -> None:
    """``python -m tests.fuzz.one NAME CORPUS [libFuzzer's options]``."""
    name, corpus, *options = sys.argv[1:]
    with atheris.instrument_imports(include=_INTO):
        from tests.fuzz.parsers import PARSERS  # noqa: PLC0415 - instrumented while imported

    parser = next(parser for parser in PARSERS if parser.name == name)
    with tempfile.TemporaryDirectory() as folder:
        place, seeds = Path(folder, "place"), Path(folder, "seeds")
        place.mkdir()
        seeds.mkdir()
        for number, seed in enumerate(parser.seeds(seeds)):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], corpus, *options], lambda content: parser(content, place))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

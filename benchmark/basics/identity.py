"""Content hashes: what a result depends on, as one short name."""

import hashlib
import json
import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

_SCORING = (
    "benchmark.basics.devices",
    "benchmark.networks",
    "benchmark.basics.numerical_state",
    "benchmark.oracle",
    "benchmark.records.schemes",
    "benchmark.basics.seeding",
    "benchmark.standalone.training",
    "benchmark.supernet",
    "benchmark.basics.threads",
    "benchmark.training",
    "tasks",
)


_SOURCES = ("py", "c", "h")


def content_hash(**parts: Any) -> str:
    """Sixteen hexadecimal digits that change with any of the (JSON) ``parts``."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@cache
def torch_version() -> str:
    """``torch.__version__`` with its build, read from torch's file: importing it takes seconds."""
    spec = find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    found = re.search(r"^__version__ = ['\"](.+)['\"]$", text, re.MULTILINE)
    return found[1] if found else str(import_module("torch").__version__)


@cache
def code_version(*modules: str) -> str:
    """Hash of the source of ``modules`` (packages with all their files).

    With the numerical library's version it stands for "the same code": a cached
    result is never taken for one of other code.

    Args:
        modules: default: everything that training and scoring pass through.
    """
    digest = hashlib.sha256(torch_version().encode())
    for module in modules or _SCORING:
        spec = find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        sources = [origin]
        if origin.name == "__init__.py":
            kinds = (origin.parent.rglob(f"*.{suffix}") for suffix in _SOURCES)
            found = chain.from_iterable(kinds)
            sources = sorted(path for path in found if not path.name.startswith("."))
        for source in sources:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

"""Content hashes: what a result depends on, as one short name.

Code is known by the sources that a module imports, directly and in turn. Registries name modules by
text, which is no import: who chooses one names it among the roots, and what else is registered
beside it makes no difference.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2]
"""The folder that our packages lie in."""
_OURS = {"benchmark", "reports", "strategies", "tasks"}
_CARRIERS = re.compile(
    r"benchmark(\.(basics\.fork_server|(plugins|storage|watching|workers)(\..*)?))?"
)
"""Modules that start, host, keep and show computations, and change no number of theirs."""
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]+))",
    re.MULTILINE,
)
# Parsing takes sixty times as long; tests hold this to the parser.
_REGISTERED = re.compile(r'^\s*"[^"\n]+": "[\w.]+:\w+",\n', re.MULTILINE)
"""An entry of a registry: a name, a module and its class."""
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
def code_version(*roots: str, folder: Path = _FOLDER) -> str:
    """Hash of the sources that ``roots`` need.

    With the numerical library's version it stands for "the same code": a cached
    result is never taken for one of other code.

    Args:
        roots: modules, or classes as registries name them (``module:Class``).
        folder: where our packages lie.
    """
    digest = hashlib.sha256("\0".join((torch_version(), *sorted(roots), "")).encode())
    modules = (root.partition(":")[0] for root in roots)
    for name, path in sorted(sources(modules, folder).items()):
        digest.update(f"{name}\0".encode() + _source(path).code)
    return digest.hexdigest()[:16]


def sources(modules: Iterable[str], folder: Path = _FOLDER) -> dict[str, Path]:
    """Files of ``modules`` and of all that they import, directly or in turn, by module.

    Only our packages and those of ``modules`` themselves are followed, and none that only carries
    computations about.
    """
    waiting = list(modules)
    followed = _OURS | {name.partition(".")[0] for name in waiting}
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in followed or _CARRIERS.fullmatch(name):
            continue
        path = _file(name, folder)
        if path is not None:
            found[name] = path
            waiting += [name.rpartition(".")[0], *_source(path).imports]
    return found


def imported(text: str) -> Iterator[str]:
    """Modules that the source ``text`` imports, and names that may be modules.

    Imports inside of functions and for types alone count; relative ones aren't known.
    """
    for origin, names, plain in _IMPORT.findall(text):
        if origin:
            yield origin
            yield from (f"{origin}.{name}" for name in re.findall(r"\w+", names))
        else:
            yield from re.findall(r"(?:^|,)\s*([\w.]+)", plain)


def _file(name: str, folder: Path) -> Path | None:
    """The file of a module; None where nothing of this name is a module."""
    top, *rest = name.split(".")
    if top not in _OURS:
        spec = find_spec(top)
        if spec is None or spec.origin is None:
            return None
        folder = Path(spec.origin).parents[Path(spec.origin).name == "__init__.py"]
    place = folder.joinpath(top, *rest)
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in files if path.is_file()), None)


@dataclass(frozen=True)
class _Source:
    code: bytes
    imports: frozenset[str]


@cache
def _source(path: Path) -> _Source:
    text = path.read_text(encoding="utf-8")
    return _Source(_REGISTERED.sub("", text).encode(), frozenset(imported(text)))


@cache
def package_version(*packages: str) -> str:
    """Hash of all sources of ``packages``, or modules, whatever they import."""
    digest = hashlib.sha256(torch_version().encode())
    for package in packages:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        files = [origin]
        if origin.name == "__init__.py":
            kinds = (origin.parent.rglob(f"*.{suffix}") for suffix in _SOURCES)
            files = sorted(path for path in chain(*kinds) if not path.name.startswith("."))
        for path in files:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

"""Strategies in files of their own: ``my_strategy.py:MyStrategy``.

Only a file that somebody names is ever run. Its module is known by a hash of its
content, so an edited file is never mistaken for what it was before.
"""

import hashlib
import sys
import traceback
from contextlib import redirect_stdout
from importlib.abc import ExecutionLoader
from importlib.util import decode_source, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from benchmark.basics.errors import UsageError, unknown_name
from strategies.base import Strategy

_OURS = {"benchmark", "reports", "strategies", "tasks"}


def load_class(path: Path, name: str) -> tuple[type[Strategy], str]:
    """Run the file and return its class ``name`` with the content hash of what was run.

    Raises:
        UsageError: the file can't be read or run, or the class is missing, abstract or
            no strategy.
    """
    source = _read(path)
    module = _module(path, source)
    found = getattr(module, name, None)
    if found is None:
        raise unknown_name(f"class in {path.name}", name, _strategies_of(module))
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise UsageError(
            f"expected {name} of {path.name} to be a subclass of strategies.base.Strategy, "
            f"received {found!r}"
        )
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise UsageError(f"{name} of {path.name} has no {' and no '.join(missing)}")
    return found, _digest(source)


def is_loaded(path: Path) -> bool:
    """Whether the file has run in this process, as it is now.

    Raises:
        UsageError: it can't be read.
    """
    return module_name(_digest(_read(path))) in sys.modules


class _Source(ExecutionLoader):
    # Python's own loader would believe a stale __pycache__ and write one beside the file.
    def __init__(self, path: Path, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002 - it loads one module
        return str(self._path)

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - it loads one module
        return decode_source(self._source)

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002 - it loads one module
        return False


def _module(path: Path, source: bytes) -> ModuleType:
    name = module_name(_digest(source))
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_loader(name, _Source(path, source))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    try:
        with redirect_stdout(sys.stderr):  # what others print is no part of what a command prints
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(
            f"can't run {path}: {type(error).__name__}: {error}{_where(error, path)}{_hint(error)}"
        ) from error
    return module


def module_name(code: str) -> str:
    """What the module of a file is called whose content has the hash ``code``."""
    return f"_ticket_benchmark_plugin_{code}"


def _where(error: BaseException, path: Path) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f" (line {lines[-1]})" if lines else ""


def _hint(error: BaseException) -> str:
    """What helps where a module isn't found."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return ""
    package = error.name.partition(".")[0]
    if package in _OURS:
        return f"; {package} is Ticket Benchmark's own package: call yours otherwise"
    return "; keep a strategy in one file, or install what it imports"


def _strategies_of(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read strategy file {path}: {error}") from error


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:16]

"""How users name a strategy: by its name, or as ``FILE.py:CLASS``."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.basics.errors import UsageError, unknown_name
from strategies.base import StrategyError
from strategies.registry import STRATEGIES, strategy_names


def is_file_reference(reference: str) -> bool:
    """Whether a strategy is named by its file rather than by its name."""
    return ":" in reference or "/" in reference or "\\" in reference or reference.endswith(".py")


def split_reference(reference: str) -> tuple[Path, str]:
    """Absolute path and class of ``FILE.py:CLASS``.

    Raises:
        UsageError: it has another form, or there is no such file.
    """
    file, _, name = reference.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise UsageError(f"expected a strategy's name or FILE.py:CLASS, received {reference!r}")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise UsageError(f"there is no strategy file {file!r} (looked for {path})")
    return path, name


def known_names() -> list[str]:
    """Names of shipped and installed strategies.

    Raises:
        UsageError: two of them have one name.
    """
    try:
        return strategy_names()
    except StrategyError as error:
        raise UsageError(str(error)) from error


def require_known(references: Sequence[str]) -> None:
    """Refuse names that nobody has, files that aren't there, and repetitions; loads nothing.

    Raises:
        UsageError: names the first, with what is close to it.
    """
    for reference in references:
        if is_file_reference(reference):
            split_reference(reference)
        elif reference not in STRATEGIES and reference not in (known := known_names()):
            raise unknown_name("strategy", reference, known)
        if references.count(reference) > 1:
            raise UsageError(f"strategy {reference!r} is listed more than once")

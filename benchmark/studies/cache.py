"""The store that all experiments share: supernets' answers and stand-alone results."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmark.basics.errors import UsageError
from benchmark.basics.files import made_folder
from benchmark.storage.store import Store


def default_cache() -> Path:
    """``$TICKET_BENCHMARK_CACHE``, or ``ticket-benchmark`` in the user's cache folder.

    Raises:
        UsageError: nobody knows where this user's home is.
    """
    if chosen := os.environ.get("TICKET_BENCHMARK_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "ticket-benchmark"
    except RuntimeError as error:
        raise UsageError(f"{error} Say where to keep results with {_CHOOSES_CACHE}") from error


_CHOOSES_CACHE = "--cache (or $TICKET_BENCHMARK_CACHE)"


@contextmanager
def opened_cache(cache: Path) -> Iterator[Store]:
    """The store in the folder ``cache`` that all experiments share.

    Raises:
        UsageError: the folder can't be made or written.
    """
    folder = made_folder(cache, option=_CHOOSES_CACHE)
    with closing(Store(folder / "cache.sqlite")) as store:
        yield store

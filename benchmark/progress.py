"""How long-running work says what it is doing; silent unless somebody listens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]
"""Says that so many more units are done."""


class Progress(Protocol):
    """Shows stages of work, one after the other."""

    def stage(self, title: str, total: float, unit: str) -> AbstractContextManager[Advance]:
        """Open a stage of ``total`` units; leave the context when it is over."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, title: str, total: float, unit: str) -> Iterator[Advance]:  # noqa: ARG002 - a listener's view
        """See `Progress.stage`."""
        yield lambda _: None

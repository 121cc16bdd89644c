"""How long-running work says what it is doing; silent unless somebody listens."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Advance = Callable[[int], None]
"""Says that so many more units are done."""


class Progress(ABC):
    """Shows stages of work, one after the other."""

    @abstractmethod
    def stage(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a stage of ``total`` units; leave the context when it is over."""


class NoProgress(Progress):
    """Progress of a run that nobody watches: every call does nothing."""

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Advance]:  # noqa: ARG002 - a listener's view
        """A stage that nothing is shown of."""
        yield lambda _: None

"""Strategies of somebody else's in processes of their own.

Whatever such a strategy does (raise, hang in native code, exit, crash, use up the memory) ends
its lane and nothing else. It draws from the same generator and is told the same answers as it
would be here, so it proposes the same schemes.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from time import process_time
from typing import Any, final

import numpy as np

from benchmark.basics.errors import LaneError
from benchmark.basics.fork_server import CAN_FORK
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.confined import confine, ending, shown_stack, start_confined
from benchmark.plugins.error_translation import as_strategy_errors
from benchmark.plugins.openings import Openings
from benchmark.plugins.timeout import Countdown, within
from strategies.base import (
    Answers,
    GateGradient,
    GateQuestion,
    Request,
    Schemes,
    SearchSpace,
    Strategy,
    WhiteBox,
)


def make_strategy(
    chosen: ChosenStrategy, space: SearchSpace, *, rng: np.random.Generator, timeout: float
) -> Strategy:
    """A new strategy: here, or in a process of its own where it isn't one of the project's.

    Args:
        chosen: which.
        space: what it searches.
        rng: its only source of randomness.
        timeout: seconds that one call of it may take.

    Raises:
        LaneError: it can't be made.
    """
    if chosen.is_plug_in and CAN_FORK:
        return HostedStrategy(chosen, space, rng=rng, timeout=timeout)
    return chosen.make(space, rng=rng)


@final
class HostedStrategy(Strategy):
    """Stands here for a strategy at work in another process.

    Args:
        chosen: the strategy.
        space: what it searches.
        rng: its only source of randomness.
        timeout: seconds that one call of it may take; the oracle's time left out.

    Attributes:
        opened: what it has reached for so far; see `benchmark.plugins.openings`.
    """

    name = "hosted"
    summary = "a strategy in a process of its own"
    source = "its own"

    def __init__(
        self,
        chosen: ChosenStrategy,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        timeout: float,
    ) -> None:
        super().__init__(space, rng=rng)
        self.needs = chosen.load().needs  # type: ignore[misc]  # those of the class it stands for
        self._timeout = timeout
        self._seconds = 0.0
        self.opened: list[str] = []
        self._child = start_confined(serve, chosen, space, rng)
        weakref.finalize(self, self._child.end)
        self._wait("its loading")
        self._wait("its making")

    def take_seconds(self) -> float:
        """Processor time that it has used since this was last asked."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds

    def look_into(self, oracle: WhiteBox) -> None:
        """See `Strategy.look_into`.

        Raises:
            LaneError: what went wrong in there.
        """
        super().look_into(oracle)
        self._call("look_into")

    def ask(self, n: int) -> Any:  # whatever it is, the runner looks at it
        """See `Strategy.ask`.

        Raises:
            LaneError: what went wrong in there.
        """
        schemes, fidelity = self._call("ask", n)
        return schemes if fidelity is None else Request(schemes, fidelity)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        """See `Strategy.tell`.

        Raises:
            LaneError: what went wrong in there.
        """
        self._call("tell", schemes, answers)

    def _call(self, name: str, *values: Any) -> Any:
        with suppress(OSError):  # the reason is told below
            self._child.connection.send((name, *values))
        return self._wait(name)

    def _wait(self, name: str) -> Any:
        left = Countdown(self._timeout)
        while True:
            try:
                if not within(left, self._child.connection.poll):
                    raise self._timed_out(name)
                kind, value, *rest = self._child.connection.recv()
            except (EOFError, ConnectionError) as error:
                raise LaneError(f"{name} {ending(self._child.end(kill=False))}") from error
            if kind == "opened":
                self.opened += [thing for thing in value if thing not in self.opened]
                continue
            if kind == "done":
                self._seconds += rest[0]
                return value
            if kind == "failed":
                raise LaneError(value, traceback=rest[0])
            self._child.connection.send(self._looked(value))

    def _looked(self, question: GateQuestion | None) -> GateGradient | list[dict[str, np.ndarray]]:
        if question is None:
            return self.oracle.attention_weights()
        return self.oracle.gate_gradient(question)

    def _timed_out(self, name: str) -> LaneError:
        shown = shown_stack(self._child)
        self._child.end()
        return LaneError(
            f"{name} took longer than {self._timeout:g} s (--ask-timeout)", traceback=shown
        )


def serve(
    connection: Connection, chosen: ChosenStrategy, space: SearchSpace, rng: np.random.Generator
) -> None:
    """Be the other process: make the strategy and do what is asked until nobody asks."""
    confine(connection)
    openings = Openings(chosen.package)
    with suppress(EOFError, ConnectionError):
        with _told(connection, openings) as reply:
            chosen.load()
            reply.send(0.0)  # no part of its search
        strategy = None
        with _told(connection, openings) as reply:
            strategy = chosen.make(space, rng=rng)
            reply.send()
        while strategy is not None:
            name, *values = connection.recv()
            with _told(connection, openings) as reply:
                if name == "ask":
                    reply.value = _plain(strategy.ask(*values))
                elif name == "tell":
                    strategy.tell(*values)
                else:
                    strategy.look_into(_WhiteBox(connection))
                reply.send()


class _Reply:
    def __init__(self, connection: Connection, openings: Openings) -> None:
        self.value: Any = None
        self._connection = connection
        self._openings = openings
        self._started = process_time()

    def send(self, seconds: float | None = None) -> None:
        taken = process_time() - self._started if seconds is None else seconds
        self.tell_openings()
        self._connection.send(("done", self.value, taken))

    def tell_openings(self) -> None:
        if opened := self._openings.take():
            self._connection.send(("opened", opened))


@contextmanager
def _told(connection: Connection, openings: Openings) -> Iterator[_Reply]:
    """Tell what it reaches for and what goes wrong inside, which ends the process."""
    reply = _Reply(connection, openings)
    try:
        with as_strategy_errors(), openings.noting():
            yield reply
    except LaneError as error:
        reply.tell_openings()
        connection.send(("failed", str(error), error.traceback))
        raise SystemExit(0) from error


def _plain(asked: Any) -> tuple[np.ndarray, Any]:
    """What was asked as something that can be sent: objects keep their shape only."""
    schemes, fidelity = (
        (asked.schemes, asked.fidelity) if isinstance(asked, Request) else (asked, None)
    )
    array = np.array(schemes)
    return (np.empty(array.shape, dtype=object) if array.dtype.hasobject else array), fidelity


@final
class _WhiteBox:
    """The oracle as the strategy sees it; passes run in the other process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        self._connection.send(("look", question))
        answer: GateGradient = self._connection.recv()
        return answer

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        self._connection.send(("look", None))
        weights: list[dict[str, np.ndarray]] = self._connection.recv()
        return weights

"""Who does the jobs of a command: processes of this machine, or an engine's."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from benchmark.basics.errors import UsageError
from benchmark.workers.engine import EngineOption
from benchmark.workers.registry import engines

if TYPE_CHECKING:
    from benchmark.workers.pool import WorkerPool


def engine_options() -> dict[str, EngineOption]:
    """The options of all engines by name, each after the option that chooses its engine."""
    found: dict[str, EngineOption] = {}
    for name, engine in engines().items():
        found |= {name: engine.chosen_by} | engine.options
    return found


@final
@dataclass(frozen=True)
class WorkerOptions:
    """What a command line says of it; nothing is started before it is called together.

    Attributes:
        count: of processes; None for as many as there are cores or, with an engine, places.
        engine: values of `engine_options` by name; None where an option wasn't given.
    """

    count: int | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)

    def assembled(self) -> "WorkerPool":
        """The workers.

        Raises:
            UsageError: options contradict each other, or the engine can't be had.
        """
        from benchmark.workers.pool import WorkerPool

        given = {name: value for name, value in self.engine.items() if value is not None}
        known = engines()
        chosen = [name for name in known if name in given]
        if len(chosen) > 1:
            raise UsageError(f"expected one of {_flags(chosen)}, received all of them")
        options = {name for one in chosen for name in known[one].options}
        for name in given.keys() - {*chosen} - options:
            takers = [one for one, engine in known.items() if name in engine.options]
            raise UsageError(f"{_flags([name])} has no effect without {_flags(takers)}")
        if not chosen:
            return WorkerPool.of(self.count)
        address = given.pop(chosen[0])
        engine = known[chosen[0]](address, **given)  # type: ignore[call-arg]  # as they promise
        there = engine.places(sys.maxsize if self.count is None else self.count, "cpu", "scoring")
        return WorkerPool(there, engine)


def _flags(names: list[str]) -> str:
    return " or ".join(f"--{name.replace('_', '-')}" for name in names)

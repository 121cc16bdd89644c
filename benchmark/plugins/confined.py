"""Limits of a process that runs code of somebody else's, and what became of it."""

import faulthandler
import os
import re
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from benchmark.basics.errors import LaneError, UsageError
from benchmark.basics.fork_server import CAN_FORK, Child, Work, start_child
from benchmark.plugins.error_translation import place, summary
from benchmark.plugins.timeout import Countdown, within

T = TypeVar("T")

LOADING = 60.0
"""Seconds that it may take to load a strategy, unless somebody says otherwise."""
_SHOWING = 2.0  # seconds to wait for a traceback
_FIRST_VICTIM = "1000"  # for the kernel, when memory runs out
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def start_confined(
    work: Work, *arguments: Any, before: Callable[[], object] | None = None
) -> Child:
    """Start a child for code of somebody else's, which it loads by itself.

    Nobody else waits for that, or dies of it; and by then all that is ours has been imported,
    so that no limit need be long enough for it.

    Args:
        work: see `benchmark.basics.fork_server.ForkServer.start`.
        arguments: to it.
        before: see there.

    Raises:
        LaneError: no process can be started.
    """
    try:
        return start_child(work, *arguments, before=before)
    except (OSError, EOFError) as error:
        raise LaneError(f"no process could be started for it: {summary(error)}") from error


def try_out(task: Callable[[], T], what: str, limit: float, *, doing: str = "loaded") -> T:
    """Do ``task`` in a process of its own, also to learn whether it can be done here.

    Args:
        task: can be pickled, and so can what it returns.
        what: of which code it is, for messages.
        limit: seconds that it may take.
        doing: what is done to that code, for messages.

    Returns:
        what it returned.

    Raises:
        UsageError: it takes longer, exits, crashes, or raises.
    """
    if not CAN_FORK:
        return task()
    try:
        child = start_child(_serve_trial, task, list(sys.path))
    except (OSError, EOFError) as error:
        raise UsageError(
            f"no process could be started for {what} to be {doing} in: {summary(error)}"
        ) from error
    try:
        if not within(Countdown(limit), child.connection.poll):
            frames = [(file, int(line)) for file, line in _FRAME.findall(shown_stack(child))]
            raise UsageError(
                f"{what} took longer than {limit:g} s while it was {doing}{place(frames)}"
            )
        reason, value = child.connection.recv()
    except (EOFError, ConnectionError) as error:
        end = ending(child.end(kill=False))
        raise UsageError(f"{what} {end} while it was {doing}") from error
    finally:
        child.end()
    if reason:
        raise UsageError(reason)
    returned: T = value
    return returned


def _serve_trial(connection: Connection, task: Callable[[], object], path: list[str]) -> None:
    sys.path[:] = path
    with Path(os.devnull).open("w") as nowhere:  # whatever it prints, it will print again
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    confine(connection)
    try:
        answer = "", task()
    except UsageError as error:
        answer = str(error), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is said
        answer = summary(error), None
    connection.send(answer)


def ending(code: int) -> str:
    """What a process did that ended with ``code`` (see `Child.end`), after "it"."""
    if code >= 0:
        return f"ended its process with exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return f"was ended by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
    return f"was ended by signal {-code}"


def shown_stack(child: Child) -> str:
    """Where a confined child hangs, in native code or not, latest call first."""
    child.signal(signal.SIGUSR1)
    shown = b""
    handle = child.connection.fileno()
    until = monotonic() + _SHOWING
    while (left := until - monotonic()) > 0 and select.select([handle], [], [], left)[0]:
        part = os.read(handle, 65536)
        shown += part
        if not part:
            break
        until = min(until, monotonic() + 0.1)
    return shown.decode(errors="replace").strip()


def confine(connection: Connection) -> None:
    """Keep this process to its limits and let its stack be asked for; see `shown_stack`."""
    faulthandler.register(signal.SIGUSR1, file=connection.fileno(), all_threads=False)
    _limit_memory()


def _limit_memory() -> None:
    """Let a strategy have half of the machine's memory, and go first when there is none left."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on every system

        page = os.sysconf("SC_PAGE_SIZE")
        own = int(Path("/proc/self/statm").read_text().split()[0]) * page
        most = own + os.sysconf("SC_PHYS_PAGES") * page // 2
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM)

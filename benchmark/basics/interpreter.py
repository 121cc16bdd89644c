"""Python started anew for code of ours, whatever lies in this folder or on the path."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = str(Path(__file__).parents[2])
_CALL = """\
import sys
sys.path.insert(0, {root!r})
import benchmark
sys.path[:] = {path!r}
from {module} import main
main()
"""


def python_calling(module: str, *arguments: str) -> list[str]:
    """The command that starts another Python, which calls ``main`` of a module of ours.

    It finds this project's packages where they are here, whatever else is called like them, and
    everything else where it is found here.

    Args:
        module: with a function ``main`` without parameters.
        arguments: it finds them in ``sys.argv[1:]``.
    """
    path = [os.path.abspath(entry) if os.path.isdir(entry or ".") else entry for entry in sys.path]  # noqa: PTH100, PTH112 - entries needn't be paths
    call = _CALL.format(root=_ROOT, path=path, module=module)
    return [sys.executable, "-P", "-c", call, *arguments]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let processes that are started inside hear nothing of Ctrl-C, which this one answers.

    A terminal tells all of them, and Python that is just starting prints a traceback then. Here it
    is answered in the end, by what was set before.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

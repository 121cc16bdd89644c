"""Processes that end when the one that started them has died, whatever it died of."""

import os
import threading
import time

_LOOK = 0.5  # seconds between looks at who the parent is


def end_with(parent: int) -> None:
    """End this process at once when its parent isn't, or soon after it no longer is, ``parent``.

    A thread looks: the kernel's own signal (PR_SET_PDEATHSIG) would also come at the end of the
    *thread* that started this process. On Windows nothing happens.
    """
    if os.name != "posix":
        return
    _look(parent)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def end_with_torchrun() -> None:
    """End this process with the ``torchrun`` that has started it, if one has.

    To be called first thing: who is adopted before can't know it. (That the adopter is process 1
    says nothing: in a container that is ``torchrun`` itself.)
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        end_with(os.getppid())


def _watch(parent: int) -> None:
    while True:
        time.sleep(_LOOK)
        _look(parent)


def _look(parent: int) -> None:
    if os.getppid() != parent:  # whoever adopts orphans is another
        os._exit(1)

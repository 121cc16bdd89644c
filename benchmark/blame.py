"""What goes wrong inside a strategy ends its lane, with a message that says where."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import LaneError, ReplayError

_HERE = str(Path(__file__).parent)
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")


@contextmanager
def blamed_on_strategy() -> Iterator[None]:
    """Turn whatever is raised inside, an attempt to exit included, into a `LaneError`.

    What ledger and journal raise while the strategy asks a white box goes through as it is.
    """
    try:
        yield
    except (LaneError, ReplayError):
        raise
    except (Exception, SystemExit) as error:
        raise LaneError(summary(error)) from error


def summary(error: BaseException) -> str:
    """Kind, text and place of an error in one line."""
    text = one_line(error)
    return f"{type(error).__name__}{': ' if text else ''}{text}{where(error)}"


def one_line(error: BaseException) -> str:
    """The error's text without line breaks."""
    return " ".join(str(error).split())


def where(error: BaseException) -> str:
    """File and line of the outermost code that is neither the benchmark's nor a library's."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_HERE, "<"))
    ]
    installed = [frame for frame in frames if "site-packages" in Path(frame.filename).parts]
    own = [
        frame
        for frame in frames
        if frame not in installed and not frame.filename.startswith(_STANDARD_LIBRARY)
    ]
    for frame in own or installed:
        return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""

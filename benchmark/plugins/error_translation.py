"""What goes wrong inside a strategy ends its lane, with a message that says where."""

import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmark.basics.errors import LaneError, ReplayError
from benchmark.plugins.timeout import CallerError, TimedOut

_HERE = str(Path(__file__).parents[1])
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")


@contextmanager
def as_caller_errors() -> Iterator[None]:
    """What fails inside (disks, devices, the oracle) is nothing that the strategy has done.

    What it asks for is looked at before, and refused by a `LaneError`.
    """
    try:
        yield
    except (LaneError, ReplayError):
        raise
    except Exception as error:
        raise CallerError(error) from error


@contextmanager
def as_strategy_errors() -> Iterator[None]:
    """Turn whatever is raised inside, an attempt to exit included, into a `LaneError`.

    What ledger, journal and disk raise while the strategy asks a white box goes through as it is,
    and so does what the caller's own alarm raises.
    """
    try:
        yield
    except (LaneError, ReplayError):
        raise
    except CallerError as carried:
        raise carried.error from None
    except TimedOut as error:
        raise LaneError(
            f"{error} (--ask-timeout){where(error)}",
            traceback=shown_traceback(error),
        ) from error
    except (Exception, SystemExit) as error:
        raise LaneError(summary(error), traceback=shown_traceback(error)) from error


def summary(error: BaseException) -> str:
    """Kind, text and place of an error in one line."""
    text = one_line(error)
    return f"{type(error).__name__}{': ' if text else ''}{text}{where(error)}"


def shown_traceback(error: BaseException) -> str:
    """The traceback from the first code on that isn't the benchmark's."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_HERE):
        found = found.tb_next
    if found is None:
        return ""
    return "".join(traceback.format_exception(type(error), error, found, chain=False)).rstrip()


def one_line(error: BaseException) -> str:
    """The error's text without line breaks."""
    return " ".join(str(error).split())


def where(error: BaseException) -> str:
    """File and line that ``error`` comes from, as `place` picks them from its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    return place([(frame.filename, frame.lineno or 0) for frame in frames])


def place(frames: Sequence[tuple[str, int]]) -> str:
    """File and line of the outermost code that is neither the benchmark's nor a library's.

    Args:
        frames: files and lines, outermost first.
    """
    frames = [frame for frame in frames if not frame[0].startswith((_HERE, "<"))]
    installed = [frame for frame in frames if "site-packages" in Path(frame[0]).parts]
    own = [
        frame
        for frame in frames
        if frame not in installed and not frame[0].startswith(_STANDARD_LIBRARY)
    ]
    for file, line in own or installed:
        return f" ({Path(file).name}, line {line})"
    return ""

"""What goes wrong inside a strategy ends its lane, with a message that says where."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import LaneError

_HERE = str(Path(__file__).parent)


@contextmanager
def blamed_on_strategy() -> Iterator[None]:
    """Turn whatever is raised inside, an attempt to exit included, into a `LaneError`."""
    try:
        yield
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
    own = [frame for frame in frames if "site-packages" not in Path(frame.filename).parts]
    for frame in own or frames:
        return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""

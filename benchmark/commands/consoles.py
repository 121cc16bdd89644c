"""Where commands print: terminals, and files or pipes that nobody's window limits."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_UNLIMITED = 10_000  # columns; rich's tables take what they need of it


def console_of(*, stderr: bool = False) -> "Console":
    """A console of standard output or error.

    It is as wide as its terminal, or as ``COLUMNS`` says; a log or a pipe as whatever it is given.
    """
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _UNLIMITED
    return console

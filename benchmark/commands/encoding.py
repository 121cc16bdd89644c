"""Consoles that can't show every sign: a cp1252 pipe on Windows, an ASCII locale in a container."""

import codecs
import io
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_HANDLER = "ticket-benchmark.plain"
_DEFAULTS = ("strict", "surrogateescape", "backslashreplace")
"""Python's own: of standard output, of it in the C locale, and of standard error."""
_GREEK = "GREEK SMALL LETTER "
_PLAIN = str.maketrans(
    {
        "−": "-",  # a number without its sign would be another number
        "–": "-",
        "—": "-",
        "─": "-",
        "×": "x",
        "·": ".",
        "•": "*",
        "±": "+/-",
        "≥": ">=",
        "≤": "<=",
        "≈": "~",
        "→": "->",
        "√": "sqrt",
        "│": "|",
        "‖": "||",
        "’": "'",
        "“": '"',
        "”": '"',
        "✓": "v",
        "✗": "x",
        "λ": "lambda",  # Unicode calls it lamda
    }
)


@contextmanager
def printable_streams() -> Iterator[None]:
    """Let standard output and error show plain signs for those that their encoding lacks.

    Streams that say themselves what to do then (``PYTHONIOENCODING=ascii:xmlcharrefreplace``) are
    left alone, and all are put back in the end. Names of files that are no text in their encoding
    are written as the bytes that they are.
    """
    codecs.register_error(_HANDLER, _plain)
    with ExitStack() as streams:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper) and stream.errors in _DEFAULTS:
                streams.enter_context(_printable(stream))
        yield


@contextmanager
def _printable(stream: io.TextIOWrapper) -> Iterator[None]:
    before = stream.errors
    stream.reconfigure(errors=_HANDLER)
    try:
        yield
    finally:
        if not stream.closed:
            stream.reconfigure(errors=before)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of `codecs`: what stands for the first sign that can't be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    escaped = "\udc80" <= sign <= "\udcff"
    plain = sign.encode("ascii", "surrogateescape") if escaped else _replacement(sign)
    return plain, error.start + 1


def _replacement(sign: str) -> str:
    plain = sign.translate(_PLAIN)
    name = unicodedata.name(sign, "")
    if not plain.isascii() and name.startswith(_GREEK):
        plain = name.removeprefix(_GREEK).lower()
    if not plain.isascii():  # "²" is a 2, "š" an s with something above
        plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return plain or "?"

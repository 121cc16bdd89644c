import io
import sys

import pytest

from benchmark.cli import main
from benchmark.commands.encoding import printable_streams


def shown(
    text: str, encoding: str, monkeypatch: pytest.MonkeyPatch, *, errors: str = "strict"
) -> bytes:
    """What arrives on a console of ``encoding`` when ``text`` is printed."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="")
    monkeypatch.setattr(sys, "stdout", stream)
    with printable_streams():
        sys.stdout.write(text)
        sys.stdout.flush()
    assert stream.errors == errors  # as it was found
    return raw.getvalue()


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("−0.5 ± 0.1 points", "ascii", b"-0.5 +/- 0.1 points"),
        ("−0.5 ± 0.1 points", "latin-1", b"-0.5 \xb1 0.1 points"),
        ("λ = 0.02 · ε", "cp1252", b"lambda = 0.02 \xb7 epsilon"),
        ("≥ 95% → ticket", "gbk", "≥ 95% → ticket".encode("gbk")),
        ("≥ 95% → ticket", "ascii", b">= 95% -> ticket"),
        ("2¹² schemes…", "ascii", b"212 schemes..."),
        ("naïve ☃", "ascii", b"naive ?"),
        ("−0.5", "utf-8", "−0.5".encode()),
    ],
)
def test_signs_that_a_console_lacks_are_replaced_by_plain_ones(
    text: str, encoding: str, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(text, encoding, monkeypatch) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_a_file_name_that_is_no_text_is_written_as_the_bytes_it_has(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = b"runs/\xff".decode("utf-8", "surrogateescape")
    assert shown(name, encoding, monkeypatch) == b"runs/\xff"


def test_a_console_that_says_what_to_do_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("−1", "ascii", monkeypatch, errors="xmlcharrefreplace") == b"&#8722;1"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "gbk"])
def test_help_and_lists_are_printed_on_any_console(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["run", "--help"], ["list", "strategies"]):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        main(arguments, standalone_mode=False)
        stream.flush()
        assert len(raw.getvalue()) > 1000

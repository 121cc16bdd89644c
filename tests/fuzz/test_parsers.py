"""Every parser on good files, and on those files damaged at random.

``python -m tests.fuzz`` looks for worse ones, led by coverage; what it found is here.
"""

import json
import sqlite3
import struct
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.errors import StoreError
from tasks.imagenet.index import cached_index
from tests.benchmark.sample_tickets import TICKET
from tests.fuzz.data_sets import small_index
from tests.fuzz.parser import Parser
from tests.fuzz.parsers import PARSERS

NAMES = [parser.name for parser in PARSERS]


@cache
def _seeds(name: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return next(parser for parser in PARSERS if parser.name == name).seeds(Path(folder))


_DAMAGE = st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8))
"""Where, how many bytes are taken out, and what comes there instead."""


@pytest.mark.parametrize("parser", PARSERS, ids=NAMES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_are_read_or_refused_and_never_break_anything(
    parser: Parser, tmp_path: Path, data: st.DataObject
) -> None:
    content = data.draw(st.sampled_from(_seeds(parser.name)))
    for place, removed, added in data.draw(st.lists(_DAMAGE, max_size=3)):
        start = int(place * len(content))
        content = content[:start] + added + content[start + removed :]
    parser(content, tmp_path)


def _tar_header(name: bytes, size: bytes) -> bytes:
    header = bytearray(512)
    header[: len(name)] = name
    header[124 : 124 + len(size)] = size
    header[156:157] = b"0"
    header[257:265] = b"ustar\x0000"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_BACK = _tar_header(b"a.tar", b"\xff" * 10 + b"\xfe\x00")
_DEEP = b"[" * 100_000

_RACE = (
    b'{"search": "x", "evaluations": %s, "regret": {%s}, "strategy": "", "landscape": "", '
    b'"seed": 0, "seconds": 0}'
)

_UNFOLDING = b")" + b"".join(b"q%ch%c\x86" % (depth, depth) for depth in range(40))
"""A tuple of twice the same tuple, forty times."""

_FORGED = json.dumps(
    TICKET.values() | {"noise": {"variance": -1.0, "freedom": 1}, "checksum": ""}
).encode()

FOUND: list[tuple[str, bytes]] = [
    ("stand-alone results", _DEEP),
    ("tickets", _DEEP),
    ("tickets", b'{"format": 1, "scheme": "\\ud800"}'),
    ("tickets", _FORGED),
    ("races", _RACE % (b"1e400", b"")),
    ("races", _RACE % (b"2", b'"a": 1')),
    ("races", _DEEP),
    ("settings", b"a = " + _DEEP),
    ("settings", b"recipe = []"),
    ("supernets: description", _DEEP),
    ("stores: facts", b'{"description": {}}'),
    ("stores: facts", b'{"description": []}'),
    ("stores: facts", b'{"description": {"lanes": [1], "blocks_per_stage": "x"}}'),
    # Room for 4 GiB is made before a byte is read.
    ("CIFAR100: images", b"\x80\x05\x96" + struct.pack("<Q", 2**32) + b"."),
    ("CIFAR100: images", b"\x80\x02}" + _UNFOLDING + b"Ns."),
    ("CIFAR100: images", b"\x80\x04\x8f(" + _UNFOLDING + b"\x90."),
    ("CIFAR100: images", b"\x80\x02" + _UNFOLDING + b"Nb."),
    ("CIFAR100: images", b"\x80\x02cnumpy\ndtype\n" + _UNFOLDING + b"\x85R."),
    ("CIFAR100: images", b"\x80\x02c_codecs\nencode\nU\x00" + _UNFOLDING + b"\x86R."),
    (
        "CIFAR100: names",
        b"\x80\x02}U\x10fine_label_names](" + _UNFOLDING + b"q\xff" + b"h\xff" * 99 + b"es.",
    ),
    ("CIFAR100: names", b"\x80\x02}U\x10fine_label_names](" + b"U\x01\xff" * 100 + b"es."),
    ("stores: watched", b'{"description": {}}'),
    ("stores: watched", b'{"description": []}'),
    ("curves of trainings", b"epoch,epochs\nx,1\n"),
    ("curves of trainings", b"a,b\n1,2\n"),
    ("curves of trainings", b"\xff"),
    ("VOC: list of broken scenes", b"{}"),
    ("VOC: list of broken scenes", b"[7]"),
    ("VOC: list of broken scenes", _DEEP),
    ("VOC: lists", b"a\x00b\n"),
    ("VOC: lists", b"a" * 5000),
    # A member of a negative size sends tarfile round in circles (CVE-2025-8194).
    ("ImageNet: tar of tars", _tar_header(b"a", b"0" * 11) + _BACK * 2),
    ("ImageNet: tar of tars", _tar_header(b"a.tar", b"\x80" + struct.pack(">xxxQ", 2**63)) * 3),
]
"""What once broke a parser: raised something else, ran for ever or took all memory."""


@pytest.mark.parametrize(("name", "content"), FOUND)
@pytest.mark.hostile
def test_what_broke_a_parser_once_does_so_no_more(
    name: str, content: bytes, tmp_path: Path
) -> None:
    next(parser for parser in PARSERS if parser.name == name)(content, tmp_path)


@pytest.mark.hostile
def test_a_store_whose_very_faults_can_not_be_read_is_refused(tmp_path: Path) -> None:
    parser = next(parser for parser in PARSERS if parser.name == "stores")
    content = _seeds("stores")[0].replace(b"TABLE facts (key", b"TABLE facts \xd8key")
    with pytest.raises((StoreError, sqlite3.Error)):
        parser.parse(content, tmp_path)


@pytest.mark.hostile
def test_a_fact_that_is_no_json_is_damage(tmp_path: Path) -> None:
    parser = next(parser for parser in PARSERS if parser.name == "stores")
    content = _seeds("stores")[0].replace(b'{"blocks_per_stage"', b'["blocks_per_stage"')
    with pytest.raises(StoreError, match=r"is damaged \(description: Expecting"):
        parser.parse(content, tmp_path)


@pytest.mark.hostile
def test_a_schema_before_the_first_is_refused(tmp_path: Path) -> None:
    parser = next(parser for parser in PARSERS if parser.name == "stores")
    content = bytearray(_seeds("stores")[0])
    content[60:64] = struct.pack(">i", -5)  # where SQLite keeps user_version
    with pytest.raises(StoreError, match="has schema -5, this version reads"):
        parser.parse(bytes(content), tmp_path)


@pytest.mark.hostile
def test_postscript_is_no_image_whatever_it_is_called(tmp_path: Path) -> None:
    # Pillow would start Ghostscript for it.
    parser = next(parser for parser in PARSERS if parser.name == "images")
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n"
    with pytest.raises(ValueError, match="cannot identify image file"):
        parser.parse(content, tmp_path)


@pytest.mark.hostile
def test_an_index_that_points_out_of_its_data_set_is_made_anew(tmp_path: Path) -> None:
    for path in ("../x.jpeg", "/etc/x.jpeg", "a/../../x.jpeg", "a/.."):
        forged = replace(small_index().training, paths=["a/x.jpeg", path])
        other = replace(small_index(), training=forged)
        cached_index(lambda other=other: other, tmp_path, tmp_path, [], path)  # type: ignore[misc]
        again = cached_index(small_index, tmp_path, tmp_path, [], path)
        assert again.training.paths == ["a/x.jpeg", "b/y.jpeg"]

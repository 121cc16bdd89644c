"""Every parser on good files, and on those files damaged at random.

``python -m tests.fuzz`` looks for worse ones, led by coverage. What made a parser raise another
error than it may is here. What crashed, stopped or flooded software that isn't ours is not:
SECURITY.md tells of it in words, and the guards against it are tested beside the modules that
have them, with harmless files.
"""

import json
import sqlite3
import struct
import tarfile
import tempfile
from base64 import b64encode
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmark.basics.errors import StoreError
from benchmark.records.pictures import decoded as picture
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


def _sparse_and_cut_off() -> bytes:
    """A tar that ends where the map of a sparse file should go on."""
    member = tarfile.TarInfo("a.tar")
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # it goes on
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_DEEP = b"[" * 100_000
"""Deeper than Python's parsers go: they raise a RecursionError."""

_FORGED = json.dumps(
    TICKET.values() | {"noise": {"variance": -1.0, "freedom": 1}, "checksum": ""}
).encode()

FOUND: list[tuple[str, bytes]] = [
    ("stand-alone results", _DEEP),
    ("tickets", _DEEP),
    ("tickets", b'{"format": 1, "scheme": "\\ud800"}'),
    ("tickets", _FORGED),
    ("settings", b"a = " + _DEEP),
    ("settings", b"recipe = []"),
    ("supernets: description", _DEEP),
    ("stores: facts", b'{"description": {}}'),
    ("stores: facts", b'{"description": []}'),
    ("stores: facts", b'{"description": {"lanes": [1], "blocks_per_stage": "x"}}'),
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
    ("ImageNet: tar of tars", _sparse_and_cut_off()),
]
"""What once made a parser of ours raise something else than it may."""


@pytest.mark.parametrize(("name", "content"), FOUND)
@pytest.mark.hostile
def test_what_a_parser_once_stumbled_over_is_read_or_refused(
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
@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PPM", "TIFF"])
def test_a_picture_in_a_store_is_a_png(kind: str) -> None:
    raw = BytesIO()
    Image.new("RGB", (2, 2)).save(raw, kind)
    with pytest.raises(StoreError, match="is damaged: cannot identify image file"):
        picture(b64encode(raw.getvalue()).decode())


@pytest.mark.hostile
def test_an_index_that_points_out_of_its_data_set_is_made_anew(tmp_path: Path) -> None:
    for path in ("../x.jpeg", str(tmp_path / "x.jpeg"), "a/../../x.jpeg", "a/.."):
        forged = replace(small_index().training, paths=["a/x.jpeg", path])
        other = replace(small_index(), training=forged)
        cached_index(lambda other=other: other, tmp_path, tmp_path, [], path)  # type: ignore[misc]
        again = cached_index(small_index, tmp_path, tmp_path, [], path)
        assert again.training.paths == ["a/x.jpeg", "b/y.jpeg"]

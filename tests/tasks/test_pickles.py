import bz2
import codecs
import gzip
import importlib
import lzma
import pickle
import sys
import zlib
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.pickles import Call, Name, PickleError, as_array, described, read_pickle

PROTOCOLS = st.sampled_from([2, 3, 4, 5])

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300).map(lambda raw: raw or b"0"),  # protocol 2 has none for no bytes
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(value=PLAIN, protocol=PROTOCOLS)
def test_plain_values_come_back_as_python_wrote_them(value: Any, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol)) == value


@given(
    array=arrays.arrays(
        st.sampled_from(["u1", "i1", "<i2", ">i4", "<i8", "<u8", "<f4", ">f8"]),
        arrays.array_shapes(min_dims=0, max_dims=4, max_side=4),
    ),
    protocol=PROTOCOLS,
    turned=st.booleans(),
)
def test_arrays_come_back_as_numpy_wrote_them(
    array: np.ndarray, protocol: int, *, turned: bool
) -> None:
    written = array.T if turned else array
    found = as_array(read_pickle(pickle.dumps(written, protocol)))
    assert found.dtype == written.dtype
    np.testing.assert_array_equal(found, written)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_axes_in_any_order_and_views_with_gaps_come_back(protocol: int) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for written in (array.transpose(0, 2, 1), array.transpose(2, 0, 1), array[:, ::2, 1:]):
        found = as_array(read_pickle(pickle.dumps(written, protocol)))
        np.testing.assert_array_equal(found, written)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpys_numbers_are_arrays_without_axes(protocol: int) -> None:
    found = as_array(read_pickle(pickle.dumps(np.int32(-7), protocol)))
    assert found.shape == ()
    assert found.dtype == np.int32
    assert found.item() == -7


def test_what_is_written_once_is_one_object() -> None:
    row = [1, 2]
    first, second = read_pickle(pickle.dumps([row, row]))
    assert first is second


class Printing:
    """Prints when an unpickler makes it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("made",)


@pytest.mark.hostile
@pytest.mark.parametrize("protocol", [2, 5])
def test_calls_are_noted_and_not_made(protocol: int, capsys: pytest.CaptureFixture[str]) -> None:
    raw = pickle.dumps(Printing(), protocol)
    found = read_pickle(raw)
    assert capsys.readouterr().out == ""
    assert isinstance(found, Call)
    assert (found.path.rpartition(".")[2], found.arguments) == ("print", ("made",))
    pickle.loads(raw)
    assert capsys.readouterr().out == "made\n"


@pytest.mark.hostile
def test_modules_that_a_pickle_names_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named_by_a_pickle.py").write_text("class Thing:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("named_by_a_pickle")
    thing = module.Thing()
    thing.size = 3
    raw = pickle.dumps([module.Thing, thing])
    monkeypatch.delitem(sys.modules, "named_by_a_pickle")
    name, call = read_pickle(raw)
    assert "named_by_a_pickle" not in sys.modules
    assert isinstance(name, Name)
    assert name.path == call.path == described(call) == "named_by_a_pickle.Thing"
    assert call.state == {"size": 3}


class Encoded:
    """A text in another encoding than protocol 2's bytes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return codecs.encode, ("text", "utf-8")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "holds the command EMPTY_SET, which such files don't have"),
        (1.5j, "found builtins.complex"),
        (Encoded(), "wants to use the encoding utf-8 of a str"),
        ({(1, 2): 3}, "wants to use a tuple as a key"),
        ({1: 2}, "wants to use a int as a key"),
        (OrderedDict(a=1), "wants to add to a collections.OrderedDict, which is no dict"),
        (2**63, "holds a number of 64 bits"),
        (np.array([None]), "found an array of list"),
        (np.array(["a"]), "found numbers of type <U1"),
        (np.array([True]), r"found numbers of type \|b1"),
        (np.array([1j]), "found numbers of type <c16"),
        (np.zeros(2, dtype=[("a", "u1")]), r"found numbers of type \|V1"),
        (np.ma.array([1, 2], mask=[False, True]), r"found numpy.ma.core._mareconstruct"),
        (np.array([1]).view(np.recarray), r"found numpy\.\S*recarray"),
        ([1], "found list"),
    ],
)
@pytest.mark.hostile
def test_numbers_are_made_and_all_else_is_named(value: Any, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        as_array(read_pickle(pickle.dumps(value, protocol=4)))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x80\x02]}b.", "wants to change a list"),
        (b"\x80\x02NNa.", "wants to add to a NoneType"),
        (b"\x80\x02K\x01\x86.", "takes more than there is"),
        (b"\x80\x02h\x00.", "KeyError: 0"),
        (b"\x80\x02.", "IndexError"),
        (b"\x80\x02\xff.", "ValueError: .*opcode"),
        (b"\x80\x02N", "ValueError: pickle exhausted before seeing STOP"),
        (b"", "it is empty"),
    ],
)
def test_damaged_pickles_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        read_pickle(raw)


def test_an_array_whose_content_does_not_fit_its_shape_is_refused() -> None:
    call = read_pickle(pickle.dumps(np.zeros((2, 3), np.uint8), protocol=3))
    for state in (
        (1, (2, 4), call.state[2], False, bytes(6)),
        (1, ("a",), call.state[2], False, b""),
    ):
        with pytest.raises(PickleError, match="found a damaged array"):
            as_array(Call(call.path, call.arguments, state))


@pytest.mark.hostile
def test_a_pickle_may_have_so_many_commands() -> None:
    raw = pickle.dumps([1, 2, 3], protocol=2)  # PROTO, a list and its place, MARK, 3, APPENDS, STOP
    assert read_pickle(raw, limit=9) == [1, 2, 3]
    with pytest.raises(PickleError, match="more than 8 commands: save arrays, not lists"):
        read_pickle(raw, limit=8)


@pytest.mark.hostile
def test_a_text_that_is_encoded_again_and_again_is_kept_once() -> None:
    texts = [bytes(bytearray(b"text")) for _ in range(2)]
    raw = pickle.dumps(texts, protocol=2)
    assert raw.count(b"R") == 2  # it is encoded twice
    first, second = read_pickle(raw)
    assert first == b"text"
    assert first is second


def _saved(value: object) -> bytes:
    raw = BytesIO()
    torch.save(value, raw)
    return raw.getvalue()


def _dumped(value: object, compress: int) -> bytes:
    raw = BytesIO()
    joblib.dump(value, raw, compress=compress)
    return raw.getvalue()


def _array_file(value: np.ndarray) -> bytes:
    raw = BytesIO()
    np.save(raw, value)
    return raw.getvalue()


RAW = pickle.dumps({"a": 1})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (gzip.compress(RAW, mtime=0), "compressed by gzip: unpack it with gunzip"),
        (bz2.compress(RAW), "compressed by bzip2"),
        (lzma.compress(RAW), "compressed by xz"),
        *[(zlib.compress(RAW, level), "compressed by zlib, as joblib") for level in (0, 3, 6, 9)],
        (_dumped({"a": 1}, 3), "compressed by zlib, as joblib"),
        (_dumped({"a": np.zeros(9)}, 0), "written by joblib, .*: save it with pickle.dump"),
        (_saved({"a": 1}), "a zip archive, as torch.save and numpy.savez write"),
        (_array_file(np.zeros(3)), "an array of numpy.save"),
        (pickle.dumps({"a": 1}, protocol=0), "no pickle of protocol 2 to 5: .*protocol=4"),
        (pickle.dumps({"a": 1}, protocol=1), "no pickle of protocol 2 to 5"),
        (b"<!DOCTYPE html>\n", "a page of the web: download it again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"data", "no pickle of protocol 2 to 5"),
    ],
)
def test_other_formats_are_named(raw: bytes, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        read_pickle(raw)


def test_buffers_beside_a_pickle_are_not_looked_for() -> None:
    buffers: list[pickle.PickleBuffer] = []
    raw = pickle.dumps(np.zeros(3), protocol=5, buffer_callback=buffers.append)
    with pytest.raises(PickleError, match="the command NEXT_BUFFER"):
        read_pickle(raw)

from pathlib import Path
from typing import BinaryIO

import pytest

from tasks.apart import shared_files
from tasks.errors import DataError
from tasks.folders import expanded, is_data, keep, names, text_of


@pytest.mark.parametrize(
    "path",
    [
        *("._x.jpg", "a/._x.jpg", ".DS_Store", ".git/x", ".ipynb_checkpoints/x.jpg"),
        *("__MACOSX/x.jpg", "@eaDir/x.jpg", "a/@eaDir/b/x.jpg", "@EADIR/x", "#recycle/x.mat"),
        *("Thumbs.db", "THUMBS.DB", "desktop.ini", "$RECYCLE.BIN/x", "lost+found"),
    ],
)
def test_what_is_hidden_or_a_systems_own_is_no_data(path: str) -> None:
    assert not is_data(path)


@pytest.mark.parametrize("path", ["x.jpg", "./a/x.jpg", "../x.jpg", "a.b/x..jpg", "@x", "thumbs"])
def test_everything_else_is(path: str) -> None:
    assert is_data(path)


def test_names_are_sorted_and_chosen_by_suffix_in_any_case(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.jpeg", "c.mat", "._a.jpeg", "d.jpg"):
        (tmp_path / name).touch()
    assert names(tmp_path, ".jpg", ".jpeg") == ["a.jpeg", "b.JPG", "d.jpg"]
    assert names(tmp_path) == ["a.jpeg", "b.JPG", "c.mat", "d.jpg"]
    assert names(tmp_path / "absent") == []
    with pytest.raises(DataError, match=r"can't list the folder .*c\.mat: Not a directory"):
        names(tmp_path / "c.mat")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_are_read_as_any_editor_saves_them(encoding: str, end: str) -> None:
    raw = end.join(["2007_000032", "käse", ""]).encode(encoding)
    assert text_of(raw).splitlines() == ["2007_000032", "käse"]


def test_bytes_that_are_no_text_are_refused() -> None:
    for raw in (b"\xff\xfe\x00", b"\xc3\x28"):
        with pytest.raises(UnicodeDecodeError):
            text_of(raw)


def test_files_are_shared_where_name_size_and_content_agree() -> None:
    trained = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    tested = [("e", 1), ("b", 9), ("d", 4), ("c", 3)]
    asked = []

    def same(row: int, other: int) -> bool:
        asked.append((row, other))
        return trained[row][0] == "d"

    assert shared_files(trained, tested, same) == 2
    assert asked == [(2, 3), (3, 2)]
    assert shared_files(trained, tested[:2], same) is None


def test_a_home_that_nobody_has_is_named() -> None:
    with pytest.raises(DataError, match=r"--data ~nobody-here/x: .*; write the path out"):
        expanded(Path("~nobody-here/x"))
    assert expanded(Path("~/x")) == Path.home() / "x"


def test_files_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "indices" / "x.json"
    keep(path, lambda file: file.write(b"content"))
    assert path.read_text() == "content"

    def fill(file: BinaryIO) -> None:
        file.write(b"half of the")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"can't keep .*x\.json \(No space left on device\): free"):
        keep(path, fill)
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [
        ("x.json", "content")
    ]
    with pytest.raises(DataError, match=r"x\.json/y \(.*\): free space, or name .* with --cache"):
        keep(path / "y", lambda _: None)

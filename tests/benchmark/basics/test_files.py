import os
from pathlib import Path

import pytest

from benchmark.basics.errors import UsageError
from benchmark.basics.files import made_folder, read_text, replacing, require_writable


def test_the_draft_takes_the_files_place_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("old", "new"):
        with replacing(path) as draft:
            draft.write_text(text)
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_after_an_exception_the_old_file_stays_and_no_draft_does(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        _half_write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _half_write(path: Path) -> None:
    with replacing(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("editor", "raw"),
    [
        ("most", "full # ö\n".encode()),
        ("Notepad", b"\xef\xbb\xbf" + "full # ö\r\n".encode()),
        ("Windows PowerShell", "\ufefffull # ö\r\n".encode("utf-16-le")),
        ("old Macs", "full # ö\r".encode()),
    ],
)
def test_text_is_the_same_whichever_editor_saved_it(
    tmp_path: Path, editor: str, raw: bytes
) -> None:
    path = tmp_path / f"{editor}.txt"
    path.write_bytes(raw)
    assert read_text(path) == "full # ö\n"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.txt").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match="can't decode byte 0x89"):
        read_text(tmp_path / "image.txt")


def test_a_folder_is_made_or_the_message_names_what_chooses_another(tmp_path: Path) -> None:
    made = made_folder(tmp_path / "a/b", option="--out")
    assert made.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file is no folder\): choose another place with --out$"):
        made_folder(tmp_path / "file/c", option="--out")


def test_a_place_that_could_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    require_writable(tmp_path / "a/b.json", option="--out")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_can_have_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for name in ("x" * 300, "round"):
        with pytest.raises(UsageError, match="choose another place with --out"):
            require_writable(tmp_path / name, option="--out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="can't be written"):
        require_writable(tmp_path / "a", option="--out")

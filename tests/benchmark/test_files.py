from pathlib import Path

import pytest

from benchmark.files import replacing


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

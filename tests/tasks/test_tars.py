"""Each tar here is one that `tarfile` reads itself, or refuses."""

import tarfile
from io import BytesIO

import pytest

from tasks.imagenet import tars
from tasks.imagenet.tars import Member, members

FILES = {"a.JPEG": 10, "a/b.JPEG": 0, "n" * 300: 700, "c.JPEG": 512}


def _tar(format_: int, sizes: dict[str, int]) -> bytes:
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w:", format=format_) as archive:
        for name, size in sizes.items():
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, BytesIO(bytes(size)) if size > 0 else None)
    return raw.getvalue()


def _listed(raw: bytes, size: int | None = None) -> dict[str, int]:
    with tarfile.open(fileobj=BytesIO(raw), mode="r:", tarinfo=Member) as archive:
        return {
            member.name: member.size
            for member in members(archive, len(raw) if size is None else size)
        }


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_members_are_listed_with_long_names_and_without_content(format_: int) -> None:
    assert _listed(_tar(format_, FILES)) == FILES


@pytest.mark.hostile
@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_headers_before_a_member_are_short(format_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "_LARGEST_HEADER", 200)
    with pytest.raises(tarfile.ReadError, match="room for 200"):
        _listed(_tar(format_, FILES))


@pytest.mark.hostile
def test_a_size_below_nothing_is_refused() -> None:
    # One byte less than none moves nothing: tarfile itself goes on to the next member.
    raw = _tar(tarfile.GNU_FORMAT, {"a": 3, "b": -1, "c": 4})
    with pytest.raises(tarfile.ReadError, match=r"'b' would have -1 bytes|negative"):
        _listed(raw)


@pytest.mark.hostile
def test_a_member_ends_within_its_archive() -> None:
    raw = _tar(tarfile.GNU_FORMAT, {"a": 3, "b": 1000})
    assert _listed(raw, 1024 + 512 + 1000) == {"a": 3, "b": 1000}
    with pytest.raises(
        tarfile.ReadError, match=r"'b' would have 1,000 bytes, where .* room for 999"
    ):
        _listed(raw, 1024 + 512 + 999)

"""Each tar here is one that `tarfile` reads itself, or refuses."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tasks.errors import DataError
from tasks.imagenet import tars
from tasks.imagenet.tars import Member, members
from tasks.imagenet.task import Files
from tests.tasks.imagenet.trees import load
from tests.tasks.trees import (
    WNIDS,
    devkit_files,
    imagenet_files,
    imagenet_tree,
    tar_of,
)

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


def test_hidden_members_of_archives_are_no_data(tmp_path: Path) -> None:
    """As a Mac packs them: a ._x for each x, and paths that begin with a dot."""
    root = imagenet_tree(tmp_path / "data", "tars")
    expected = load(root).facts()
    training, validation = imagenet_files()

    def packed(files: dict[str, bytes]) -> bytes:
        more = {f"./._{name}": b"\0\5\26\7" for name in files}
        previews = {f"@eaDir/{name}": b"preview" for name in files}
        return tar_of(more | previews | {f"./{name}": raw for name, raw in files.items()})

    classes = {f"{wnid}.tar": packed(files) for wnid, files in training.items()}
    (root / "ILSVRC2012_img_train.tar").write_bytes(packed(classes))
    (root / "ILSVRC2012_img_val.tar").write_bytes(packed({n: raw for n, _, raw in validation}))
    kit = {f"./ILSVRC2012_devkit_t12/data/{name}": raw for name, raw in devkit_files().items()}
    litter = {"./._ILSVRC2012_devkit_t12": b"\0\5\26\7"}
    (root / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(tar_of(litter | kit, "w:gz"))
    assert load(root).facts() == expected


def test_an_archive_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    training, validation = imagenet_files()
    twice = {f"{folder}/{name}": raw for folder in "ab" for name, _, raw in validation}
    (root / "ILSVRC2012_img_val.tar").write_bytes(tar_of(twice))
    with pytest.raises(DataError, match=r"val\.tar holds ILSVRC2012_val_00000001\.JPEG twice"):
        load(root)
    classes = {f"{folder}/{wnid}.tar": tar_of(training[wnid]) for folder in "ab" for wnid in WNIDS}
    (root / "ILSVRC2012_img_train.tar").write_bytes(tar_of(classes))
    with pytest.raises(DataError, match=rf"train\.tar is no intact tar \(it holds {WNIDS[0]}\.tar"):
        load(root)


@pytest.mark.parametrize("name", ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
def test_a_truncated_tar_is_named(tmp_path: Path, name: str) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    raw = (root / name).read_bytes()
    (root / name).write_bytes(raw[: len(raw) // 2 + 100])
    with pytest.raises(DataError, match=rf"{name} is no intact tar"):
        load(root)


@pytest.mark.hostile
def test_paths_in_archives_stay_inside_and_links_are_not_followed(tmp_path: Path) -> None:
    # Members are read in place; a path is a name for reports and nothing else.
    root = imagenet_tree(tmp_path / "data", "tars")
    _, validation = imagenet_files()
    link = tarfile.TarInfo("linked.JPEG")
    link.type, link.linkname = tarfile.SYMTYPE, f"../{validation[0][0]}"
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w:") as archive:
        archive.addfile(link)
        for file, _, raw in validation:
            member = tarfile.TarInfo(f"../{file}")
            member.size = len(raw)
            archive.addfile(member, BytesIO(raw))
    task = load(root)
    assert len(task.test()) == 6
    test = task.test()
    assert isinstance(test, Files)
    assert not any(".." in path for path in test.images.paths)
    assert not any(".." in name for name in test.images.names)
    assert sorted(tmp_path.iterdir()) == [root]


@pytest.mark.hostile
def test_an_archive_of_archives_follows_no_link(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    expected = load(root).facts()
    link = tarfile.TarInfo("n03000000.tar")
    link.type, link.linkname = tarfile.SYMTYPE, f"{WNIDS[0]}.tar"
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "a:") as archive:
        archive.addfile(link)
    assert load(root).facts() == expected


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
def test_a_member_has_no_more_bytes_than_its_archive(tmp_path: Path, name: str) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    member = tarfile.TarInfo("last.JPEG")
    member.size = 20_000
    with tarfile.open(root / name, "a:") as archive:
        archive.addfile(member)  # a header alone
    with pytest.raises(DataError, match=rf"{name} .*last\.JPEG' would have 20,000 bytes, where"):
        load(root)

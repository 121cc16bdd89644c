import shutil
from pathlib import Path

import pytest
import torch

from tasks.errors import DataError
from tasks.imagenet import labels
from tests.tasks.imagenet.trees import kit, load
from tests.tasks.trees import (
    imagenet_tree,
)

PARTS = "ILSVRC/Data/CLS-LOC"


@pytest.mark.parametrize("given", ["", "ILSVRC", "ILSVRC/Data", PARTS])
@pytest.mark.parametrize("place", ["", "ILSVRC", PARTS, f"{PARTS}/val"])
def test_kaggles_list_is_found_wherever_it_usually_lies(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, place: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    (root / "LOC_val_solution.csv").rename(root / place / "LOC_val_solution.csv")
    facts = load(roots["folders"]).facts()
    assert load(root / given).facts() == facts
    monkeypatch.chdir(root / given)
    assert load(Path()).facts() == facts


def test_where_kaggles_list_may_go_is_said_by_folder(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    (root / "LOC_val_solution.csv").unlink()
    parts = root / PARTS
    places = ", ".join(
        map(str, (parts, parts / "val", root, root / "ILSVRC/Data", root / "ILSVRC"))
    )
    with pytest.raises(DataError, match=rf"into {parts}; no such list is in {places}$"):
        load(root)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (slice(0, 4), "has no line `ILSVRC2012_val_0000000.*: take the archive's own list"),
        (slice(0, 0), r"has no line .* \(nor for 5 others\)"),
    ],
)
def test_kaggles_list_must_fit_its_images(
    roots: dict[str, Path], tmp_path: Path, lines: slice, message: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    path = root / "LOC_val_solution.csv"
    path.write_text("\n".join(path.read_text().splitlines()[lines]))
    with pytest.raises(DataError, match=message):
        load(root)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_may_have_marks_and_any_ends_of_lines(
    roots: dict[str, Path], tmp_path: Path, encoding: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    path = root / "LOC_val_solution.csv"
    heading, *lines = path.read_text().splitlines()
    for text in ([heading, *lines], lines):
        path.write_bytes("\r\n".join(text).encode(encoding))
        assert load(root).facts() == load(roots["folders"]).facts()
    flat = tmp_path / "flat"
    shutil.copytree(roots["flat"], flat)
    path = kit(flat) / "ILSVRC2012_validation_ground_truth.txt"
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    assert load(flat).facts() == load(roots["folders"]).facts()


@pytest.mark.hostile
def test_a_meta_bin_with_code_in_it_is_not_executed(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "meta.bin")
    torch.save(print, root / "meta.bin")
    with pytest.raises(DataError, match=r"meta\.bin is not torchvision's"):
        load(root)


@pytest.mark.hostile
def test_a_devkit_is_unpacked_up_to_a_limit(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "_LARGEST", 1000)
    with pytest.raises(DataError, match=r"no intact devkit \(the member '.*meta\.mat' would have"):
        load(roots["tars"])

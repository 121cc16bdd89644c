import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import DataError
from tests.tasks.imagenet.trees import load
from tests.tasks.trees import (
    WNIDS,
    jpeg,
)


def test_a_scan_is_kept_until_something_changes(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    shutil.copytree(roots["flat"], root)
    first = load(root, cache=str(cache)).facts()
    (index,) = (cache / "indices").iterdir()
    written = index.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr("tasks.imagenet.layouts.Layout.index", None)  # not to be scanned again
        assert load(root, cache=str(cache)).facts() == first
    assert index.stat().st_mtime_ns == written
    (root / "train" / WNIDS[0] / "another.JPEG").write_bytes(jpeg(5))
    assert load(root, cache=str(cache)).facts()["training images"] == 25
    assert len(list((cache / "indices").iterdir())) == 2


def test_an_index_by_other_rules_is_not_believed(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rules in ("1", "2"):
        monkeypatch.setattr("tasks.imagenet.index._VERSION", rules)
        load(roots["flat"], cache=str(tmp_path))
    assert len(list((tmp_path / "indices").iterdir())) == 2


def test_a_damaged_index_is_made_again(roots: dict[str, Path], tmp_path: Path) -> None:
    first = load(roots["tars"], cache=str(tmp_path)).facts()
    (index,) = (tmp_path / "indices").iterdir()
    index.write_bytes(index.read_bytes()[:100])
    assert load(roots["tars"], cache=str(tmp_path)).facts() == first


def test_an_image_restored_in_place_asks_for_another_index(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    """Its folder looks the same, so an earlier scan, with its size of then, is still in use."""
    root, cache = tmp_path / "data", str(tmp_path / "cache")
    shutil.copytree(roots["folders"], root)
    victim = root / "train" / WNIDS[1] / f"{WNIDS[1]}_7.JPEG"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:400])
    load(root, cache=cache)
    victim.write_bytes(whole)
    with pytest.raises(DataError, match=r"had 400 when its folder was indexed: `touch .*`"):
        list(load(root, cache=cache).training_batches(8, rng=np.random.default_rng(0)))
    os.utime(victim.parent)
    assert list(load(root, cache=cache).training_batches(8, rng=np.random.default_rng(0)))

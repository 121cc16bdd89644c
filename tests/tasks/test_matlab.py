from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tasks.imagenet.matlab import read_struct

ASSETS = Path(__file__).parent / "assets"


def _written(*, compressed: bool) -> bytes:
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("children", "O")]
    rows = np.array([(3, "n01", "käse, x", [1, 2, 300]), (70_000, "n02", "", [])], dtype=fields)
    raw = BytesIO()
    content = {"other": np.eye(2), "synsets": rows.reshape(-1, 1)}
    savemat(raw, content, do_compression=compressed)
    return raw.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_struct_arrays_are_read_as_they_were_written(*, compressed: bool) -> None:
    first, second = read_struct(_written(compressed=compressed), "synsets", limit=10_000)
    assert (first["ILSVRC2012_ID"], first["WNID"], first["words"]) == (3, "n01", "käse, x")
    assert first["children"].tolist() == [1, 2, 300]
    assert (second["ILSVRC2012_ID"], second["words"], len(second["children"])) == (70_000, "", 0)


def test_what_unfolds_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 100 bytes, or is cut off"):
        read_struct(_written(compressed=True), "synsets", limit=100)


def test_another_name_is_not_there() -> None:
    with pytest.raises(KeyError, match="classes"):
        read_struct(_written(compressed=False), "classes", limit=10_000)


def test_a_file_that_crashed_scipys_reader_only_raises() -> None:
    content = (ASSETS / "crash.mat").read_bytes()
    with pytest.raises((ValueError, KeyError, IndexError)):
        read_struct(content, "synsets", limit=10_000)

import sys
from pathlib import Path

import pytest

from benchmark.basics.identity import code_version, content_hash


def test_the_order_of_names_does_not_matter_and_everything_else_does() -> None:
    assert content_hash(a=1, b=[1, 2]) == content_hash(b=[1, 2], a=1)
    others = [content_hash(a=1, b=[2, 1]), content_hash(a=1), content_hash(a=1.5, b=[1, 2])]
    assert content_hash(a=1, b=[1, 2]) not in others
    assert len(set(others)) == 3


def test_a_hash_is_sixteen_hexadecimal_digits() -> None:
    assert len(content_hash(a=1)) == 16
    assert int(content_hash(a=1), 16) >= 0


def test_other_code_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sample_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = code_version("sample_package")
    code_version.cache_clear()
    assert code_version("sample_package") == before
    (package / "inner.py").write_text("answer = 43\n")
    code_version.cache_clear()
    assert code_version("sample_package") != before
    sys.modules.pop("sample_package", None)

import ast
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark.basics import identity
from benchmark.basics.identity import (
    code_version,
    content_hash,
    imported,
    package_version,
    sources,
)
from benchmark.networks.registry import ATTENTIONS
from strategies.registry import STRATEGIES
from tasks.registry import TASKS

PROJECT = Path(identity.__file__).parents[2]
PACKAGES = ("benchmark", "reports", "strategies", "tasks")
SCORING = ("benchmark.oracle.supernet", "benchmark.standalone.training")


def test_the_order_of_names_does_not_matter_and_everything_else_does() -> None:
    assert content_hash(a=1, b=[1, 2]) == content_hash(b=[1, 2], a=1)
    others = [content_hash(a=1, b=[2, 1]), content_hash(a=1), content_hash(a=1.5, b=[1, 2])]
    assert content_hash(a=1, b=[1, 2]) not in others
    assert len(set(others)) == 3


def test_a_hash_is_sixteen_hexadecimal_digits() -> None:
    assert len(content_hash(a=1)) == 16
    assert int(content_hash(a=1), 16) >= 0


def test_a_package_is_another_version_whatever_changes_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "sample_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = package_version("sample_package")
    package_version.cache_clear()
    assert package_version("sample_package") == before
    (package / "inner.py").write_text("answer = 43\n")
    package_version.cache_clear()
    assert package_version("sample_package") != before
    sys.modules.pop("sample_package", None)


def _parsed(text: str) -> set[str]:
    """What a source imports, by Python's own parser."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module is not None
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_no_import_of_any_source_is_overlooked() -> None:
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert _parsed(text) <= set(imported(text)), path


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our packages once more, to be changed."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.c", "*.h")
        shutil.copytree(PROJECT / package, folder / package, ignore=ignored)
    return folder


@pytest.fixture
def changed(copy: Path) -> Iterator[Callable[[str, str], set[str]]]:
    """Appends to a file of the copy; returns whose versions that changes."""
    before = _versions(copy)
    kept: dict[Path, bytes | None] = {}

    def change(file: str, text: str) -> set[str]:
        path = copy / file
        kept.setdefault(path, path.read_bytes() if path.exists() else None)
        with path.open("a", encoding="utf-8") as source:
            source.write(text)
        after = _versions(copy)
        return {name for name, version in before.items() if after[name] != version}

    yield change
    for path, content in kept.items():
        path.unlink() if content is None else path.write_bytes(content)
    _versions(copy)


def _versions(folder: Path) -> dict[str, str]:
    """Of every task, attention module and strategy."""
    code_version.cache_clear()
    identity._source.cache_clear()  # noqa: SLF001 - files change between calls
    roots: dict[str, tuple[str, ...]] = {
        name: (*SCORING, task, ATTENTIONS["sge"]) for name, task in TASKS.items()
    }
    roots |= {name: (*SCORING, TASKS["digits"], sam) for name, sam in ATTENTIONS.items()}
    roots |= {name: (strategy,) for name, strategy in STRATEGIES.items()}
    return {name: code_version(*modules, folder=folder) for name, modules in roots.items()}


NEW = "from tasks.base import NamedTask\n\n\nclass New(NamedTask):\n    pass\n"


@pytest.mark.parametrize(
    ("file", "registry"),
    [
        ("tasks/new.py", "tasks/registry.py"),
        ("benchmark/networks/new.py", "benchmark/networks/registry.py"),
        ("benchmark/records/new.py", "benchmark/records/objectives.py"),
        ("strategies/new.py", "strategies/registry.py"),
    ],
)
def test_what_is_added_changes_no_identity_of_others(
    copy: Path, changed: Callable[[str, str], set[str]], file: str, registry: str
) -> None:
    assert changed(file, NEW) == set()
    path = copy / registry
    before = path.read_text(encoding="utf-8")
    entry = f'    "new": "{file[:-3].replace("/", ".")}:New",\n'
    path.write_text(before.replace("dict[str, str] = {\n", f"dict[str, str] = {{\n{entry}"))
    assert "new" in path.read_text()
    try:
        assert changed(file, "") == set()
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        ("tasks/cifar_files.py", {"cifar100"}),
        ("tasks/voc/masks.py", {"voc2012", "digits-voc"}),
        ("tasks/crowd/density.py", {"shanghaitech-a", "shanghaitech-b", "digits-crowd"}),
        ("benchmark/networks/dia.py", {"dia"}),
        ("strategies/_breeding.py", {"ga", "nsga2"}),
        ("benchmark/storage/schema.py", set()),
        ("benchmark/planning/settings.py", set()),
        ("reports/pages/report.py", set()),
        ("benchmark/training/loop.py", {*TASKS, *ATTENTIONS}),
        ("tasks/base.py", {*TASKS, *ATTENTIONS}),
        ("strategies/base.py", {*TASKS, *ATTENTIONS, *STRATEGIES}),  # oracles answer in its words
    ],
)
def test_what_is_changed_changes_the_identity_of_those_who_import_it(
    changed: Callable[[str, str], set[str]], file: str, whose: set[str]
) -> None:
    assert changed(file, "\n# another\n") == whose


def test_the_class_that_a_registry_names_is_part_of_a_version() -> None:
    assert code_version("tasks.digits:Digits") != code_version("tasks.digits:Others")


def test_registered_modules_of_others_are_followed_into_ours() -> None:
    found = sources(["tests.tasks.dots"])
    assert {"tests.tasks.dots", "tasks.base", "tasks.recipes"} <= found.keys()
    assert "numpy" not in found

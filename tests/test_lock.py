"""The versions that CI installs are those of `.ci/constraints.txt`."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import benchmark

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKED = {
    name: version
    for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for name, _, version in [line.partition("==")]
}
NEEDED = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]


@pytest.mark.parametrize(
    "needed", [item for item in NEEDED if item.name != PROJECT["name"]], ids=str
)
def test_whatever_the_project_names_has_a_version_that_it_allows(needed: Requirement) -> None:
    name = canonicalize_name(needed.name)
    assert name in LOCKED, "run .ci/lock.py where the tests have passed"
    assert needed.specifier.contains(LOCKED[name])


def test_a_lock_holds_versions_and_no_addresses() -> None:
    text = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
    assert "/" not in text
    assert all(
        re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in text.split("\n")[1:-1]
    )


def test_the_version_is_said_once_and_heads_the_changelog() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", benchmark.__version__)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## (\S+)", changes, flags=re.MULTILINE)
    assert newest == benchmark.__version__

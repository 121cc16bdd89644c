"""Versions, their sign-offs, and what no tracked file may tell of where it was written."""

import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.version import Version

import benchmark

ROOT = Path(__file__).parents[1]
SEMANTIC = r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}"
UNRELEASED = "unreleased"
SIGN_OFF = re.compile(r"^Signed off: .*`[^`]+`.* – ", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What the changelog says of one version."""

    version: str
    when: str
    text: str

    @property
    def signed_off(self) -> bool:
        """Whether its last paragraph says what was run on it."""
        return SIGN_OFF.match(self.text.strip().split("\n\n")[-1]) is not None


def sections(changelog: str) -> list[Section]:
    """The versions, newest first."""
    parts = re.split(r"^## (.*)$", changelog, flags=re.MULTILINE)[1:]
    heads = [head.partition(" – ") for head in parts[::2]]
    return [
        Section(version, when, text)
        for (version, _, when), text in zip(heads, parts[1::2], strict=True)
    ]


def faults(changelog: str, version: str) -> list[str]:
    """What is wrong with a changelog of a project of this version."""
    found = sections(changelog)
    names = [section.version for section in found]
    wrong = [f"{name} is no version" for name in names if not re.fullmatch(SEMANTIC, name)]
    if wrong or not found:
        return wrong or ["there is no version"]
    if names[0] != version:
        wrong.append(f"{names[0]} is on top, not {version}")
    ordered = [Version(name) for name in names]
    wrong += [f"{b} below {a}" for a, b in pairwise(ordered) if a <= b]
    for place, section in enumerate(found):
        if section.when == UNRELEASED:
            if place:
                wrong.append(f"{section.version} is unreleased below {names[0]}")
            if section.signed_off:
                wrong.append(f"{section.version} is signed off but not released")
        elif not re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", section.when):
            wrong.append(f"{section.version} has no date and isn't {UNRELEASED}")
        elif not section.signed_off:
            wrong.append(f"{section.version} is not signed off")
    return wrong


SIGNED = """# Changelog

## 0.2.0 – unreleased

- New.

## 0.1.0 – 2026-11-30

- First.

Signed off: `tox` – 2,000 passed; `tox -e robustness` – 72 kills survived.
"""


def test_this_version_is_semantic_heads_the_changelog_and_whatever_was_released_is_signed() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert faults(changelog, benchmark.__version__) == []


def test_a_changelog_may_have_one_unreleased_version_above_those_that_were_signed_off() -> None:
    assert faults(SIGNED, "0.2.0") == []
    assert faults(SIGNED.replace("unreleased", "2026-12-01"), "0.2.0") == [
        "0.2.0 is not signed off"
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Signed off: ", "", "0.1.0 is not signed off"),
        ("`tox` – 2,000 passed; `tox -e robustness` – 72 kills survived", "all is well",
         "0.1.0 is not signed off"),
        ("- First.", "- First.\n\nSigned off: `tox` – passed.\n\n- Second.", None),
        ("- New.", "- New.\n\nSigned off: `tox` – passed.", "0.2.0 is signed off but not released"),
        (" – 2026-11-30", "", "0.1.0 has no date and isn't unreleased"),
        ("2026-11-30", "30 November", "0.1.0 has no date and isn't unreleased"),
        ("2026-11-30", "unreleased", "0.1.0 is unreleased below 0.2.0"),
        ("## 0.1.0", "## 0.2.0", "0.2.0 below 0.2.0"),
        ("## 0.1.0", "## 0.10.0", "0.10.0 below 0.2.0"),
        ("## 0.2.0", "## 0.2", "0.2 is no version"),
        ("## 0.2.0", "## 0.02.0", "0.02.0 is no version"),
        ("## 0.2.0", "## 0.3.0", "0.3.0 is on top, not 0.2.0"),
        ("## ", "### ", "there is no version"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_changelog_is_said(old: str, new: str, fault: str | None) -> None:
    assert old in SIGNED
    found = faults(SIGNED.replace(old, new), "0.2.0")
    assert fault in found if fault else not found


PRIVATE = re.compile(
    # Where packages were fetched from, and whose machine it was; Ann is nobody.
    rb"(?i)\bpypi\.[a-z]|pythonhosted\.|\bindex-"
    rb"url\b|find-"
    rb"links\b|\bartifactory\b"
    rb"|registry\.npm|download\.pytorch\.|conda\.anaconda"
    rb"|(?<![\w.])/(home|Users)/(?!ann\b)\w|(?<![\w.])/root/"
)


def tracked() -> list[Path]:
    """Files of the repository; outside of one, those of its folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    folders = ("benchmark", "strategies", "tasks", "reports", "tests", "docs", ".ci")
    return [*ROOT.glob("*.*"), *(file for name in folders for file in (ROOT / name).rglob("*.*"))]


def test_no_file_names_a_registry_or_somebodys_home() -> None:
    telling = [
        f"{path.relative_to(ROOT)}: {found[0].decode(errors='replace')}"
        for path in tracked()
        if path.is_file() and path != Path(__file__) and path.suffix != ".pyc"
        for found in [PRIVATE.search(path.read_bytes())]
        if found
    ]
    assert telling == []


@pytest.mark.parametrize(
    "text",
    [
        b"--index-" + b"url x",
        b"https://pypi" + b".org/simple",
        b"open('/home" + b"/bob/x')",
        b" /root" + b"/x",
    ],
)
def test_registries_and_homes_are_recognised(text: bytes) -> None:
    assert PRIVATE.search(text)
    assert not PRIVATE.search(b"docs/home/page, ~/x, at /roots and https://semver.org")

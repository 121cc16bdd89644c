"""Reports of runs that are there already, for Python and notebooks."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmark.basics.errors import UsageError
from benchmark.records.rules import IntervalRule, Rule
from benchmark.storage.folder import view_records
from reports.compare.comparison_report import ComparisonReport
from reports.numbers.member import Member
from reports.numbers.statistics import CONFIDENCE
from reports.pages.report import Report


def read_report(folder: Path | str) -> Report:
    """The report of the run in ``folder``, finished or not; the folder is only read.

    Raises:
        UsageError: it holds no run.
        StoreError: its store is damaged, or of a newer version.
    """
    return Report(view_records(Path(folder)))


def compare_runs(
    *folders: Path | str,
    mix: Collection[str] = (),
    rule: str = IntervalRule.name,
    confidence: float = CONFIDENCE,
) -> ComparisonReport:
    """Several runs compared, finished or not; their folders are only read.

    Args:
        *folders: of the runs.
        mix: what may differ all the same: ``splits``, ``objectives``, ``budgets``, ``code``.
        rule: what verdicts of all runs are found by: a name of `RULES`, with parameters.
        confidence: of all intervals, tests and verdicts.

    Raises:
        UsageError: fewer than two runs, a folder without a run, one that is named twice, or
            something is mixed that may not be.
        StoreError: a store is damaged, or of a newer version.
    """
    if len(folders) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"expected two runs or more to compare, received {len(folders)}")
    paths = [Path(folder) for folder in folders]
    members = [
        Member(label, view_records(path))
        for label, path in zip(run_labels(paths), paths, strict=True)
    ]
    return ComparisonReport(members, allowed=mix, rule=Rule.read(rule), confidence=confidence)


def run_labels(folders: Sequence[Path]) -> list[str]:
    """Names of the folders, with as many of their parents as tell them apart.

    Raises:
        UsageError: a folder is named twice.
    """
    whole = [folder.resolve() for folder in folders]
    twice = [folder for folder, number in Counter(whole).items() if number > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice")
    depth = 1
    while len({path.parts[-depth:] for path in whole}) < len(whole):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in whole]

"""A small whole run, read back from everything that users see of it.

Each module here is a change request: it registers one thing of its own and looks for it in the
run, its page, its CSV files and its LaTeX tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmark.planning.settings import Settings
from benchmark.studies.experiment import run
from benchmark.workers.pool import WorkerPool
from reports.pages.report import Report


@dataclass(frozen=True)
class Written:
    """What a run left behind.

    Attributes:
        report: as `run` returns it.
        page: the HTML page.
        csv: by name, text of every CSV file.
        latex: by name, text of every LaTeX file.
    """

    report: Report
    page: str
    csv: dict[str, str]
    latex: dict[str, str]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Written]:
    """Runs an experiment of a few images, in this process by default, and reads what it wrote."""

    def run_and_read(*, workers: WorkerPool | None = None, **settings: Any) -> Written:
        values = {"strategies": ("random",), "smoke": True, **settings}
        report = run(
            Settings(**values),
            out=tmp_path / "run",
            cache=tmp_path / "cache",
            workers=workers or WorkerPool(1),
        )
        report.write_paper(tmp_path / "paper")
        return Written(
            report,
            (tmp_path / "run" / "report.html").read_text(encoding="utf-8"),
            _texts(tmp_path, "csv"),
            _texts(tmp_path / "paper", "tex"),
        )

    return run_and_read


def _texts(folder: Path, suffix: str) -> dict[str, str]:
    found = sorted(folder.rglob(f"*.{suffix}"))
    return {path.stem: path.read_text(encoding="utf-8") for path in found}

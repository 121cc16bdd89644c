import io
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from benchmark.records.run import Interval, RunRecords
from reports.numbers.tickets import ticket_schemes
from reports.pages.report import Report
from tests.costs import time_of, timed
from tests.reports.stored import make_older, read, unpack

MakeRecords = Callable[..., RunRecords]
DATA = [
    *(
        "ranking",
        "schemes",
        "lanes",
        "evaluations",
        "ranks",
        "curves",
        "curves-seconds",
        "convergence",
    ),
    *("budgets", "times", "sparsity", "fronts", "hypervolume", "landscape", "ratios", "scores"),
    *("trust", "trust-points"),
]
NAMES = ["report.html", "report.md", *(f"{name}.csv" for name in DATA), "COLUMNS.md"]
VOID = {"meta", "br", "hr", "link", "img", "input"}


class Balanced(HTMLParser):
    """Collects tags, ids, links and visible text; fails where tags don't close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        links = [values.get(key) for key in ("href", "src")]
        self.outside += [link for link in links if link and not link.startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def page(records: RunRecords, folder: Path) -> tuple[str, Balanced]:
    return written(Report(records), folder)


def written(report: Report, folder: Path) -> tuple[str, Balanced]:
    report.write(folder)
    text = (folder / "report.html").read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return text, parser


def printed(report: Report, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    report.print(console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(scope="module")
def report(records: RunRecords) -> Report:
    return Report(records)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report") / "new" / "folder"


@pytest.fixture(scope="module")
def whole(report: Report, folder: Path) -> tuple[str, Balanced]:
    """Text and parts of the page of the run with everything, all files beside it."""
    return written(report, folder)


def test_write_makes_the_folder_and_names_its_files(
    whole: tuple[str, Balanced], folder: Path
) -> None:
    del whole
    paths = list(folder.iterdir())
    assert sorted(path.name for path in paths) == sorted(NAMES)
    assert all(path.stat().st_size > 100 for path in paths)


def test_same_records_give_the_same_bytes(
    make_records: MakeRecords, whole: tuple[str, Balanced], folder: Path, tmp_path: Path
) -> None:
    del whole
    for again in Report(make_records()).write(tmp_path):
        assert again.read_bytes() == (folder / again.name).read_bytes()


def test_only_timing_columns_follow_the_clock(
    records: RunRecords, report: Report, whole: tuple[str, Balanced], folder: Path, tmp_path: Path
) -> None:
    del whole
    slower = replace(
        records,
        standalone=[replace(item, seconds=item.seconds * 2) for item in records.standalone],
        costs=[timed(item, value=2 * time_of(item).value) for item in records.costs],
        oracles=[replace(item, seconds=99.0, training_seconds=99.0) for item in records.oracles],
    )
    slow = Report(slower)
    slow.write(tmp_path)
    timeless = set(NAMES[2:]) - {"schemes.csv", "curves-seconds.csv", "times.csv"}
    for name in sorted(timeless):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()
    timing = {column.key for column in report.schemes.columns if column.timing}
    for one, other in zip(report.schemes.records(), slow.schemes.records(), strict=True):
        assert {key for key in one if one[key] != other[key]} <= timing


def test_page_stands_alone_and_opens_with_the_verdict(whole: tuple[str, Balanced]) -> None:
    text, parsed = whole
    assert all(re.fullmatch(r"tickets/digits-[0-9-]+\.json", link) for link in parsed.outside)
    assert not re.search(r"url\(|@import|https?://", text)
    assert len(parsed.ids) == len(set(parsed.ids))
    seen = "".join(parsed.text)
    assert seen.index("No single winner: ean and ga") < seen.index("Ranking of strategies")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert parsed.tags.count("svg") == 15


def test_page_says_what_a_ticket_is_how_sure_it_is_and_how_to_check_it(
    report: Report, whole: tuple[str, Balanced]
) -> None:
    text, parsed = whole
    seen = " ".join("".join(parsed.text).split())
    assert "A ticket is a choice of blocks that, with attention modules there" in seen
    assert "leave at most 2.5% of chance for the contrary" in seen
    files = [link for link in parsed.outside if link.startswith("tickets/")]
    assert f"python -m benchmark verify {files[0]}" in text
    assert f"python -m benchmark export {files[0]} --to onnx" in text
    assert len(files) == len(ticket_schemes(report.analysis)) > 0


def test_an_unfinished_run_links_no_tickets(unfinished: RunRecords, tmp_path: Path) -> None:
    assert page(unfinished, tmp_path)[1].outside == []


def test_the_papers_rule_is_named_wherever_it_judges(
    records: RunRecords, report: Report, tmp_path: Path
) -> None:
    paper = Report(replace(records, settings=records.settings | {"verdict": "paper"}))
    _, parsed = written(paper, tmp_path)
    seen = " ".join("".join(parsed.text).split())
    assert "Here verdicts compare means alone, as the paper does" in seen
    assert "by the paper's rule" in seen
    assert "intervals that decide" not in seen
    assert "at 95% confidence" not in seen.split("How the numbers are made")[0]
    assert {row["verdict"] for row in paper.schemes.records()} <= {
        *("ticket", "not a ticket", "reference")
    }
    by_means = [row["paper_rule"] for row in report.schemes.records()]
    assert by_means == [row["verdict"] == "ticket" for row in paper.schemes.records()]
    for table in (paper.schemes, paper.ranking):
        assert "verdicts by the paper's rule: means alone, noise ignored" in table.caption


def test_page_shows_both_batch_norm_modes(two_modes: RunRecords, tmp_path: Path) -> None:
    text, parsed = page(two_modes, tmp_path)
    assert parsed.tags.count("svg") == 18
    for source in ("own", "outside"):
        assert {f"trust-{source}-0-title", f"trust-{source}-1-title"} <= set(parsed.ids)
    assert "the oracle&#39;s noise" in text


def test_latency_that_could_not_be_timed_finely_is_named(
    records: RunRecords, report: Report
) -> None:
    assert "Every latency interval is within ±2 points." in report.schemes.caption
    first, *others = records.costs
    wide = timed(first, increment_over_full=Interval(-0.1, -0.15, -0.06))
    noisy = Report(replace(records, costs=[wide, *others])).schemes.caption
    number = len(report.analysis.schemes)
    assert f"1 of {number} latency intervals is wider than ±2 points, up to ±5.0" in noisy


def test_links_of_the_page_lead_somewhere(whole: tuple[str, Balanced]) -> None:
    text, parsed = whole
    assert set(re.findall(r'href="#([a-z-]+)"', text)) <= set(parsed.ids)


@pytest.mark.hostile
def test_names_from_users_are_escaped_everywhere(hostile: RunRecords, tmp_path: Path) -> None:
    text, parsed = page(hostile, tmp_path)
    assert "<b>" not in text
    assert parsed.tags.count("script") == 2
    assert "</script><b>bold</b>" in "".join(parsed.text)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<b>" not in markdown
    assert "a\\|b" in markdown
    assert "<b>" not in Report(hostile)._repr_html_()
    assert "</script><b>bold</b>" in printed(Report(hostile), width=200)


def test_failure_messages_are_escaped_and_shown(failed_lane: RunRecords, tmp_path: Path) -> None:
    text, _ = page(failed_lane, tmp_path)
    assert "StrategyError: no &lt;parents&gt; left &amp; | gone" in text


def test_unfinished_run_is_marked(
    unfinished: RunRecords, whole: tuple[str, Balanced], tmp_path: Path
) -> None:
    assert page(unfinished, tmp_path)[0].count("This run is unfinished") == 1
    assert "This run is unfinished" not in whole[0]
    assert "This run is unfinished" in printed(Report(unfinished))


@pytest.mark.parametrize(
    "variation",
    [
        {"seeds": 1},
        {"tabulated": False},
        {"lanes": 1},
        {"supernets": 2, "lanes": 2},
        {"noise": 0.0},
        {"strategies": {f"s{number}": 0.6 for number in range(12)}, "lanes": 2, "seeds": 2},
    ],
)
def test_every_kind_of_run_has_a_report(
    make_records: MakeRecords, tmp_path: Path, variation: dict[str, object]
) -> None:
    _, parsed = page(make_records(**variation), tmp_path)
    assert "nan" not in " ".join(parsed.text).lower().split()
    assert "inf" not in " ".join(parsed.text).lower().split()


def test_run_without_lanes_or_oracles_has_a_report(records: RunRecords, tmp_path: Path) -> None:
    bare = replace(
        records, lanes=[], oracles=[], standalone=[], costs=[], candidates={}, finished=False
    )
    text, _ = page(bare, tmp_path)
    assert "No strategy can be ranked" in text


def test_terminal_prints_sentences_and_tables(report: Report) -> None:
    text = printed(report)
    assert text.startswith("• No single winner: ean and ga")
    assert "Ranking of strategies" in text
    assert "1111|1111|1111" in text


def test_terminal_fits_eighty_columns(report: Report) -> None:
    assert max(len(line) for line in printed(report, width=80).splitlines()) <= 80


def test_notebooks_get_sentences_and_tables(report: Report) -> None:
    fragment = report._repr_html_()
    assert fragment.startswith("<p>No single winner")
    assert fragment.count("<table") == 2


def test_markdown_says_all_that_the_page_says(whole: tuple[str, Balanced], folder: Path) -> None:
    del whole
    text = (folder / "report.md").read_text(encoding="utf-8")
    for heading in ("Ranking of strategies", "Trained schemes", "Lanes", "How to reproduce"):
        assert f"## {heading}" in text
    assert "1111\\|1111\\|1111" in text


def test_columns_file_covers_every_csv_field(whole: tuple[str, Balanced], folder: Path) -> None:
    del whole
    described = (folder / "COLUMNS.md").read_text(encoding="utf-8")
    for name in NAMES[2:-1]:
        for field in (folder / name).read_text(encoding="utf-8").splitlines()[0].split(","):
            assert f"`{field}`" in described


def test_a_run_of_an_older_schema_has_the_same_ranking(tmp_path: Path) -> None:
    path = unpack(tmp_path)
    now = Report(read(path))
    make_older(path)
    then = Report(read(path))
    assert then.ranking.records() == now.ranking.records()
    assert then.schemes.rows[0][:7] == now.schemes.rows[0][:7]
    text, _ = page(read(path), tmp_path)
    assert "No pictures yet" in text


def test_of_many_strategies_charts_hold_the_first_and_files_all(
    make_records: MakeRecords, tmp_path: Path
) -> None:
    names = {f"s{number:02d}": 0.5 + number / 100 for number in range(20)}
    records = make_records(strategies=names, lanes=1, seeds=1, evaluations=8, tabulated=False)
    many = Report(records)
    text, _ = written(many, tmp_path)
    assert "Charts hold the first 12 strategies; 8 more are in the tables" in text
    best = [item.strategy for item in many.analysis.ranking.standings]
    assert {name for name in names if f'name="strategy" value="{name}"' in text} == set(best[:12])
    assert "20 strategies can&#39;t be told apart" in text
    rows = (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == set(names)


def test_long_tables_say_where_the_rest_is(report: Report) -> None:
    table = report.ranking
    assert table.first(3) is table
    short = table.first(2)
    assert short.rows == table.rows[:2]
    assert short.caption.endswith("The first 2 of 3 rows; ranking.csv beside this page has all.")

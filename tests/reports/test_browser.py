"""The page of a real run, as a browser shows it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from benchmark.records.run import RunRecords
from reports.charts.registry import figures
from reports.figures.style import to_svg
from reports.pages.report import Report
from tests.reports.browser import chromium, logged, requests, show, violations
from tests.reports.stored import read, unpack


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunRecords:
    return read(unpack(tmp_path_factory.mktemp("stored")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stored: RunRecords) -> Path:
    made = tmp_path_factory.mktemp("page")
    Report(stored).write(made)
    return made


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    with chromium(folder / "downloads") as opened:
        yield opened


@pytest.fixture
def page(browser: webdriver.Chrome, folder: Path) -> webdriver.Chrome:
    show(browser, "light")
    browser.get((folder / "report.html").as_uri())
    return browser


def table(page: webdriver.Chrome, title: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, f"[aria-label='{title}'] table")


def column(drawn: WebElement, key: str) -> list[str]:
    """What is written in a column, visible rows only, from the top."""
    heads = [head.get_attribute("textContent") for head in drawn.find_elements(By.TAG_NAME, "th")]
    place = next(n for n, head in enumerate(heads, start=1) if head and head.startswith(key))
    cells = drawn.find_elements(By.CSS_SELECTOR, f"tbody td:nth-child({place})")
    return [cell.get_attribute("data-v") or "" for cell in cells if cell.is_displayed()]


def unfold(page: webdriver.Chrome) -> None:
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")


def test_the_page_of_the_default_run_is_small(folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < 3_000_000


def test_nothing_is_asked_of_a_network_and_nothing_fails(
    page: webdriver.Chrome, folder: Path
) -> None:
    own = (folder / "report.html").as_uri()
    asked = [one for one in requests(page) if not one.startswith(("data:", "chrome"))]
    assert set(asked) == {own}
    assert [entry["message"] for entry in logged(page, "browser")] == []


def test_the_four_questions_are_answered_before_anything_else(page: webdriver.Chrome) -> None:
    asked = [head.text for head in page.find_elements(By.CSS_SELECTOR, ".answer h2")]
    assert asked == [
        "Which strategy would I choose?",
        "How sure is it?",
        "What does the ticket save?",
        "How do I reproduce it?",
    ]
    last = page.find_elements(By.CSS_SELECTOR, ".answer")[-1]
    assert last.location["y"] + last.size["height"] < 900


def test_every_chart_has_marks_and_offers_its_data(page: webdriver.Chrome) -> None:
    figures = page.find_elements(By.CSS_SELECTOR, "figure:has(svg)")
    assert len(figures) >= 14
    for figure in figures:
        marks = page.execute_script(
            "return arguments[0].querySelectorAll('path, circle, rect').length", figure
        )
        assert marks >= 3
        assert figure.find_element(By.CSS_SELECTOR, "button[data-csv]").is_displayed()


LOOK = """
const wanted = ["fill", "fillOpacity", "fontSize", "fontWeight", "opacity", "stroke",
                "strokeDasharray", "strokeWidth", "textAnchor"];
const own = (element) => wanted.map((name) =>
  element.tagName === "text" && name.startsWith("stroke") ? "" : getComputedStyle(element)[name]);
const read = (svg) => [...svg.querySelectorAll("circle, line, path, rect, text")].map(own);
const host = document.createElement("div");
host.innerHTML = arguments[1];
document.body.append(host);
const both = [read(document.getElementById(arguments[0]).closest("svg")), read(host)];
host.remove();
return both;
"""
"""How every mark of a figure looks on the page, halos of text aside, and in its file."""


def test_files_hold_what_the_style_sheet_makes_of_figures(
    page: webdriver.Chrome, stored: RunRecords
) -> None:
    drawn = figures(Report(stored).charts)
    assert len(drawn) > 10
    for name, figure in drawn.items():
        on_page, in_file = page.execute_script(LOOK, f"{name}-title", to_svg(figure))
        assert on_page == in_file != [], name


def test_a_heading_sorts_numbers_as_numbers_both_ways(page: webdriver.Chrome) -> None:
    drawn = table(page, "Trained schemes")
    head = drawn.find_element(By.XPATH, ".//th[starts-with(normalize-space(.), 'Parameters')]")
    for direction, turned in (("ascending", False), ("descending", True)):
        head.find_element(By.TAG_NAME, "button").click()
        assert head.get_attribute("aria-sort") == direction
        numbers = [int(value) for value in column(drawn, "Parameters")]
        assert numbers == sorted(numbers, reverse=turned)
    assert len(set(numbers)) > 2


def test_rows_can_be_chosen_by_strategy_and_state(page: webdriver.Chrome) -> None:
    unfold(page)
    drawn = table(page, "Lanes")
    bar = drawn.find_element(By.XPATH, "./../preceding-sibling::div[@class='filters']")
    Select(bar.find_element(By.TAG_NAME, "select")).select_by_visible_text("ga")
    assert set(column(drawn, "Strategy")) == {"ga"}
    assert bar.find_element(By.TAG_NAME, "output").text == "5 of 15 rows"
    Select(bar.find_element(By.TAG_NAME, "select")).select_by_visible_text("all")
    assert set(column(drawn, "Strategy")) == {"ean", "ga", "enas"}


def test_a_strategy_can_be_left_out_of_all_charts(page: webdriver.Chrome) -> None:
    marks = page.find_elements(By.CSS_SELECTOR, "#curves [data-strategy], figure [data-strategy]")
    own = [mark for mark in marks if mark.get_attribute("data-strategy") == "ga"]
    assert len(own) > 5
    page.find_element(By.CSS_SELECTOR, "input[name=strategy][value=ga]").click()
    assert not any(mark.is_displayed() for mark in own)
    assert all(mark.is_displayed() for mark in marks if mark.get_attribute("data-strategy") != "ga")


def test_schemes_can_be_compared_block_by_block(page: webdriver.Chrome) -> None:
    field = Select(page.find_element(By.CSS_SELECTOR, "select[data-compare]"))
    base = next(option for option in field.options if "Original" in option.text)
    field.select_by_visible_text(base.text)
    for row in page.find_elements(By.CSS_SELECTOR, ".scheme[data-bits]"):
        outlined = row.find_elements(By.CSS_SELECTOR, ".differs")
        assert len(outlined) == (row.get_attribute("data-bits") or "").count("1")


def test_a_chart_gives_its_data_without_a_network(page: webdriver.Chrome, folder: Path) -> None:
    page.find_element(By.CSS_SELECTOR, "button[data-csv=curves]").click()
    path = folder / "downloads" / "curves.csv"
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert path.read_bytes() == (folder / "curves.csv").read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    page: webdriver.Chrome, scheme: Literal["light", "dark"]
) -> None:
    show(page, scheme)
    unfold(page)
    assert violations(page) == []


@pytest.mark.parametrize("width", [390, 820, 1400])
def test_the_page_never_scrolls_sideways(page: webdriver.Chrome, width: int) -> None:
    show(page, "light", width)
    scrolls = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert page.execute_script(scrolls) == 0


def test_names_of_strategies_are_text(
    browser: webdriver.Chrome, hostile: RunRecords, tmp_path: Path
) -> None:
    Report(hostile).write(tmp_path)
    browser.get((tmp_path / "report.html").as_uri())
    assert [entry["message"] for entry in logged(browser, "browser")] == []
    names = [field.get_attribute("value") for field in browser.find_elements(By.NAME, "strategy")]
    assert names == ["</script><b>bold</b>", "a|b"]
    browser.find_elements(By.NAME, "strategy")[0].click()
    assert column(table(browser, "Ranking of strategies"), "Strategy") == ["a|b"]

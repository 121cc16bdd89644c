"""Pages of several runs, and of a run at work, as a browser shows them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from benchmark.commands.serving import ProgressServer
from benchmark.records.run import RunRecords
from reports.compare.comparison_report import ComparisonReport
from reports.numbers.member import Member
from tests.reports.browser import chromium, logged, requests, show, violations
from tests.reports.conftest import _records as make_records
from tests.stored import store_run


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("downloads")) as opened:
        yield opened


@pytest.fixture(scope="module")
def small() -> RunRecords:
    return make_records(lanes=3, evaluations=20, tabulated=False)


def test_the_page_of_a_comparison_asks_for_nothing_and_is_accessible(
    browser: webdriver.Chrome, small: RunRecords, tmp_path: Path
) -> None:
    other = replace(small, facts=small.facts | {"task": "</script><b>bold</b>"})
    (made, *_) = ComparisonReport([Member("a", small), Member("b", other)]).write(tmp_path)
    show(browser, "dark", 700)
    requests(browser)
    browser.get(made.as_uri())
    assert {one for one in requests(browser) if one.startswith("file")} == {made.as_uri()}
    rows = "[aria-label='Every problem'] tbody tr:not([hidden])"
    assert len(browser.find_elements(By.CSS_SELECTOR, rows)) == 6
    Select(browser.find_element(By.CSS_SELECTOR, "#results select")).select_by_index(1)
    assert len(browser.find_elements(By.CSS_SELECTOR, rows)) == 3
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert violations(browser) == []
    assert logged(browser, "browser") == []


def test_the_live_page_follows_the_run_without_being_loaded_again(
    browser: webdriver.Chrome, small: RunRecords, tmp_path: Path
) -> None:
    server = ProgressServer(0)
    with server.running():
        show(browser, "light", 390)
        browser.get(server.address)
        assert "has not begun" in browser.find_element(By.TAG_NAME, "main").text
        browser.execute_script("window.before = true")
        assert violations(browser) == []
        server.show(store_run(small, tmp_path))
        WebDriverWait(browser, 30).until(lambda page: "finished" in page.title)
        assert browser.execute_script("return window.before") is True
        assert "180 of 180 evaluations charged" in browser.find_element(By.ID, "verdict").text
        assert violations(browser) == []
    assert logged(browser, "browser") == []

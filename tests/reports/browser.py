"""A headless Chromium for tests that open pages; skips where there is none."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

AXE = "axe.min.js"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium(downloads: Path) -> Iterator[webdriver.Chrome]:
    """A browser without a profile, windows or GPU; downloads go to a folder."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # In containers Chromium runs as root, which its sandbox refuses, and /dev/shm is small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()


def logged(browser: Any, kind: Literal["browser", "performance"]) -> list[dict[str, Any]]:
    """What a log of the browser has gained since the last call; selenium has no type for it."""
    entries: list[dict[str, Any]] = browser.get_log(kind)
    return entries


def requests(browser: webdriver.Chrome) -> list[str]:
    """Addresses asked for since the last call."""
    entries = logged(browser, "performance")
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def show(browser: webdriver.Chrome, scheme: Literal["light", "dark"], width: int = 1400) -> None:
    """Choose colours and width."""
    # Clicks would miss what is still scrolling.
    preferences = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in preferences.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def violations(browser: webdriver.Chrome) -> list[str]:
    """What axe finds wrong with the page, by rule and place."""
    import axe_core_python  # noqa: PLC0415 - only where there is a browser

    browser.execute_script(Path(axe_core_python.__file__).with_name(AXE).read_text("utf-8"))
    found: list[dict[str, Any]] = browser.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run().then(r => done(r.violations))"
    )
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found
        for node in item["nodes"]
    ]

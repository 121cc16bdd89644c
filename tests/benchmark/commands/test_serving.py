import re
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest

from benchmark.commands.serving import ProgressServer
from tests.reports.conftest import _records as make_records
from tests.reports.conftest import cut
from tests.stored import store_run


@pytest.fixture
def server() -> Iterator[ProgressServer]:
    made = ProgressServer(0)
    with made.running():
        yield made
        made._told.set()  # noqa: SLF001 - nobody waits for a last look at the end of a test


def get(server: ProgressServer, path: str = "/", host: str | None = None) -> tuple[int, str, str]:
    """Status, text and content policy."""
    where = urlsplit(server.address)
    assert where.hostname == "127.0.0.1"
    connection = HTTPConnection(where.hostname, where.port or 0, timeout=5)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers["Content-Security-Policy"]


def test_the_page_follows_the_run(server: ProgressServer, tmp_path: Path) -> None:
    assert "The run has not begun yet." in get(server)[1]
    folder = tmp_path / "run"
    server.show(folder)
    assert "Waiting for a run in" in get(server)[1]
    names = {"</script><b>bold</b>": 0.8, "ga": 0.5}
    records = make_records(strategies=names, lanes=1, evaluations=4, seeds=1, tabulated=False)
    running = [cut(lane, 2, state="running") for lane in records.lanes]
    store_run(replace(records, lanes=running, finished=False, candidates={}), folder)
    status, text, policy = get(server)
    assert status == 200
    assert "4 of 8 evaluations charged" in text
    assert '<main data-refresh="2">' in text
    assert text.count("<script>") == text.count("</script>") == 1
    assert "<b>" not in text
    assert not re.search(r"https?://|url\(", text)
    assert policy.startswith("default-src 'none'")
    assert get(server, "/report.html")[0] == 404


def test_a_finished_run_is_not_asked_for_again_and_links_its_report(
    server: ProgressServer, tmp_path: Path
) -> None:
    records = make_records(lanes=1, evaluations=4, seeds=1, tabulated=False)
    server.show(store_run(records, tmp_path))
    (tmp_path / "report.html").write_text("the report")
    text = get(server)[1]
    assert "data-refresh" not in text
    assert "<script>" not in text
    assert 'href="/report.html"' in text
    assert get(server, "/report.html")[1] == "the report"


@pytest.mark.parametrize("path", ["/run.sqlite", "/../run.sqlite", "/report.html/..", "/%2e%2e"])
def test_nothing_else_is_served(server: ProgressServer, tmp_path: Path, path: str) -> None:
    server.show(tmp_path)
    assert get(server, path)[0] == 404


def test_other_names_for_this_machine_are_refused(server: ProgressServer) -> None:
    assert get(server, host="evil.example:80")[0] == 403
    assert get(server, host="localhost:80")[0] == 200


def test_a_taken_port_is_an_error(server: ProgressServer) -> None:
    port = urlsplit(server.address).port
    assert port is not None
    with pytest.raises(OSError, match="in use"):
        ProgressServer(port)


def test_nobody_who_watches_is_not_waited_for() -> None:
    begun = monotonic()
    with ProgressServer(0).running():
        pass
    assert monotonic() - begun < 2

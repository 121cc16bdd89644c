"""A run's progress in a browser, on this machine only."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import final

from benchmark.basics.errors import BenchmarkError
from benchmark.watching.observer import Observer
from reports.pages.progress_page import REFRESH, render_progress, render_waiting

LOOPBACK = "127.0.0.1"
PORT = 8765
_POLL = 0.05  # seconds
_LINGER = 2.5 * REFRESH
_SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@final
class ProgressServer:
    """Serves the progress of one run, and its report once there is one.

    Args:
        port: of the loopback interface; 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int = PORT) -> None:
        self._observer: Observer | None = None
        self._asked = 0.0
        self._told = Event()
        page = self._page

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # Names of other hosts that lead here are somebody's trick.
                host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host")
                if host not in (LOOPBACK, "localhost"):
                    self._answer(HTTPStatus.FORBIDDEN, "only for this machine")
                    return
                found = page(self.path)
                if found is None:
                    self._answer(HTTPStatus.NOT_FOUND, "there is nothing here")
                else:
                    self._answer(HTTPStatus.OK, found)

            def _answer(self, status: HTTPStatus, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                kind = "html" if status == HTTPStatus.OK else "plain"
                self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                for name, value in _SAFE.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's
                """Say nothing: terminals belong to the run."""

        self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """URL of the page, on this machine only."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}/"

    def show(self, folder: Path) -> None:
        """Serve the run in ``folder`` from now on."""
        self._observer = Observer(folder)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer, in a thread of its own, until the context is left.

        Whoever is watching at the end gets a last look.
        """
        thread = Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        try:
            yield
            deadline = monotonic() + _LINGER
            while self._watched() and not self._told.is_set() and monotonic() < deadline:
                sleep(0.05)
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _watched(self) -> bool:
        return self._asked > 0 and monotonic() - self._asked < _LINGER

    def _page(self, path: str) -> str | None:
        """The page at ``path``; None where there is none."""
        observer = self._observer
        if path == "/report.html" and observer is not None:
            report = observer.folder / "report.html"
            return report.read_text(encoding="utf-8") if report.is_file() else None
        if path != "/":
            return None
        self._asked = monotonic()
        if observer is None:
            return render_waiting("The run has not begun yet.")
        try:
            seen = observer.seen()
        except BenchmarkError as error:
            return render_waiting(str(error))
        if seen is None:
            return render_waiting(f"Waiting for a run in {observer.folder}.")
        snapshot, seconds = seen
        if snapshot.over:
            self._told.set()
        written = (observer.folder / "report.html").is_file()
        return render_progress(snapshot, seconds, report=written and snapshot.stage == "finished")

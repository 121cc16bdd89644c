"""What a strategy opens is noted; what Python and libraries open for themselves isn't."""

import gzip
import io
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmark.basics.errors import LaneError
from benchmark.plugins.chosen import choose
from benchmark.plugins.hosted import HostedStrategy
from benchmark.plugins.openings import Openings, folders
from benchmark.testing.search import answers, hills
from strategies.base import SearchSpace
from tests.benchmark.plug_in import SOURCE, write_plug_in

OPENINGS = Openings("tests")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "data.csv.gz"
    with gzip.open(file, "wt") as text:
        text.write("1,2\n3,4\n")
    np.save(tmp_path / "data.npy", np.zeros(3))
    return file


def noted(work: Callable[[], object]) -> list[str]:
    with OPENINGS.noting():
        work()
    return OPENINGS.take()


READING: dict[str, Callable[[Path], object]] = {
    "open": lambda file: file.open("rb").close(),
    "a library": lambda file: np.loadtxt(file, delimiter=","),
    "a descriptor": lambda file: os.close(os.open(file, os.O_RDONLY)),
    "reading and writing": lambda file: file.open("r+b").close(),
    "bytes for a name": lambda file: io.open(os.fsencode(file), "rb").close(),  # noqa: UP020
}


@pytest.mark.parametrize("way", READING)
def test_a_file_that_is_read_is_named_once(way: str, data: Path) -> None:
    assert noted(lambda: [READING[way](data), READING[way](data)]) == [f"the file {data}"]


def test_a_link_is_named_by_what_it_leads_to(data: Path) -> None:
    link = data.with_name("link")
    link.symlink_to(data)
    assert noted(link.read_bytes) == [f"the file {data}"]


def test_the_data_of_an_installed_package_are_data() -> None:
    (file,) = noted(load_digits)
    assert file.endswith("digits.csv.gz")


@pytest.mark.parametrize("name", ["mine.egg-info/entry_points.txt", "__pycache__/kernel.nbi"])
def test_what_is_said_of_packages_and_compiled_of_code_is_no_data_wherever_it_lies(
    name: str, tmp_path: Path
) -> None:
    """In the folder of a project, say, that is installed so that it can be edited."""
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text("x")
    assert noted(file.read_bytes) == []


def test_an_archive_on_the_path_is_code(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(data)
    assert noted(data.read_bytes) == []


@pytest.mark.parametrize("name", ["weights.pth", "images.zip"])
def test_weights_and_archives_are_data_though_python_knows_code_that_is_called_so(
    name: str, data: Path
) -> None:
    file = data.rename(data.with_name(name))
    assert noted(file.read_bytes) == [f"the file {file}"]


def test_a_folder_is_not_taken_for_one_of_the_system_that_its_name_begins_with(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    similar = Path(f"{data.parent}s")
    similar.mkdir()
    monkeypatch.setattr("benchmark.plugins.openings._OF_THE_SYSTEM", folders(str(data.parent)))
    assert noted(data.read_bytes) == []
    file = data.rename(similar / data.name)
    assert noted(file.read_bytes) == [f"the file {file}"]


def test_databases_and_connections_are_noted(tmp_path: Path) -> None:
    database = tmp_path / "run.sqlite"
    assert noted(lambda: sqlite3.connect(database).close()) == [f"the database {database}"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        made = noted(lambda: socket.create_connection(("127.0.0.1", port)).close())
    assert made == [f"the connection to 127.0.0.1:{port}"]


def own_notes(folder: Path) -> None:
    (folder / "log.txt").write_text("mine")
    (folder / "log.txt").read_text()
    with (folder / "both").open("w+") as both:
        both.read()


def missing(folder: Path) -> None:
    with suppress(FileNotFoundError):
        (folder / "settings.json").read_text()


INNOCENT: dict[str, Callable[[Path], object]] = {
    "its own notes": own_notes,
    "code": lambda _: Path(__file__).read_bytes(),
    "the system": lambda _: [Path("/proc/self/statm").read_bytes(), os.urandom(4)],
    "what isn't there": missing,
    "a descriptor": lambda _: open(os.dup(0), "rb").close(),  # noqa: PTH123 - no path
    "a folder": lambda folder: os.close(os.open(folder, os.O_RDONLY)),
    "a database in memory": lambda _: sqlite3.connect(":memory:").close(),
    "what is said of packages": lambda _: Path(np.__file__).with_name("py.typed").read_bytes(),
}


@pytest.mark.parametrize("what", INNOCENT)
def test_what_is_no_data_is_not_noted(what: str, tmp_path: Path) -> None:
    assert noted(lambda: INNOCENT[what](tmp_path)) == []


def test_what_a_library_reads_while_it_is_imported_is_its_own_business(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = data.with_name("somebodys_library.py")
    library.write_text(f"open({str(data)!r}, 'rb').close()")
    monkeypatch.syspath_prepend(data.parent)
    assert noted(lambda: __import__("somebodys_library")) == []
    monkeypatch.delitem(sys.modules, "somebodys_library")


def test_nothing_is_noted_outside(data: Path) -> None:
    data.read_bytes()
    assert OPENINGS.take() == []


def test_a_strategy_in_a_process_of_its_own_tells_what_it_opens_and_when_it_fails(
    data: Path,
) -> None:
    reads = SOURCE.replace(
        "    def tell", f"    def note(self):\n        open({str(data)!r}).close()\n\n    def tell"
    )
    reads = reads.replace(
        "        pass\n", "        self.note()\n        raise ValueError('out of ideas')\n"
    )
    at_once = f"np.load({str(data.with_name('data.npy'))!r})\n"
    chosen = choose(write_plug_in(data.parent, f"import numpy as np\n{at_once}{reads}"))
    strategy = HostedStrategy(
        chosen, SearchSpace((2, 3), budget=9), rng=np.random.default_rng(0), timeout=60.0
    )
    assert strategy.opened == [f"the file {data.with_name('data.npy')}"]
    schemes = strategy.ask(2)
    with pytest.raises(LaneError, match="out of ideas"):
        strategy.tell(schemes, answers(hills(schemes)))
    assert strategy.opened[1:] == [f"the file {data}"]


def test_a_process_that_is_started_is_not_seen(data: Path) -> None:
    """As is said of it: what others open remains unseen."""
    code = f"open({str(data)!r}, 'rb').close()"
    assert noted(lambda: subprocess.run([sys.executable, "-c", code], check=True)) == []

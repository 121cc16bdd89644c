"""What a strategy reaches for beyond its arguments: files it reads, databases, connections.

Meant for honest mistakes, such as an import that loads the data of a task. Python's own audit
events tell of what goes through Python; what libraries open by themselves in native code (PyArrow,
HDF5) and what other processes open remains unseen.
"""

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

_CODE = {".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib"}
"""How files end that Python opens to run what is in them, or to show where it failed."""
_CACHED_CODE = "__pycache__"  # compiled by Python, Numba, pytest
_RESOURCES = {
    *("", ".cfg", ".css", ".html", ".ini", ".js", ".json", ".md", ".mo", ".pem", ".rst", ".toml"),
    *(".ttf", ".txt", ".typed", ".xml", ".yaml", ".yml"),
}
"""How settings and texts of installed packages end; their data sets end otherwise."""
_INSTALLED = {"site-packages", "dist-packages"}
_IN_MEMORY = (":memory:", b":memory:", "", b"")
"""Names of databases that no file holds for others to see."""
_IMPORTING = "_find_and_load"  # of importlib's frozen modules


def folders(*names: str) -> tuple[str, ...]:
    """How the real paths of what is in these folders begin."""
    return tuple(f"{os.path.realpath(name)}{os.sep}" for name in names)


_OF_THE_SYSTEM = folders(
    *("/proc", "/sys", "/dev", "/etc", "/run", "/usr/lib", "/usr/share", "/lib"),
    sysconfig.get_path("stdlib"),
)


@final
class Openings:
    """Notes what is reached for, in this process; a hook for audits can't be taken off again.

    Args:
        own: first part of the name of the modules that are looked at. What other modules open
            while they are imported is theirs.
    """

    def __init__(self, own: str) -> None:
        self.own = own
        self._noted: dict[str, None] = {}
        self._written: set[str] = set()
        self._noting = False
        sys.addaudithook(self._hook)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is reached for inside."""
        self._noting = True
        try:
            yield
        finally:
            self._noting = False

    def take(self) -> list[str]:
        """What has been noted since this was last asked, in words, each thing once."""
        noted, self._noted = self._noted, {}
        return list(noted)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._noting:
            return
        if event == "open":
            self._opened(*arguments)
        elif event == "sqlite3.connect" and arguments[0] not in _IN_MEMORY:
            self._noted[f"the database {_text(arguments[0])}"] = None
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self._noted[f"the connection to {':'.join(map(str, arguments[1][:2]))}"] = None

    def _opened(self, path: Any, mode: str | None, flags: int) -> None:
        if isinstance(path, int):
            return  # opened before
        try:
            file = os.path.realpath(_text(path))
        except (OSError, TypeError, ValueError):
            return  # whoever opens it will be told
        if _writes(mode, flags):
            self._written.add(file)
        elif file not in self._written and _holds_data(file) and self._is_asked_for():
            self._noted[f"the file {file}"] = None

    def _is_asked_for(self) -> bool:
        """Whether the strategy's own code has this opened, rather than the import of a library."""
        frame = sys._getframe()  # noqa: SLF001 - inspect's way takes longer
        while (outer := frame.f_back) is not None:
            frame = outer
            if str(frame.f_globals.get("__name__")).partition(".")[0] == self.own:
                return True
            if frame.f_code.co_name == _IMPORTING:
                return False
        return True  # a thread of its own


def _text(path: Any) -> str:
    return os.fsdecode(path)


def _writes(mode: str | None, flags: int) -> bool:
    """Whether what was in the file remains unknown."""
    if mode is not None:
        return mode[:1] in ("w", "a", "x")
    return bool(flags & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL))


def _holds_data(file: str) -> bool:
    path = Path(file)
    if path.suffix in _CODE or _CACHED_CODE in path.parts or file in sys.path:  # a zip of modules
        return False
    if any(part.endswith((".dist-info", ".egg-info")) for part in path.parts):
        return False  # what is said of installed packages
    if not path.is_file():
        return False
    if not _INSTALLED.isdisjoint(path.parts):
        return path.suffix not in _RESOURCES
    return not file.startswith(_OF_THE_SYSTEM)

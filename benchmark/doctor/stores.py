"""Run folders, the shared cache, and what a killed process may have left in them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmark.basics.errors import BenchmarkError
from benchmark.doctor.findings import Finding
from benchmark.storage.filesystems import NETWORK, file_system
from benchmark.storage.folder import RunFolder, read_records
from benchmark.storage.store import Store
from benchmark.supernet.file import read_supernet
from benchmark.watching.snapshots import at_work, is_held
from tasks.errors import DataError
from tasks.folders import names

_LITTLE = 1 << 30  # bytes


def cache(folder: Path) -> Iterator[Finding]:
    """The folder that all runs share."""
    about = f"cache {folder}"
    if not folder.exists():
        yield Finding(about, "note", "doesn't exist yet; the first run makes it")
        return
    yield from _place(about, folder)
    if (folder / "cache.sqlite").exists():
        yield _store(f"{about}, answers", folder / "cache.sqlite")
    supernets = folder / "supernets"
    try:
        inside = [supernets / name for name in names(supernets, ".safetensors", ".checkpoint")]
    except DataError as error:
        yield Finding(about, "problem", str(error), "name another folder with --cache")
        return
    found = [path for path in inside if path.suffix == ".safetensors"]
    broken = [finding for path in found if (finding := _supernet(path))]
    yield from broken
    yield Finding(f"{about}, supernets", "ok", f"{len(found) - len(broken)} intact")
    for path in (path for path in inside if path.suffix == ".checkpoint"):
        training = is_held(path.with_suffix(".lock"))
        yield Finding(
            f"training {path.stem}",
            "note",
            "is at work" if training else "was stopped; its last whole epoch is kept",
            "" if training else f"the same command goes on; {path} may be deleted instead",
        )
    yield from _drafts(folder)


def run_folder(folder: Path) -> Iterator[Finding]:
    """What is found in the folder of one run: its records, and files that do not belong there."""
    about = f"run {folder}"
    try:
        with closing(RunFolder(folder).view()) as store:
            records = read_records(store)
    except (BenchmarkError, OSError) as error:
        yield Finding(about, "problem", str(error))
        return
    yield from _place(about, folder)
    ended = [lane for lane in records.lanes if lane.state != "running"]
    failed = [lane for lane in records.lanes if lane.state == "failed"]
    said = (
        f"experiment {records.experiment}, store intact, {len(ended)} of {len(records.lanes)} "
        f"searches ended, {len(records.standalone)} trainings, {len(records.costs)} costs"
    )
    if records.finished:
        yield Finding(about, "ok", f"finished; {said}")
    elif at_work(folder):
        yield Finding(about, "ok", f"a process is at work; {said}")
    else:
        command = str(records.environment.get("command", "the command it was begun with"))
        yield Finding(
            about,
            "note",
            f"was stopped; {said}; no process is at work",
            f"go on with: {command} --out {folder}",
        )
    for lane in failed:
        yield Finding(
            f"{about}, {lane.key.strategy} seed {lane.key.strategy_seed}",
            "problem",
            f"failed: {lane.message}",
            "mend the strategy and run it in another folder; report.html says where it failed",
        )
    yield from _drafts(folder)


def _place(about: str, folder: Path) -> Iterator[Finding]:
    kind = file_system(folder)
    if kind in NETWORK:
        advice = "let one machine at a time write here, or choose a local disk"
        yield Finding(about, "note", f"lies on a network file system ({kind})", advice)
    if not os.access(folder, os.W_OK):
        advice = "reports can be read (report --out FOLDER); nothing can go on here"
        yield Finding(about, "note", "can't be written", advice)
    elif (free := shutil.disk_usage(folder).free) < _LITTLE:
        yield Finding(about, "problem", f"{free / 2**20:,.0f} MiB are free", "make room")


def _store(about: str, path: Path) -> Finding:
    try:
        Store(path, read_only=True).close()
    except (BenchmarkError, OSError) as error:
        return Finding(about, "problem", str(error))
    return Finding(about, "ok", f"intact, {path.stat().st_size / 2**20:,.1f} MiB")


def _supernet(path: Path) -> Finding | None:
    try:
        read_supernet(path)
    except BenchmarkError as error:
        return Finding("supernet", "problem", str(error), "delete it, and it is trained again")
    return None


def _drafts(folder: Path) -> Iterator[Finding]:
    left = [path for path in folder.rglob(".*.tmp") if not _alive(path)]
    if left:
        advice = f"delete them: {' '.join(map(str, left[:3]))}{' …' if len(left) > 3 else ''}"  # noqa: PLR2004 - enough to see
        yield Finding(f"drafts in {folder}", "note", f"{len(left)} of killed processes", advice)


def _alive(draft: Path) -> bool:
    """Whether the process whose number is in the draft's name lives."""
    number = draft.name.split(".")[-2]
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True

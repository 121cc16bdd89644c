"""The main job: settings in, ranked ticket report out. Composes all other parts.

Every step leaves its results behind durably before the next begins, and begins by
looking for them: the same call after a stop goes on where it stopped.
"""

from collections.abc import Callable
from pathlib import Path

from benchmark.basics.numerical_state import numerical_state
from benchmark.planning.settings import Settings
from benchmark.storage.folder import RunFolder, read_records
from benchmark.studies.oracle_source import Work, source_class
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.pages.report import Report


@numerical_state()
def run(
    settings: Settings,
    *,
    out: Path | str | None = None,
    cache: Path | str | None = None,
    workers: int | WorkerPool | None = None,
    progress: Progress | None = None,
    on_folder: Callable[[Path], None] = lambda _: None,
) -> Report:
    """Run an experiment from its settings to its report, or go on where it stopped.

    Args:
        settings: what determines the results.
        out: the run's folder; default ``runs/<task>-<experiment>``, or ``runs/table-…``.
        cache: where supernets, oracle answers and stand-alone results are kept for
            all experiments; default `benchmark.studies.cache.default_cache`.
        workers: or so many processes of this machine; default one a core. Results do not
            depend on them.
        progress: shows what is running.
        on_folder: told the run's folder before it begins.

    Raises:
        UsageError: settings that this machine can't serve or that have no effect on what is
            searched, a table that lacks schemes or changes meanwhile, or a folder of another
            experiment.
        DataError: the task's files are missing, damaged or of another format.
        StoreError: a damaged table, or a damaged file in the folder or the cache.
    """
    source = source_class(settings)(settings, cache=None if cache is None else Path(cache))
    folder = RunFolder(Path(out or Path("runs") / f"{source.name}-{source.identity[:8]}"))
    folder.check(source.identity)
    on_folder(folder.path)
    pool = WorkerPool.of(workers)
    with source.opened(), folder.claim(source.description(pool)) as store:
        if not store.fact("finished", default=False):
            work = Work(folder, store, pool, NoProgress() if progress is None else progress)
            source.search(work)
            source.conclude(work)
            store.set_fact("finished", value=True)
        report = Report(read_records(store))
    source.write(report, folder.path)
    return report

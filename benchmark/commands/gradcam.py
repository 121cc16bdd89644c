from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.commands.session import stoppable
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--images", default="0,1,2", show_default=True, help="Rows of the test split.")
@options.number(
    "--stage",
    allowed=bounds.COUNT,
    help=options.otherwise("Maps behind its last block.", "the last"),
)
@click.option("--scheme", "schemes", multiple=True, help="Instead of Original, Full-SA, the best.")
@options.settings("data")
@options.worker_options
def gradcam(folder: Path, images: str, worker_options: WorkerOptions, **values: Any) -> None:
    """Show in the report of the run in FOLDER where its networks look (Grad-CAM).

    Original, Full-SA and the best scheme found are trained again, from the run's first
    stand-alone seed; then the report is written anew, with pictures.
    """
    from benchmark.commands.consoles import console_of

    rows = options.numbers("--images", images, bounds.FURTHER)
    console = console_of(stderr=True)
    with stoppable(console):
        from benchmark.storage.folder import RunFolder
        from benchmark.studies.gradcam_run import add_cams
        from benchmark.studies.ticket_rule import judge_files
        from benchmark.watching.live import LiveProgress
        from reports.numbers.tickets import FOLDER

        live = LiveProgress(console)
        workers = worker_options.assembled()
        with live.bars, RunFolder(folder).change() as store:
            report = add_cams(store, rows, workers=workers, progress=live, **values)
    report.write(folder)
    for problem in judge_files(folder / FOLDER, report.analysis.rule, folder / FOLDER):
        console.print(problem, highlight=False)
    console.print(f"Report: {folder / 'report.html'}", highlight=False)

"""Figures of a training as files: a CSV always, TensorBoard's where it is asked for."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from benchmark.basics.errors import UsageError
from benchmark.basics.files import replacing
from benchmark.basics.tensorboard import summary_writer
from benchmark.training.watch import Figures, Watch, together

_COLUMNS = [field.name for field in fields(Figures)]
_SHOWN = {
    "loss/train": "loss",
    "learning rate": "learning_rate",
    "images per second": "images_per_second",
}
"""Figure of each of TensorBoard's curves."""


@contextmanager
def metrics(folder: Path, *, tensorboard: bool = False) -> Iterator[Watch]:
    """A watch that keeps a training's figures in ``folder``.

    ``metrics.csv`` has a row for each epoch. A training that goes on after a stop
    goes on in the same files: what was written of epochs that are repeated is dropped.

    Args:
        folder: made if need be.
        tensorboard: write TensorBoard's event files too.

    Raises:
        UsageError: TensorBoard's are asked for, but its package is missing.
    """
    table = _table(folder / "metrics.csv")
    if not tensorboard:
        yield table
        return
    with _curves(folder) as curves:
        yield together(table, curves)


def _table(path: Path) -> Watch:
    def begin(rows: list[dict[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with replacing(path) as draft:
            draft.write_text(text.getvalue(), encoding="utf-8")

    def resumed(epochs: int, _steps: int) -> None:
        rows: list[dict[str, str]] = []
        if path.exists():
            rows = [row for row in _known(path) if int(row["epoch"]) <= epochs]
        begin(rows)

    def epoch(figures: Figures) -> None:
        if figures.epoch == 1:
            begin([])
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, _COLUMNS, lineterminator="\n").writerow(asdict(figures))

    return Watch(resumed=resumed, epoch=epoch)


def _known(path: Path) -> list[dict[str, str]]:
    """The whole rows of a table; a kill tears the last.

    Raises:
        UsageError: it is no such table.
    """
    reason: object = f"expected the columns {', '.join(_COLUMNS)}"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            whole = [row for row in reader if None not in row.values() and None not in row]
        fits = reader.fieldnames in (None, _COLUMNS) and all(int(row["epoch"]) for row in whole)
    except (ValueError, csv.Error) as error:
        fits, reason = False, error
    if not fits:
        raise UsageError(
            f"{path} is no table of a training ({reason}): move it away, or choose another folder "
            "with --metrics"
        )
    return whole


@contextmanager
def _curves(folder: Path) -> Iterator[Watch]:
    writer_at = summary_writer()
    # Opened at the first word, which says from where on older events are void.
    writers: list[Any] = []

    def resumed(_epochs: int, steps: int) -> None:
        writers.append(writer_at(str(folder), purge_step=steps + 1))

    def epoch(figures: Figures) -> None:
        if not writers:
            writers.append(writer_at(str(folder)))
        for name, figure in _SHOWN.items():
            writers[0].add_scalar(name, getattr(figures, figure), figures.step)
        writers[0].flush()

    try:
        yield Watch(resumed=resumed, epoch=epoch)
    finally:
        for writer in writers:
            writer.close()

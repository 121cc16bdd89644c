"""A landscape explained, as one page and as CSV files beside its table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.basics.files import write_texts
from reports.charts.explained import (
    draw_accuracy_by_ratio,
    draw_parameters_by_ratio,
    draw_scores,
    draw_times_by_ratio,
    ratios_table,
    scores_table,
)
from reports.numbers.explained import Explained
from reports.pages.html import ENVIRONMENT
from reports.tables.formats import count
from reports.tables.table import to_csv

_NO_TIMES = (
    "The paper's figure has inference time as a third panel. No scheme of this table was timed: "
    "tabulate --times 3 times three schemes of each number of connections. Parameters stand for "
    "cost."
)
_TIMES = "Inference time: {schemes}, each timed in turn with Original."
BOXES_NOTE = (
    "Whiskers from the lowest to the highest scheme with so many connections, boxes between the "
    "quartiles, marks at the median (the paper's figure 2)."
)


def render_explained(found: Explained, name: str, facts: Mapping[str, Any]) -> str:
    """The page: no scripts or styles from elsewhere, everything escaped."""
    ratios, scores = ratios_table(found), scores_table(found)
    drawings = [draw_accuracy_by_ratio(found), draw_parameters_by_ratio(found)]
    times = draw_times_by_ratio(found)
    timed = sum(item.timed for item in found.ratios)
    return ENVIRONMENT.get_template("landscape.html.j2").render(
        name=name,
        facts=dict(facts),
        drawings=drawings if times is None else [*drawings, times],
        time_note=_NO_TIMES
        if times is None
        else _TIMES.format(schemes=count(timed, "random scheme")),
        boxes_note=BOXES_NOTE,
        ratios=ratios,
        scores=scores,
        files={table.name: to_csv(table) for table in (ratios, scores)},
        scores_drawing=draw_scores(found),
    )


def write_explained(found: Explained, table: Path, facts: Mapping[str, Any]) -> list[Path]:
    """Write ``NAME.html``, ``NAME-ratios.csv`` and ``NAME-scores.csv`` beside ``table``.

    Returns:
        What was written.
    """
    parts = (ratios_table(found), scores_table(found))
    return write_texts(
        table.parent,
        {
            f"{table.stem}.html": render_explained(found, table.name, facts),
            **{f"{table.stem}-{part.name}.csv": to_csv(part) for part in parts},
        },
    )

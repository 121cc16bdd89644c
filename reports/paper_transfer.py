"""Tables VII and VIII of the paper: networks carried to other tasks."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.transfer_records import TICKET, TransferRecords
from reports.analysis import Analysis
from reports.latex import PaperTable
from reports.paper_names import sam_of
from reports.table import Column, Table, Value
from reports.transfer import gains

_NETWORKS = {"Full-SA": "SA", "Full-Share": "Share", TICKET: "Ours"}
"""Headings of the paper's columns; "Ours" holds whatever scheme was carried."""
_TIME = Column(
    "time", "Time", "inference time relative to Original's, minus 1", unit="%", kind="signed",
    interval=True, scale=100, timing=True,
)  # fmt: skip
_CROWD = ("table-7", "Crowd counting on ShanghaiTech (Table VII)")
_PIXELS = ("table-8", "Segmentation on VOC 2012 (Table VIII)")


def crowd_counting(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VII: transfer to ShanghaiTech, of which a run has nothing yet."""
    figures = [_figure("MAE"), _figure("root mean squared error")]
    return _none(analyses, *_CROWD, figures, "crowd counting")


def segmentation(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VIII: transfer to VOC 2012, of which a run has nothing yet."""
    figures = [_figure(name) for name in ("mIoU", "mAcc", "allAcc")]
    return _none(analyses, *_PIXELS, figures, "segmentation")


def carried(records: TransferRecords) -> PaperTable:
    """Table VII or VIII with what a transfer found, intervals included; its task is named."""
    found = gains(records)
    name, layout = _CROWD if found[0].kind.lower_is_better else _PIXELS
    results = {item.network.name: item for item in records.results if item.network.name}
    values: dict[str, dict[str, Value]] = {
        item.column.key: {name: item.mean(one.network.key) for name, one in results.items()}
        for item in found
    }
    values[_TIME.key] = {
        name: one.cost.increment if one.cost and "1" in one.network.used else None
        for name, one in results.items()
    }
    figures = [*(item.column for item in found), _TIME]
    scheme = results[TICKET].network.bits
    caption = (
        f"{records.source['task']} to {records.target['task']}; {_NETWORKS[TICKET]}: the scheme "
        f"{scheme}. Test split, means over seeds with intervals."
    )
    title = layout.partition(" (")[2].rstrip(")") + f": {records.target['task']}"
    row = (
        records.attention.upper(),
        *(values[figure.key].get(network) for figure in figures for network in _NETWORKS),
    )
    table = Table(name, title, caption, _columns(figures), (row,))
    missing = "a recurrent module has no network with one in every block"
    return PaperTable(table, _groups(figures), (), dict.fromkeys(_keys(table), missing))


def _figure(name: str) -> Column:
    return Column(name.lower().replace(" ", "_"), name, "test split", kind="number", interval=True)


def _columns(figures: Sequence[Column]) -> tuple[Column, ...]:
    return (
        Column("sam", "SAM", "attention module"),
        *(
            replace(
                figure,
                key=f"{figure.key}_{heading.lower()}",
                name=heading,
                description=f"{figure.name}: {figure.description}",
            )
            for figure in figures
            for heading in _NETWORKS.values()
        ),
    )


def _groups(figures: Sequence[Column]) -> tuple[str, ...]:
    return ("", *(figure.name for figure in figures for _ in _NETWORKS))


def _keys(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def _none(
    analyses: Sequence[Analysis],
    name: str,
    title: str,
    parts: Sequence[Column],
    what: str,
) -> PaperTable:
    figures = [*parts, _TIME]
    reason = (
        f"transfer to {what} is not part of {'these runs' if len(analyses) > 1 else 'a run'}: "
        "transfer --paper writes this table"
    )
    modules = list(dict.fromkeys(sam_of(one).upper() for one in analyses))
    columns = _columns(figures)
    rows = tuple((sam, *(None for _ in columns[1:])) for sam in modules)
    caption = "Networks with the attention modules that were searched for."
    table = Table(name, title, caption, columns, rows)
    return PaperTable(table, _groups(figures), (), dict.fromkeys(_keys(table), reason))

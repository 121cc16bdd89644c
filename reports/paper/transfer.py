"""Tables VII and VIII of the paper: networks carried to other tasks."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.records.costs import TIME
from benchmark.records.run import Interval
from benchmark.records.transfer import TICKET, CarriedResult, TransferRecords
from reports.numbers.analysis import Analysis
from reports.pages.transfer_page import gains
from reports.paper.latex import PaperTable
from reports.tables.field import FieldFigure
from reports.tables.table import Column, Table, Value
from reports.tables.words import module_of

_NETWORKS = {"Full-SA": "SA", "Full-Share": "Share", TICKET: "Ours"}
"""Headings of the paper's columns; "Ours" holds whatever scheme was carried."""
_TIME = Column(
    "time", "Time", "inference time relative to Original's, minus 1", unit="%", kind="signed",
    interval=True, scale=100, timing=True,
)  # fmt: skip
_SAVED = Column(
    "saved", "Saved", "time of Full-Share minus that of ours: the paper's brackets",
    unit="points", kind="signed", scale=100, timing=True,
)  # fmt: skip
ORIGINAL = "Original"
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
    """What a transfer found, in the layout of Table VII or VIII by the target's figures.

    Others are laid out as Table VIII is. Intervals are given; brackets, the time that the
    scheme saves against Full-Share, have a column of their own.
    """
    found = gains(records)
    if found[0].kind.name == "MAE":
        return _by_module(records, found)
    return _by_network(records, found, "table-8" if found[0].kind.name == "mIoU" else "carried")


def _by_module(records: TransferRecords, found: Sequence[FieldFigure]) -> PaperTable:
    """Table VII: a row for the module, a column for each way to connect it."""
    figures = [*(item.column for item in found), _TIME]
    original = [
        item.mean(_keys(records)[ORIGINAL]) if heading == "Full-SA" else None
        for item in found
        for heading in _NETWORKS
    ]
    module = [item.mean(_keys(records).get(name, "")) for item in found for name in _NETWORKS]
    times = [_increment(records, name) for name in _NETWORKS]
    columns = (*_columns(figures), _SAVED)
    rows: tuple[tuple[Value, ...], ...] = (
        (ORIGINAL, *original, *(None for _ in _NETWORKS), None),
        (records.attention, *module, *times, _saved(records)),
    )
    table = Table("table-7", f"Crowd counting: {_task(records)}", _caption(records), columns, rows)
    reasons = {
        column.key: _reason(records, name)
        for column, name in zip(
            columns[1:], [*(name for _ in figures for name in _NETWORKS), TICKET], strict=True
        )
    }
    return PaperTable(table, (*_groups(figures), ""), (), reasons)


def _by_network(records: TransferRecords, found: Sequence[FieldFigure], name: str) -> PaperTable:
    """Table VIII: a row a network."""
    columns = (
        Column("network", "Network", "how the module is connected"),
        *(item.column for item in found),
        _TIME,
        _SAVED,
    )
    rows = tuple(
        (
            heading,
            *(item.mean(_keys(records)[network]) for item in found),
            _increment(records, network),
            _saved(records) if network == TICKET else None,
        )
        for network, heading in {ORIGINAL: ORIGINAL, **_NETWORKS}.items()
        if network in _keys(records)
    )
    table = Table(name, f"{_task(records)}", _caption(records), columns, rows)
    reasons = {column.key: _reason(records, TICKET) for column in columns}
    return PaperTable(table, (), (), reasons)


def _task(records: TransferRecords) -> str:
    return str(records.target["task"])


def _keys(records: TransferRecords) -> dict[str, str]:
    return {one.network.name: one.network.key for one in records.results if one.network.name}


def _of(records: TransferRecords, name: str) -> CarriedResult | None:
    return next((one for one in records.results if one.network.name == name), None)


def _increment(records: TransferRecords, name: str) -> Interval | None:
    result = _of(records, name)
    if result is None or result.cost is None or "1" not in result.network.used:
        return None
    time = TIME.of(result.cost)
    return None if time is None else time.increment


def _saved(records: TransferRecords) -> float | None:
    share, ours = (_increment(records, name) for name in ("Full-Share", TICKET))
    return share.center - ours.center if share and ours else None


def _caption(records: TransferRecords) -> str:
    result = _of(records, TICKET)
    scheme = "" if result is None else f" {_NETWORKS[TICKET]}: the scheme {result.network.bits}."
    return (
        f"{records.attention} modules, with weights from {records.source['task']}.{scheme} "
        "Test split, means over seeds, with intervals where there are any."
    )


def _reason(records: TransferRecords, name: str) -> str:
    result = _of(records, name)
    if result is None:
        return "a recurrent module has no network with one in every block"
    if "1" not in result.network.used:
        return "the scheme connects nothing on the target"
    return "no training came to its end, or nothing was timed"


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
    modules = list(dict.fromkeys(module_of(one.records) for one in analyses))
    columns = _columns(figures)
    rows = tuple((sam, *(None for _ in columns[1:])) for sam in modules)
    caption = "Networks with the attention modules that were searched for."
    table = Table(name, title, caption, columns, rows)
    return PaperTable(
        table, _groups(figures), (), dict.fromkeys((column.key for column in columns), reason)
    )

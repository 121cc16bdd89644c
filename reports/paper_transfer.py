"""Tables VII and VIII of the paper: networks carried to other tasks."""

from collections.abc import Sequence

from reports.analysis import Analysis
from reports.latex import PaperTable
from reports.paper_names import sam_of
from reports.table import Column, Table


def crowd_counting(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VII: transfer to ShanghaiTech."""
    parts = (("mae", "MAE"), ("mse", "MSE"))
    return _transfer(
        analyses, "table-7", "Crowd counting on ShanghaiTech (Table VII)", parts, "crowd counting"
    )


def segmentation(analyses: Sequence[Analysis]) -> PaperTable:
    """Table VIII: transfer to VOC 2012."""
    parts = (("miou", "mIoU"), ("macc", "mAcc"), ("all_acc", "allAcc"))
    return _transfer(
        analyses, "table-8", "Segmentation on VOC 2012 (Table VIII)", parts, "segmentation"
    )


def _transfer(
    analyses: Sequence[Analysis],
    name: str,
    title: str,
    parts: Sequence[tuple[str, str]],
    what: str,
) -> PaperTable:
    kinds = (("sa", "SA"), ("share", "Share"), ("ours", "EAN"))
    columns = (
        Column("sam", "SAM", "attention module"),
        *(
            Column(f"{part}_{key}", kind, f"{said}, test split", kind="number")
            for part, said in (*parts, ("time", "Time"))
            for key, kind in kinds
        ),
    )
    reason = f"transfer to {what} is not part of {'these runs' if len(analyses) > 1 else 'a run'}"
    modules = list(dict.fromkeys(sam_of(one).upper() for one in analyses))
    rows = tuple((sam, *(None for _ in columns[1:])) for sam in modules)
    groups = ("", *(said for _, said in (*parts, ("time", "Time")) for _ in kinds))
    caption = "Networks with the attention modules that were searched for."
    table = Table(name, title, caption, columns, rows)
    return PaperTable(table, groups, (), dict.fromkeys((c.key for c in columns), reason))

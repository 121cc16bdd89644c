from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.records.pictures import decoded, png
from benchmark.records.run import CamRecord, RunRecords
from reports.figures.pictures import enlarged, outline, overlay, rows_of_pictures, where
from reports.pages.report import Report

GREY = np.full((4, 8, 3), 100, dtype=np.uint8)


def cam(bits: str, heat: list[list[float]], **changes: object) -> CamRecord:
    """Of two tiles of four by four pixels."""
    record = CamRecord(
        bits=bits,
        seed=0,
        row=5,
        stage=3,
        target=7,
        score=0.9,
        predicted=7,
        test_accuracy=0.93,
        picture=png(GREY),
        tiles=2,
        heat=heat,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


CAMS = [
    cam("0" * 12, [[1.0, 0.0], [0.0, 0.0]]),
    cam("1" * 12, [[0.0, 0.0], [0.0, 0.0]], score=0.2, predicted=3),
]


def test_the_core_is_outlined_inside_the_picture_only() -> None:
    inside = np.zeros((4, 4), dtype=bool)
    inside[:3, :3] = True
    assert outline(inside).astype(int).tolist() == [
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [1, 1, 1, 0],
        [0, 0, 0, 0],
    ]
    assert not outline(np.ones((3, 3), dtype=bool)).any()


def test_every_tile_gets_the_same_heat() -> None:
    drawn = overlay(GREY, np.array([[1.0, 0.0], [0.0, 0.0]]), 2)
    assert np.array_equal(drawn[:, :4], drawn[:, 4:])
    assert (drawn == 255).all(axis=2).any()  # the outline


def test_more_heat_is_lighter_so_that_it_reads_without_hue() -> None:
    ramp = np.tile(np.linspace(0, 0.49, 8), (4, 1))
    light = overlay(GREY, ramp, 1).mean(axis=2)[0]
    assert np.all(np.diff(light) > 0)


def test_small_pictures_grow_by_whole_pixels() -> None:
    assert enlarged(GREY, 10).shape == (12, 24, 3)
    assert enlarged(GREY, 2).shape == GREY.shape


def test_words_say_where_the_heat_is() -> None:
    corner = np.zeros((4, 4))
    corner[0, 3] = 1.0
    assert where(corner) == (
        "centred at the top, right; 6% of it at least half as strong as the strongest"
    )
    assert where(np.zeros((2, 2))) == "no place speaks for the class"


def test_a_row_has_the_image_then_each_network() -> None:
    (row,) = rows_of_pictures(CAMS, (4, 4, 4))
    assert [shown.caption for shown in row] == [
        "test image 5, class 7",
        "Original: 90.0% for 7",
        "Full-SA: 20.0% for 7, says 3 (dark: no place speaks for it)",
    ]
    assert "as Original sees it: centred at the top, left" in row[1].alt
    assert decoded(row[0].source.partition(",")[2]).shape == (row[0].height, row[0].width, 3)


def test_the_page_shows_pictures_with_words_or_how_to_get_them(
    records: RunRecords, tmp_path: Path
) -> None:
    Report(replace(records, cams=CAMS)).write(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<img ") == text.count("data:image/png;base64,") == 3
    assert text.count('alt="test image 5') == 3
    head, first, _ = (tmp_path / "gradcam.csv").read_text(encoding="utf-8").splitlines()
    assert dict(zip(head.split(","), first.split(","), strict=True))["map"] == "1 0; 0 0"
    Report(records).write(tmp_path)
    assert "python -m benchmark gradcam" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("heat", [[[0.0]], [[1.0, 0.5, 0.2]] * 5])
def test_maps_of_any_shape_fit_any_picture(heat: list[list[float]]) -> None:
    (row,) = rows_of_pictures([cam("01" * 6, heat)], (4, 4, 4))
    assert row[1].caption.startswith("0101|0101|0101: 90.0% for 7")


def test_a_picture_without_heat_says_why_it_is_dark() -> None:
    for heat, dark in (([[0.0, 0.0]], True), ([[0.0, 1.0]], False)):
        ((_, shown),) = rows_of_pictures([cam("01" * 6, heat)], (4, 4, 4))
        assert shown.caption.endswith(" (dark: no place speaks for it)") is dark

"""Figures as PDF with their fonts inside, drawn from the same SVG that the page shows.

What is used of DejaVu Sans is embedded, so that text stays text and prints everywhere; signs
that it lacks are drawn as boxes.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

from benchmark.basics.files import replacing
from reports.figures.style import size_of, with_attributes

_FONTS = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}


def write_pdf(figure: Markup, path: Path) -> None:
    """Write a figure as one page of its own size; the same figure gives the same bytes."""
    from fpdf import FPDF  # noqa: PLC0415 - half a second that few need
    from fpdf.svg import SVGObject  # noqa: PLC0415
    from matplotlib import get_data_path  # noqa: PLC0415

    root = with_attributes(figure)
    for words in [child for child in root if child.tag in ("title", "desc")]:
        root.remove(words)  # nothing of it is seen, and a reader of SVG says so for each
    page = FPDF(unit="pt", format=size_of(root))
    page.set_margin(0)
    page.set_auto_page_break(False)
    page.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    for style, file in _FONTS.items():
        page.add_font("DejaVu Sans", style, Path(get_data_path()) / "fonts" / "ttf" / file)
    page.add_page()
    page.set_font("DejaVu Sans")
    SVGObject(ET.tostring(root)).draw_to_page(page)
    log = logging.getLogger("fpdf.output")
    log.addFilter(_worth_saying)
    try:
        with replacing(path) as draft:
            page.output(str(draft))
    finally:
        log.removeFilter(_worth_saying)


def _worth_saying(record: logging.LogRecord) -> bool:
    """All but the glyphs that the font lacks: names of strategies may be in any script."""
    return "missing the following glyphs" not in record.msg

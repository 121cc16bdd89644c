"""Figures as PDF with their fonts inside, drawn from the same SVG that the page shows.

Matplotlib's PDF writer embeds what is used of DejaVu Sans as TrueType, so that text stays
text and prints everywhere. It is here anyway: pymoo brings it.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET

from markupsafe import Markup

from benchmark.basics.files import replacing
from reports.figures.svg_paths import NUMBER, Point, path_corners
from reports.figures.svg_style import printable

_BOLD = 600
_Side = Literal["left", "center", "right"]
_ANCHORS: dict[str, _Side] = {"start": "left", "middle": "center", "end": "right"}


def write_pdf(figure: Markup, path: Path) -> None:
    """Write a figure as one page of its own size; the same figure gives the same bytes."""
    from matplotlib import rc_context  # noqa: PLC0415 - half a second that few need
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.transforms import Affine2D  # noqa: PLC0415

    root = printable(figure)
    width, height = (float(side) for side in root.get("viewBox", "0 0 520 352").split()[2:])
    drawn = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasPdf(drawn)
    place = Affine2D().scale(1, -1).translate(0, height)
    for element, moved in _elements(root, Affine2D()):
        for artist in _artists(element, moved + place):
            artist.set_figure(drawn)
            drawn.add_artist(artist)
    settings: dict[Any, Any] = {"pdf.fonttype": 42, "svg.fonttype": "none"}
    stamps = {"Creator": None, "Producer": None, "CreationDate": None}
    with rc_context(settings), replacing(path) as draft, warnings.catch_warnings():
        # A name in letters that the font lacks is drawn as boxes, not refused.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        drawn.savefig(draft, format="pdf", metadata=stamps)


def _elements(element: ET.Element, moved: Any) -> Iterator[tuple[ET.Element, Any]]:
    """All that is drawn, in order, with where it is moved to."""
    moved = _transform(element.get("transform", "")) + moved
    if element.tag in _DRAWN:
        yield element, moved
    for child in element:
        yield from _elements(child, moved)


def _transform(text: str) -> Any:
    from matplotlib.transforms import Affine2D  # noqa: PLC0415

    whole = Affine2D()
    for name, inside in reversed(re.findall(r"(\w+)\(([^)]*)\)", text)):
        numbers = [float(number) for number in re.findall(NUMBER, inside)]
        if name == "translate":
            whole.translate(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        elif name == "rotate" and len(numbers) == 3:  # noqa: PLR2004 - angle and centre
            whole.rotate_deg_around(numbers[1], numbers[2], numbers[0])
        elif name == "rotate":
            whole.rotate_deg(numbers[0])
        elif name == "scale":
            whole.scale(*numbers)
    return whole


def _artists(element: ET.Element, moved: Any) -> list[Any]:
    return _DRAWN[element.tag](element, moved)


def _text(element: ET.Element, moved: Any) -> list[Any]:
    from matplotlib.text import Text  # noqa: PLC0415
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415

    content = "".join(element.itertext())
    size = _length(element.get("font-size", "12.5px"))
    down = element.get("dy", "0")
    drop = float(down[:-2]) * size if down.endswith("em") else _length(down)
    weight = element.get("font-weight", "400")
    anchor = _ANCHORS[element.get("text-anchor", "start")]
    mono = "mono" in element.get("font-family", "")
    x, y = moved.transform((_number(element, "x"), _number(element, "y") + drop))
    turned = float(re.findall(NUMBER, element.get("transform", "rotate(0)"))[0])
    return [
        Text(
            x,
            y,
            content,
            color=_color(element, "fill") or "black",
            fontsize=size,
            fontfamily="DejaVu Sans Mono" if mono else "DejaVu Sans",
            fontweight="bold" if weight == "bold" or _length(weight) >= _BOLD else "normal",
            horizontalalignment=anchor,
            verticalalignment="baseline",
            rotation=-turned if "rotate" in element.get("transform", "") else 0,
            rotation_mode="anchor",
            alpha=_opacity(element, "fill-opacity"),
            parse_math=False,
            transform=IdentityTransform(),
        )
    ]


def _outline(element: ET.Element) -> tuple[list[Point], list[int]]:
    """Corners and codes of matplotlib's paths."""
    kind = element.tag
    if kind == "line":
        ends = [(_number(element, f"x{end}"), _number(element, f"y{end}")) for end in (1, 2)]
        return ends, [1, 2]
    if kind == "rect":
        x, y = _number(element, "x"), _number(element, "y")
        right, bottom = x + _number(element, "width"), y + _number(element, "height")
        return [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], [1, 2, 2, 2, 79]
    if kind in ("polyline", "polygon"):
        numbers = [float(number) for number in re.findall(NUMBER, element.get("points", ""))]
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        codes = [1, *[2] * (len(corners) - 1)]
        return (corners, codes) if kind == "polyline" else ([*corners, corners[0]], [*codes, 79])
    return path_corners(element.get("d", ""))


def _shape(element: ET.Element, moved: Any) -> list[Any]:
    from matplotlib.patches import Circle, PathPatch  # noqa: PLC0415
    from matplotlib.path import Path as Corners  # noqa: PLC0415

    fill = None if element.tag in ("line", "polyline") else _color(element, "fill")
    dashes = [float(number) for number in re.findall(NUMBER, element.get("stroke-dasharray", ""))]
    width = _length(element.get("stroke-width", "1"))
    stroke = _color(element, "stroke")
    style: dict[str, Any] = dict(
        facecolor=_faded(fill, _opacity(element, "fill-opacity")),
        edgecolor=_faded(stroke, _opacity(element, "stroke-opacity")),
        linewidth=width if stroke else 0,
        linestyle=(0, tuple(dash / width for dash in dashes)) if dashes and width else "solid",
        joinstyle="miter",
        capstyle="butt",
        transform=moved,
    )
    if element.tag == "circle":
        center = (_number(element, "cx"), _number(element, "cy"))
        return [Circle(center, _number(element, "r"), **style)]
    corners, codes = _outline(element)
    return [PathPatch(Corners(corners, codes), **style)] if corners else []


_DRAWN: dict[str, Callable[[ET.Element, Any], list[Any]]] = {
    "text": _text,
    **dict.fromkeys(("path", "line", "rect", "circle", "polyline", "polygon"), _shape),
}


def _number(element: ET.Element, name: str) -> float:
    return _length(element.get(name, "0"))


def _length(text: str) -> float:
    found = re.match(NUMBER, text)
    return float(found[0]) if found else 0.0


def _color(element: ET.Element, name: str) -> str | None:
    """A colour that matplotlib knows; None for none."""
    default = "none" if name == "stroke" else "black"
    text = element.get(name, default)
    return None if text in ("none", "transparent") else text


def _opacity(element: ET.Element, name: str) -> float:
    return _length(element.get(name, "1")) * _length(element.get("opacity", "1"))


def _faded(color: str | None, opacity: float) -> Any:
    from matplotlib.colors import to_rgba  # noqa: PLC0415

    return "none" if color is None else to_rgba(color, opacity)

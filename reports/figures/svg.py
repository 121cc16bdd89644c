"""Small SVG drawing: escaped elements, axes and marks that are styled by the page's CSS.

Series are told apart by dash and marker as well as by colour. Classes: ``c0`` … ``c7``
set ``--c``, the colour of a series; ``axis``, ``grid``, ``label`` are the frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

from reports.tables.formats import Number

COLORS = 8
DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 2", "12 4")
_STEPS = (1, 2, 2.5, 5, 10)


def element(name: str, *children: Markup | str, **attributes: str | Number | None) -> Markup:
    """An element; text and attributes are escaped, ``stroke_width`` becomes ``stroke-width``."""
    written = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>")  # noqa: S704 - escaped one by one


def _number(value: str | Number) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def text(
    x: Number, y: Number, content: str, *, anchor: str = "start", kind: str = "label"
) -> Markup:
    """A line of text; ``y`` is its middle."""
    return element("text", content, x=x, y=y, dy="0.35em", text_anchor=anchor, class_=kind)


def line(x1: Number, y1: Number, x2: Number, y2: Number, kind: str, *, dash: int = 0) -> Markup:
    """A straight line of a class; ``dash`` counts `DASHES`."""
    pattern = DASHES[dash % len(DASHES)]
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind, stroke_dasharray=pattern)


def marker(
    x: Number,
    y: Number,
    shape: int,
    kind: str,
    radius: Number = 4,
    *,
    strategy: str | None = None,
) -> Markup:
    """One of six shapes of about equal area; a page may leave out those of a strategy."""
    r = radius
    paths = (
        None,
        f"M-{r} -{r}H{r}V{r}H-{r}Z",
        f"M0 -{1.3 * r}L{1.2 * r} {r}H-{1.2 * r}Z",
        f"M0 -{1.4 * r}L{1.4 * r} 0L0 {1.4 * r}L-{1.4 * r} 0Z",
        f"M-{r} -{r}L{r} {r}M{r} -{r}L-{r} {r}",
        f"M0 {1.3 * r}L{1.2 * r} -{r}H-{1.2 * r}Z",
    )
    path = paths[shape % len(paths)]
    if path is None:
        return element("circle", cx=x, cy=y, r=r, class_=kind, data_strategy=strategy)
    place = f"translate({x:.1f} {y:.1f})"
    return element("path", d=path, transform=place, class_=kind, data_strategy=strategy)


def picture(
    name: str, title: str, description: str, size: tuple[Number, Number], *children: Markup
) -> Markup:
    """A whole figure with a name and a description for those who can't see it."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {size[0]:.0f} {size[1]:.0f}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="figure",
    )


def spread(wanted: Sequence[Number], gap: Number, low: Number, high: Number) -> list[Number]:
    """Positions near ``wanted``, in the same order, at least ``gap`` apart where they fit."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    previous = low - gap
    for index in order:
        previous = placed[index] = max(wanted[index], previous + gap)
    following = high + gap
    for index in reversed(order):
        following = placed[index] = min(placed[index], following - gap)
    return placed


def ticks(low: Number, high: Number, *, whole: bool = False, most: int = 6) -> list[Number]:
    """Some ``most`` round numbers from ``low`` to ``high``; ``whole`` keeps to integers."""
    if high <= low:
        return [low]
    rough = max((high - low) / most, 1.0 if whole else 0.0)
    power = 10.0 ** floor(log10(rough))
    step = next(
        factor * power
        for factor in _STEPS
        if factor * power >= rough * (1 - 1e-9) and not (whole and (factor * power) % 1)
    )
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def powers(low: Number, high: Number) -> list[Number]:
    """1, 2, 5, 10, … between ``low`` and ``high``."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [m * 10**d for d in decades for m in (1, 2, 5) if low <= m * 10**d <= high]


@dataclass(frozen=True)
class Axis:
    """A scale from data to pixels.

    Attributes:
        data: lowest and highest value.
        pixels: where they lie.
        logarithmic: whether equal ratios get equal lengths.
        whole: whether only integers are written on it.
    """

    data: tuple[Number, Number]
    pixels: tuple[Number, Number]
    logarithmic: bool = False
    whole: bool = False

    def __call__(self, value: Number) -> Number:
        turn: Callable[[Number], Number] = log10 if self.logarithmic else float
        low, high = turn(self.data[0]), turn(self.data[1])
        share = (turn(value) - low) / (high - low) if high > low else 0.5
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])

    def clamp(self, value: Number) -> Number:
        """The pixel of a value, kept inside the scale."""
        return self(min(max(value, self.data[0]), self.data[1]))

    def ticks(self) -> list[Number]:
        """Round numbers to write on it."""
        return powers(*self.data) if self.logarithmic else ticks(*self.data, whole=self.whole)


def frame(x: Axis, y: Axis, labels: tuple[str, str], write: tuple[str, str]) -> Markup:
    """Grid, tick numbers and titles of both axes; ``write`` are format specifications."""
    left, right = x.pixels
    bottom, top = y.pixels
    drawn = [line(left, bottom, right, bottom, "axis")]
    for value in y.ticks():
        drawn.append(line(left, y(value), right, y(value), "grid"))
        drawn.append(text(left - 7, y(value), _tick(value, write[1]), anchor="end", kind="tick"))
    for value in x.ticks():
        drawn.append(line(x(value), bottom, x(value), bottom + 4, "axis"))
        number = _tick(value, write[0])
        drawn.append(text(x(value), bottom + 14, number, anchor="middle", kind="tick"))
    drawn.append(text((left + right) / 2, bottom + 33, labels[0], anchor="middle"))
    drawn.append(text(4, top - 16, labels[1]))
    return Markup("").join(drawn)


def _tick(value: Number, write: str) -> str:
    return format(value, write).replace("-", "−")


def signed_tick(value: Number) -> str:
    """A tick of a difference: ``+0.5``, ``−1``, ``0``."""
    return _tick(value, "+g") if value else "0"

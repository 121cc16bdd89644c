"""How figures look: one table, from which pages get a style sheet and files their attributes.

Few programs other than browsers know style sheets with custom properties, so that files carry
what these come to in the light colours.
"""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from markupsafe import Markup

PALETTE = {
    "bg": ("#fcfbf8", "#15171a"),
    "card": ("#ffffff", "#1b1e22"),
    "ink": ("#1c1d20", "#e9e7e2"),
    "muted": ("#63656c", "#a2a4aa"),
    "line": ("#e3e0d8", "#33373d"),
    "soft": ("#f3f0e9", "#22262b"),
    "good": ("#0b6b4f", "#5fd3a9"),
    "open": ("#8a5a00", "#f0bd5a"),
    "bad": ("#7a7d85", "#9a9da5"),
    "warn-bg": ("#fff3d6", "#3a2f14"),
    "warn": ("#6b4700", "#ffdf9a"),
    "accent": ("#0b5cad", "#7db8f5"),
    "c0": ("#0b5cad", "#7db8f5"),
    "c1": ("#b8420b", "#ff9c6b"),
    "c2": ("#0b6b4f", "#5fd3a9"),
    "c3": ("#7a3aa8", "#c79bf0"),
    "c4": ("#8a6100", "#e5c15c"),
    "c5": ("#b01f63", "#ff8fbb"),
    "c6": ("#47701a", "#a8d06a"),
    "c7": ("#4a5568", "#b6bfcc"),
}
"""Colours of pages and figures on light and on dark screens; `c0` to `c7` are those of series."""
_LIGHT = {name: light for name, (light, _) in PALETTE.items()}
_WHOLE = {"fill": "var(--ink)", "font-size": "12.5px"}
STYLES: Mapping[str, Mapping[str, str]] = {
    "tick": {"fill": "var(--muted)", "font-size": "11.5px"},
    "name": {"fill": "var(--c)", "font-weight": "600"},
    "axis": {"stroke": "var(--muted)"},
    "bracket": {"stroke": "var(--ink)", "stroke-width": "2"},
    "grid": {"stroke": "var(--line)"},
    "reference": {"stroke": "var(--muted)", "stroke-dasharray": "4 3"},
    "curve": {"fill": "none", "stroke": "var(--c)", "stroke-width": "2"},
    "broken": {"opacity": ".7"},
    "band": {"fill": "var(--c)", "opacity": ".13"},
    "leader": {"stroke": "var(--c)", "opacity": ".5"},
    "mark": {"fill": "var(--c)", "stroke": "var(--c)", "stroke-width": "1.4"},
    "hollow": {"fill": "var(--bg)"},
    "found": {"stroke": "var(--bg)", "fill": "var(--c)", "stroke-width": ".8"},
    "whisker": {"stroke": "var(--c)", "stroke-width": "1.6"},
    "density": {"fill": "var(--muted)"},
    "on": {"fill": "var(--c0)"},
    "off": {"fill": "none", "stroke": "var(--line)"},
    "bar": {"fill": "var(--c)", "stroke": "var(--c)", "fill-opacity": ".55"},
    **{f"c{number}": {"--c": f"var(--c{number})"} for number in range(8)},
    "plain": {"--c": "var(--muted)"},
    "v-ticket": {"--c": "var(--good)"},
    "v-undecided": {"--c": "var(--open)"},
    "v-not": {"--c": "var(--bad)"},
    "v-reference": {"--c": "var(--bad)"},
    "word-ticket": {"fill": "var(--good)", "font-weight": "600"},
    "word-undecided": {"fill": "var(--open)"},
    "word-not": {"fill": "var(--muted)"},
    "word-reference": {"fill": "var(--muted)"},
}
"""What each class declares; of an element's classes later ones win. `--c` is its own colour."""


def palette_css() -> str:
    """The colours as custom properties, for light and dark screens."""
    light, dark = (
        _rule(":root", {f"--{name}": colors[screen] for name, colors in PALETTE.items()})
        for screen in (0, 1)
    )
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}"


def figure_css() -> str:
    """`STYLES` as a style sheet."""
    rules = [_rule(f".{name}", declared) for name, declared in STYLES.items()]
    return "\n".join([_rule(".figure", _WHOLE), *rules])


def _rule(selector: str, declared: Mapping[str, str]) -> str:
    return f"{selector} {{ {' '.join(f'{key}: {value};' for key, value in declared.items())} }}"


def with_attributes(figure: Markup) -> ET.Element:
    """The figure with attributes in place of classes: no style sheet is needed to see it."""
    root = ET.fromstring(str(figure))  # noqa: S314 - our own
    for element in root.iter():
        classes = element.attrib.pop("class", "").split()
        style: dict[str, str] = {}
        for name, declared in STYLES.items():
            style |= declared if name in classes else {}
        own = style.pop("--c", "")
        for key, value in style.items():
            element.set(key, _plain(value.replace("var(--c)", own)))
    for key, value in _WHOLE.items():
        root.set(key, _plain(value))
    for name in ("role", "aria-labelledby"):
        root.attrib.pop(name, None)
    root.set("font-family", "DejaVu Sans, Arial, Helvetica, sans-serif")
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return root


def _plain(value: str) -> str:
    """A value as attributes have it: light colours, user units."""
    return _LIGHT.get(value.removeprefix("var(--").removesuffix(")"), value.removesuffix("px"))


def size_of(root: ET.Element) -> tuple[float, float]:
    """Width and height of a figure in its own units."""
    width, height = root.attrib["viewBox"].split()[2:]
    return float(width), float(height)


def to_svg(figure: Markup) -> str:
    """The figure as a file of its own, for any program that reads SVG."""
    root = with_attributes(figure)
    for name, side in zip(("width", "height"), size_of(root), strict=True):
        root.set(name, f"{side:g}")
    return ET.tostring(root, encoding="unicode") + "\n"

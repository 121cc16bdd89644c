"""A page's figures without the page: every style written into the elements themselves.

Figures are styled by the page's style sheet, with custom properties. Few programs other
than browsers know these, so files carry what the style sheet comes to in its light colours.
Of CSS this understands what our own style sheet uses for figures: rules outside of ``@``
blocks, selectors of tags and classes with descendants, ``var()``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

_SPACE = "http://www.w3.org/2000/svg"
_WRITTEN = (
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin"),
    *("stroke-linecap", "stroke-opacity", "opacity", "font-size", "font-weight", "font-family"),
    "text-anchor",
)
_OWN = ("opacity",)
"""Of these, what children don't inherit."""
_SIMPLE = re.compile(r"(?P<tag>[a-z]+|\*)?(?P<classes>(\.[\w-]+)*)")
_SANS = "DejaVu Sans, Arial, Helvetica, sans-serif"
Style = dict[str, str]
Compound = tuple[str, frozenset[str]]
"""A tag, empty for any, and classes."""


@dataclass(frozen=True)
class _Rule:
    """One selector: compounds from the outermost to the element, and what it declares."""

    compounds: tuple[Compound, ...]
    declared: Mapping[str, str]
    weight: tuple[int, int, int]


def printable(figure: Markup) -> ET.Element:
    """The figure with its styles as attributes: no classes, custom properties or halos."""
    root = ET.fromstring(str(figure))  # noqa: S314 - our own
    _resolve(root, (), {"font-size": "12.5px", "fill": "#1c1d20"})
    root.set("font-family", _SANS)
    return root


def to_svg(figure: Markup) -> str:
    """The figure as a file of its own, for any program that reads SVG."""
    root = printable(figure)
    root.set("xmlns", _SPACE)
    width, height = root.get("viewBox", "0 0 520 352").split()[2:]
    root.set("width", width)
    root.set("height", height)
    return ET.tostring(root, encoding="unicode") + "\n"


def _resolve(
    element: ET.Element,
    ancestors: tuple[Compound, ...],
    inherited: Mapping[str, str],
) -> None:
    me = (element.tag.rpartition("}")[2], frozenset(element.get("class", "").split()))
    chain = (*ancestors, me)
    style: Style = {name: value for name, value in inherited.items() if name not in _OWN}
    style |= {name: value for name, value in element.items() if name in _WRITTEN}
    style |= _declared(chain)
    if style.get("paint-order", "").startswith("stroke"):
        style["stroke"] = "none"
    for name in ("class", "role", "aria-labelledby", "tabindex"):
        element.attrib.pop(name, None)
    if me[0] not in ("title", "desc", "g", "svg"):
        for name in _WRITTEN:
            if name in style:
                element.set(name, _value(style[name], style))
    for child in element:
        _resolve(child, chain, style)


@lru_cache(maxsize=4096)
def _declared(chain: tuple[Compound, ...]) -> Style:
    """What the style sheet says of the last of ``chain``, whose ancestors stand before it."""
    style: Style = {}
    for rule in style_sheet():
        if _matches(rule.compounds, chain):
            style |= rule.declared
    return style


def _matches(compounds: Sequence[Compound], chain: Sequence[Compound]) -> bool:
    *outer, last = compounds
    *around, me = chain
    if not _fits(last, me):
        return False
    for compound in reversed(outer):
        while around and not _fits(compound, around[-1]):
            around.pop()
        if not around:
            return False
        around.pop()
    return True


def _fits(compound: Compound, element: Compound) -> bool:
    return compound[0] in ("", "*", element[0]) and compound[1] <= element[1]


def _value(text: str, style: Mapping[str, str]) -> str:
    """A value with its custom properties filled in."""
    while found := re.search(r"var\((--[\w-]+)\)", text):
        text = text.replace(found[0], style.get(found[1], "none"))
    return text


@lru_cache(maxsize=1)
def style_sheet() -> tuple[_Rule, ...]:
    """The page's rules that figures can meet, the weakest first; ``:root`` meets all."""
    folder = Path(__file__).parents[1] / "templates"
    text = "\n".join(
        (folder / name).read_text(encoding="utf-8") for name in ("report.css", "figures.css")
    )
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"@[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text)
    rules = []
    for number, (selectors, body) in enumerate(re.findall(r"([^{}]+)\{([^{}]*)\}", text)):
        declared = {
            name.strip(): value.strip()
            for name, colon, value in (part.partition(":") for part in body.split(";"))
            if colon
        }
        for selector in selectors.split(","):
            compounds = _compounds(selector.strip())
            if compounds is not None:
                classes = sum(len(one[1]) for one in compounds)
                tags = sum(one[0] not in ("", "*") for one in compounds)
                rules.append(_Rule(compounds, declared, (classes, tags, number)))
    return tuple(sorted(rules, key=lambda rule: rule.weight))


def _compounds(selector: str) -> tuple[Compound, ...] | None:
    """The parts of a selector; None for one that figures can't meet."""
    if selector == ":root":
        return (("svg", frozenset()),)
    parts = [_SIMPLE.fullmatch(part) for part in selector.split()]
    if not parts or any(part is None for part in parts):
        return None
    return tuple(
        (part["tag"] or "", frozenset(filter(None, part["classes"].split("."))))
        for part in parts
        if part
    )

"""Named recipes: settings to start from, kept as data in ``recipes.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from benchmark.basics.bounds import COUNT


@dataclass(frozen=True)
class NamedRecipe:
    """Settings that belong together.

    Attributes:
        summary: what they reproduce.
        source: which of them are stated where, and which are assumed.
        settings: values of `benchmark.planning.settings.Settings` by name.
    """

    summary: str
    source: str
    settings: Mapping[str, Any]


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``; tables in both are merged key by key."""
    result = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = dict(result[name]) | dict(value) if both else value
    return result


def started_from(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Like `merged`; where a training's epochs change and its milestones don't, they scale."""
    result = merged(settings, changes)
    for section in ("supernet", "standalone"):
        start, given = settings.get(section, {}), changes.get(section)
        milestones = start.get("milestones")
        if not milestones or not isinstance(given, Mapping) or "milestones" in given:
            continue
        try:
            epochs = COUNT.read(given.get("epochs", start["epochs"]))
        except ValueError:
            continue  # no number of epochs: said of the epochs themselves
        result[section]["milestones"] = [round(at * epochs / start["epochs"]) for at in milestones]
    return result


def _read() -> dict[str, NamedRecipe]:
    text = files("benchmark.planning").joinpath("recipes.toml").read_text(encoding="utf-8")
    recipes: dict[str, NamedRecipe] = {}
    for name, table in tomllib.loads(text).items():
        start = recipes[table["like"]] if "like" in table else None
        recipes[name] = NamedRecipe(
            summary=table["summary"],
            source=table.get("source", start.source if start else ""),
            settings=merged(start.settings if start else {}, table.get("settings", {})),
        )
    return recipes


RECIPES = _read()
"""Every named recipe; one may be ``like`` another that stands above it."""

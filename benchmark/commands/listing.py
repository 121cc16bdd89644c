"""What there is to choose from, as text for a terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_origin

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.basics.errors import UsageError
from tasks.registry import TASKS, stated

if TYPE_CHECKING:
    from strategies.base import Strategy
    from strategies.hyper_parameters import HyperParameter


def list_strategies(console: Console, references: Sequence[str] = ()) -> None:
    """Print what each strategy is, rests on, needs, and lets users set.

    Args:
        console: where to.
        references: names or files, which are then described in full; default: all names, in short,
            also of installed ones that can't be loaded, with the reason.

    Raises:
        UsageError: an unknown name, or a strategy that can't be loaded or described.
    """
    from benchmark.plugins.chosen import choose
    from benchmark.plugins.error_translation import one_line
    from benchmark.plugins.references import known_names
    from strategies.base import StrategyError

    table = Table(box=None, show_header=False, pad_edge=False)
    for reference in references or known_names():
        try:
            rows = _described(choose(reference).load(), in_full=bool(references))
        except (UsageError, StrategyError) as error:
            if references:
                raise UsageError(str(error)) from error
            rows = [(reference, f"broken: {one_line(error)}")]
        for title, text in rows:
            table.add_row(Text(title), Text(text))
        table.add_row()
    console.print(table)
    console.print(Text("Set a hyper-parameter with --set STRATEGY.NAME=VALUE."))


def list_tasks(console: Console) -> None:
    """Print what each task is and where it comes from."""
    _list(console, [(name, stated(name, "summary"), stated(name, "source")) for name in TASKS])


def list_recipes(console: Console) -> None:
    """Print what each named recipe is and where it comes from."""
    from benchmark.planning.recipes import RECIPES

    _list(console, [(name, recipe.summary, recipe.source) for name, recipe in RECIPES.items()])


def _list(console: Console, rows: Iterable[tuple[str, str, str]]) -> None:
    table = Table(box=None)
    for title in ("name", "what it is", "source"):
        table.add_column(title)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _described(strategy: "type[Strategy]", *, in_full: bool) -> list[tuple[str, str]]:
    from strategies.hyper_parameters import hyper_parameters

    rows = [
        (strategy.name, strategy.summary),
        ("  source", strategy.source),
        ("  needs", ", ".join(strategy.needs)),
    ]
    declared = hyper_parameters(strategy)
    if in_full:
        return rows + [
            (
                f"  {name}",
                f"{_kind(parameter)} = {_shown(parameter.default)}; {parameter.description}",
            )
            for name, parameter in declared.items()
        ]
    short = [f"{name}={_shown(parameter.default)}" for name, parameter in declared.items()]
    return [*rows, ("  settable", ", ".join(short) or "nothing")]


def _kind(parameter: "HyperParameter") -> str:
    kind: Any = parameter.kind
    return (
        kind.__name__
        if isinstance(kind, type) and get_origin(kind) is None
        else str(kind).removeprefix("typing.")
    )


def _shown(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)

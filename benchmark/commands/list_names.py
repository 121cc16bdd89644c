import click

from benchmark.basics.errors import UsageError


@click.command("list")
@click.argument("kind", type=click.Choice(["strategies", "tasks", "recipes"]))
@click.argument("names", nargs=-1)
def list_(kind: str, names: tuple[str, ...]) -> None:
    """List what there is to choose from; strategies that are named are described in full."""
    from benchmark.commands.consoles import console_of
    from benchmark.commands.listing import list_recipes, list_strategies, list_tasks

    if kind == "strategies":
        list_strategies(console_of(), names)
    elif names:
        raise UsageError(f"expected no names after {kind!r}, received {', '.join(names)}")
    elif kind == "recipes":
        list_recipes(console_of())
    else:
        list_tasks(console_of())

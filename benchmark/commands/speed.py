import click

from benchmark.basics import bounds
from benchmark.commands import options


@click.command()
@click.argument("names", nargs=-1)
@options.number("--pairs", allowed=bounds.COUNT, default=3, show_default=True, help="Repeats.")
@options.number(
    "--rows",
    allowed=bounds.COUNT,
    default=128,
    show_default=True,
    help="Validation images of the CPU's networks.",
)
@options.as_json
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table for the README.")
@click.option("--list", "list_", is_flag=True, help="Print the names and run nothing.")
def speed(
    names: tuple[str, ...], pairs: int, rows: int, *, as_json: bool, as_markdown: bool, list_: bool
) -> None:
    """Measure what is claimed of speed: pairs in turn, A B A B, in one process.

    Without NAMES everything is measured; what lacks a device is named as not run.
    """
    from benchmark.basics.errors import unknown_name
    from benchmark.commands.consoles import console_of
    from benchmark.commands.session import stoppable

    console = console_of(stderr=True)
    with stoppable(console):
        from benchmark.speed import formats
        from benchmark.speed.base import run_benchmark
        from benchmark.speed.registry import BENCHMARKS

        for name in names:
            if name not in BENCHMARKS:
                raise unknown_name("benchmark", name, BENCHMARKS)
        if list_:
            for name, kind in BENCHMARKS.items():
                click.echo(f"{name}: {kind.title}")
            return
        about = formats.circumstances(pairs=pairs, rows=rows)
        results = []
        for name in names or BENCHMARKS:
            results.append(run_benchmark(BENCHMARKS[name](), pairs=pairs, rows=rows))
            click.echo(formats.as_line(results[-1]), err=as_json or as_markdown)
        if as_json:
            click.echo(formats.as_json(results, about))
        elif as_markdown:
            click.echo(formats.as_markdown(results, about))
        else:
            click.echo("; ".join(f"{key}: {value}" for key, value in about.items()))

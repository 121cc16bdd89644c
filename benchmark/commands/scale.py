import click

from benchmark.basics import bounds
from benchmark.commands import options


@click.command()
@click.option("--gpus", default="1,8,64", show_default=True, help="How many, with commas.")
def scale(gpus: str) -> None:
    """Say what the paper's tables I to III, VII and VIII would take on so many GPUs.

    A simulation of all supernets, searches, stand-alone trainings and transfers, as tables
    in Markdown; docs/scale.md states what it assumes.
    """
    from benchmark.planning.rates import A100, DEVICES
    from benchmark.studies.scale import KINDS, rows, work

    counts = options.numbers("--gpus", gpus, bounds.GPUS)
    click.echo("| GPUs | days | GPUs busy | what more GPUs would meet |")
    click.echo("|---|---|---|---|")
    for device in DEVICES:
        for best, worst in rows(device, counts):
            days = f"{best.hours / 24:,.1f} to {worst.hours / 24:,.1f}"
            click.echo(f"| {best.gpus} × {device.name} | {days} | {best.busy:.0%} | {best.bound} |")
    click.echo(f"\n| hours on one {A100.name}, at best | {' | '.join(KINDS)} |")
    click.echo("|---" * (1 + len(KINDS)) + "|")
    for subject, hours in work(A100).items():
        cells = [f"{hours[kind]:,.1f}" if hours[kind] else "" for kind in KINDS]
        click.echo(f"| {subject} | {' | '.join(cells)} |")

import click

from benchmark.basics import bounds
from benchmark.commands import options


@click.command()
@click.option("--gpus", default="1,8,64", show_default=True, help="How many, with commas.")
def scale(gpus: str) -> None:
    """Say what the paper's tables I to III, VII and VIII would take at least on so many GPUs.

    All supernets, searches, stand-alone trainings and transfers, as tables in Markdown;
    docs/scale.md states what it assumes.
    """
    from benchmark.planning.rates import A100, DEVICES
    from benchmark.studies.scale import KINDS, demands, experiments, work

    counts = options.numbers("--gpus", gpus, bounds.GPUS)
    click.echo("| GPUs | days, at least | GPUs busy | what more GPUs would meet |")
    click.echo("|---|---|---|---|")
    for device in DEVICES:
        for demand in demands(device, counts, experiments()):
            days = " to ".join(f"{hours / 24:,.1f}" for hours in demand.hours)
            name = f"{demand.gpus} × {device.name}"
            click.echo(f"| {name} | {days} | {demand.busy:.0%} | {demand.bound} |")
    click.echo(f"\n| hours on one {A100.name}, at best | {' | '.join(KINDS)} |")
    click.echo("|---" * (1 + len(KINDS)) + "|")
    for subject, hours in work(A100, experiments().values()).items():
        cells = [f"{hours[kind]:,.1f}" if hours[kind] else "" for kind in KINDS]
        click.echo(f"| {subject} | {' | '.join(cells)} |")

from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@click.argument("evidence", type=click.Path(path_type=Path))
@options.settings("data", "supernet_seeds", "retain", "supernet_epochs", "confidence", "seed")
@options.cache
@options.worker_options
def trust(evidence: Path, cache: Path | None, worker_options: WorkerOptions, **values: Any) -> None:
    """Hold supernets against the stand-alone results in EVIDENCE, in both batch-norm modes."""
    from benchmark.commands.consoles import console_of

    settings = options.read_settings(None, values)
    console = console_of(stderr=True)
    with equipped(console, cache, worker_options) as (shared, workers, live):
        from benchmark.records.evidence import read_evidence
        from benchmark.studies.trust import ask_oracles

        known = read_evidence(evidence)
        oracles = ask_oracles(
            known, cache=shared, workers=workers, progress=live, **options.given_values(values)
        )
    from reports.pages.evidence import trust_sentences, trust_table
    from reports.tables.terminal import TerminalTable

    shown = console_of()
    for sentence in trust_sentences(known, oracles):
        shown.print(f"• {sentence}", highlight=False)
    shown.print(TerminalTable(trust_table(known, oracles, settings.confidence)))

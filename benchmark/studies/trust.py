"""The oracle's word against networks trained from scratch, in both batch-norm modes."""

from contextlib import suppress
from pathlib import Path

from benchmark.basics.errors import StoreError, UsageError
from benchmark.basics.numerical_state import numerical_state
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.run import OracleAnswers
from benchmark.storage.store import Store
from benchmark.studies.scoring import ask_in_both_modes
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from tasks.folders import names

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence"
"""Results that come with the source; an installed package has none."""
_SAME = {"backbone", "attention", "sharing", "standalone", "standalone_epochs"}
_FROM_EVIDENCE = {
    *("task", "task_options", "skip_broken", "data_seed"),
    *("backbone", "attention", "sharing"),
}


@numerical_state()
def ask_oracles(
    evidence: Evidence,
    *,
    cache: Store,
    workers: WorkerPool,
    progress: Progress | None = None,
    **settings: object,
) -> list[OracleAnswers]:
    """What the supernets say of the schemes that ``evidence`` is about.

    Args:
        evidence: stand-alone results; names the task and the network.
        cache: where supernets and answers are kept for all experiments.
        workers: processes.
        progress: shows what is running.
        **settings: of the supernets, as in `Settings` (``supernet_seeds``, ``retain``, …).

    Raises:
        UsageError: the task's data here are not those of the evidence.
    """
    shown = NoProgress() if progress is None else progress
    known = evidence.settings
    network = {name: known[name] for name in sorted(_FROM_EVIDENCE & known.keys())}
    bits = list(dict.fromkeys(record.bits for record in evidence.records))
    plan = Plan(Settings(**(settings | network)), cache=cache.path.parent)
    if plan.task.facts() != evidence.task:
        raise UsageError(
            f"the evidence is about data {evidence.task}, here they are {plan.task.facts()}"
        )
    return ask_in_both_modes(plan, bits, cache=cache, workers=workers, progress=shown)


def fitting_evidence(plan: Plan, folder: Path = EVIDENCE) -> tuple[str, Evidence] | None:
    """Stand-alone results in ``folder`` of the same data, network and recipe, with their name.

    Of several files the first by name; None where none fits. A file that can't be read fits
    nothing: the results of a run don't depend on it.
    """
    ours = plan.settings.model_dump(include=_SAME)
    for path in (folder / name for name in names(folder, ".json")):
        with suppress(UsageError, StoreError):
            found = read_evidence(path)
            # What a file of an older version doesn't name was as by default.
            known = {name: found.settings[name] for name in _SAME & found.settings.keys()}
            theirs = Settings(**known).model_dump(include=_SAME)
            if found.task == plan.task.facts() and theirs == ours:
                return path.name, found
    return None

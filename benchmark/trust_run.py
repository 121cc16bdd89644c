"""The oracle's word against networks trained from scratch, in both batch-norm modes."""

import numpy as np

from benchmark.errors import UsageError
from benchmark.evidence import Evidence
from benchmark.oracle.base import BATCH_NORM_MODES
from benchmark.plan import Plan
from benchmark.progress import Progress, Silent
from benchmark.schemes import bits_scheme
from benchmark.scoring import open_oracle, open_supernet
from benchmark.settings import Settings
from benchmark.store import Store
from benchmark.workers import Workers
from reports.evidence import OracleAnswers

_FROM_EVIDENCE = {
    *("task", "task_options", "skip_broken", "data_seed"),
    *("backbone", "attention", "sharing"),
}


def ask_oracles(
    evidence: Evidence,
    *,
    cache: Store,
    workers: Workers,
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
    shown = Silent() if progress is None else progress
    known = evidence.settings
    network = {name: known[name] for name in sorted(_FROM_EVIDENCE & known.keys())}
    bits = list(dict.fromkeys(record.bits for record in evidence.records))
    schemes = np.array([bits_scheme(text) for text in bits])
    answers = []
    for mode in BATCH_NORM_MODES:
        plan = Plan(
            Settings(**(settings | network | {"batch_norm": mode})), cache=cache.path.parent
        )
        if plan.task.facts() != evidence.task:
            raise UsageError(
                f"the evidence is about data {evidence.task}, here they are {plan.task.facts()}"
            )
        for seed in range(plan.settings.supernet_seeds):
            supernet = open_supernet(plan, seed, cache, shown)
            oracle = open_oracle(plan, supernet, cache, workers)
            with shown.stage(f"Asking it ({mode})", len(schemes), "schemes") as advance:
                accuracy = oracle.score(schemes).accuracy
                advance(len(schemes))
            answers.append(
                OracleAnswers(mode, seed, dict(zip(bits, accuracy.tolist(), strict=True)))
            )
    return answers

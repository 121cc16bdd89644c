"""Grad-CAM pictures of a finished run: its networks are trained again, from the same seed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmark.basics.errors import UsageError
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_rng
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.noise import CONFIDENCE
from benchmark.records.pictures import png
from benchmark.records.rules import Rule
from benchmark.records.run import CamRecord, RunRecords
from benchmark.records.schemes import parse_scheme, scheme_bits
from benchmark.records.settings import REPEATED
from benchmark.standalone.training import Training
from benchmark.storage.folder import read_records
from benchmark.storage.store import Store
from benchmark.studies.gradcam import as_picture, grad_cam, scaled, tiles
from benchmark.training import train
from benchmark.training.evaluation import evaluate_task
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.numbers.outcomes import scheme_outcomes
from reports.pages.report import Report
from tasks.registry import load_task


@dataclass(frozen=True)
class CamJob:
    """One network to be trained again and looked through; picklable.

    Attributes:
        training: the run's.
        bits: its scheme.
        seed: its stand-alone seed.
        rows: of the test split.
        stage: behind whose last block maps are taken, counted from 0.
    """

    training: Training
    bits: str
    seed: int
    rows: tuple[int, ...]
    stage: int


@numerical_state()
def look(job: CamJob) -> list[CamRecord]:
    """Train the network of ``job`` and map each of its images for its target."""
    task = load_task(job.training.task)
    network = job.training.initial_network(job.bits, job.seed).to(job.training.device)
    rng = child_rng(job.training.root_seed, "standalone", job.seed, "draws")
    train(network, task, job.training.recipe, rng=rng)
    test = task.test().to(job.training.device)
    accuracy = evaluate_task(network, task, test).score.accuracy
    parts = list(test.head(max(job.rows) + 1).batches(500))
    chosen = list(job.rows)
    images = torch.cat([part for part, _ in parts])[chosen]
    targets = torch.cat([part for _, part in parts])[chosen]
    heat, probabilities = grad_cam(network, images, targets, stage=job.stage)
    maps = scaled(heat.cpu())
    return [
        CamRecord(
            bits=job.bits,
            seed=job.seed,
            row=row,
            stage=job.stage + 1,
            target=int(targets[number]),
            score=float(probabilities[number, targets[number]]),
            predicted=int(probabilities[number].argmax()),
            test_accuracy=accuracy,
            picture=png(as_picture(images[number].cpu())),
            tiles=tiles(images.shape[1]),
            heat=maps[number].round(4).tolist(),
        )
        for number, row in enumerate(chosen)
    ]


@numerical_state()
def make_cams(
    records: RunRecords,
    rows: Sequence[int],
    *,
    settings: Settings,
    workers: WorkerPool,
    stage: int | None = None,
    schemes: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[CamRecord]:
    """Grad-CAM of Original, Full-SA and a found scheme (or of ``schemes``) on test images.

    The found scheme is the run's ticket, or else its candidate, of the highest stand-alone
    validation accuracy. All are trained again with the run's first stand-alone seed.

    Args:
        records: of a run with trained candidates.
        rows: of the test split.
        settings: the run's, with the place of its data.
        workers: processes.
        stage: counted from 1; default the last.
        schemes: bits, ``full`` or ``none`` instead.
        progress: shows what is running.

    Raises:
        UsageError: nothing was trained, other data, or rows and stages that aren't there.
    """
    plan = Plan(settings)
    if plan.network.head is not None:
        raise UsageError(
            f"Grad-CAM shows the evidence for an image's class, and images of task "
            f"{plan.task.name} have none as a whole"
        )
    if plan.task.facts() != records.facts:
        raise UsageError(
            f"the run is about data {records.facts}, here they are {plan.task.facts()}"
        )
    stages, size = len(records.blocks_per_stage), len(plan.task.test())
    chosen = stages if stage is None else stage
    if not 1 <= chosen <= stages:
        raise UsageError(f"stage: expected 1 to {stages}, received {stage}")
    if not rows or not all(0 <= row < size for row in rows):
        raise UsageError(
            f"images: expected rows 0 to {size - 1} of the test split, received {rows}"
        )
    if not records.standalone:
        raise UsageError("nothing has been trained from scratch in this run yet: let it finish")
    wanted = [scheme_bits(parse_scheme(text, records.blocks_per_stage)) for text in schemes]
    seed = min(record.seed for record in records.standalone)
    jobs = [
        CamJob(plan.training, bits, seed, tuple(rows), chosen - 1)
        for bits in wanted or [plan.original, plan.full, *found_scheme(records)]
    ]
    pool = workers.on(settings.device, "training")
    shown = NoProgress() if progress is None else progress
    made: dict[int, list[CamRecord]] = {}
    with shown.stage("Training networks to look through", len(jobs), "networks") as advance:
        for index, cams in pool.map(look, jobs):
            made[index] = cams
            advance(1)
    return [cam for index in range(len(jobs)) for cam in made[index]]


def found_scheme(records: RunRecords) -> list[str]:
    """The ticket, or else the candidate, of the highest mean stand-alone validation accuracy.

    Schemes of which every training diverged are left out.
    """
    proposed = {bits for found in records.candidates.values() for bits in found}
    confidence = float(records.settings.get("confidence", CONFIDENCE))
    known = [
        item
        for item in scheme_outcomes(records, confidence, Rule.of(records.settings))
        if item.bits in proposed and not item.name and not item.all_diverged
    ]
    known.sort(key=lambda item: (item.verdict.word != "ticket", -item.validation, item.bits))
    return [item.bits for item in known[:1]]


@numerical_state()
def add_cams(
    store: Store,
    rows: Sequence[int],
    *,
    data: Path | None,
    workers: WorkerPool,
    stage: int | None = None,
    schemes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Put Grad-CAM pictures into a run's store, instead of earlier ones; see `make_cams`."""
    records = read_records(store)
    if not records.kind.trains:
        raise UsageError(
            f"{records.kind.searched} and no network trained: there is nothing to look at"
        )
    # A run's strategies may be files: whoever looks at its networks doesn't run those.
    known = {name: records.settings[name] for name in REPEATED & records.settings.keys()}
    cams = make_cams(
        records,
        rows,
        settings=Settings(**known, data=data),
        workers=workers,
        stage=stage,
        schemes=schemes,
        progress=progress,
    )
    store.set_fact("gradcam", [asdict(cam) for cam in cams])
    return Report(read_records(store))

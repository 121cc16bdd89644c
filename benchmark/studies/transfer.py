"""A scheme carried to another task, with its weights.

"The Lottery Ticket Hypothesis for Self-attention in CNN" does so for crowd counting and
segmentation (Tables VII and VIII).

Original, Full-SA, Full-Share and the ticket are trained on the source task, one network a
seed; from those weights each is trained on the target task with the same seed, so that all
are paired. Every network is in the cache before the next begins: the same call after a stop
goes on where it stopped, and repeats nothing that was finished.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.attention import attention_class
from benchmark.networks.connect import SHARINGS, Sharing
from benchmark.planning.plan import Plan, full_sharings
from benchmark.planning.settings import Settings
from benchmark.records.run import FigureKind, StandaloneRecord
from benchmark.records.schemes import parse_scheme, scheme_bits
from benchmark.records.transfer import TICKET, Carried, CarriedResult, TransferRecords
from benchmark.standalone.costs import measure_costs
from benchmark.standalone.kept_networks import FOLDER
from benchmark.standalone.training import Start, Training, train_all
from benchmark.storage.folder import Description, RunFolder
from benchmark.storage.store import Store
from benchmark.studies.source import Source
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from tasks.base import Task


@numerical_state()
def transfer(
    source: Source,
    settings: Settings,
    *,
    out: Path | None = None,
    cache: Store,
    workers: WorkerPool,
    source_data: Path | None = None,
    schemes: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> TransferRecords:
    """Carry the scheme of ``source`` to the task of ``settings``, or go on where it stopped.

    Args:
        source: scheme and experiment.
        settings: of the target: task, recipe, stand-alone seeds; the backbone, the attention
            module and the sharing are the source's.
        out: folder of the transfer; default: `default_folder`.
        cache: where stand-alone results are kept for all experiments; networks beside it.
        workers: processes.
        source_data: where the files of the source task are.
        schemes: further ones to carry, with the source's sharing: bits, ``full`` or ``none``.
        command: what gives these results, for the report.
        progress: shows what is running.

    Raises:
        UsageError: the target uses another backbone than the source's or more stages; or the
            folder belongs to another transfer.
        DataError: files of a task are missing or damaged.
    """
    plan = _Transfer(source, settings, schemes, cache=cache, source_data=source_data)
    shown = NoProgress() if progress is None else progress
    description = plan.description(workers, command)
    place = out or default_folder(source.path, settings.task, description.experiment)
    with RunFolder(place, holds="transfer").claim(description) as store:
        plan.run(store, cache, workers, shown)
        return plan.records(store)


def default_folder(source: Path, task: str, experiment: str) -> Path:
    """Where a transfer of ``source`` to ``task`` lies; another experiment lies elsewhere."""
    return Path("runs") / f"transfer-{source.stem}-{task}-{experiment[:8]}"


class _Transfer:
    """The networks of a transfer, and what trains and measures them."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        schemes: Sequence[str],
        *,
        cache: Store,
        source_data: Path | None,
    ) -> None:
        beside = cache.path.parent
        given = source.settings | {"data": source_data, "smoke": settings.smoke}
        # Seeds are shared, so that a network goes on with the weights of its own seed.
        given |= {"standalone_seeds": settings.standalone_seeds, "device": settings.device}
        self._source = Plan(Settings(**given), cache=beside)
        same = {
            "backbone": self._source.backbone,
            "attention": self._source.settings.attention,
            "sharing": self._source.settings.sharing,
            "seed": self._source.settings.seed,
        }
        self._target = Plan(
            Settings(**(settings.model_dump() | same | {"data": settings.data})), cache=beside
        )
        self._networks = beside / FOLDER
        self._seeds = range(settings.standalone_seeds)
        self.carried = list(self._carried(source.scheme, schemes))

    def _carried(self, ticket: str, schemes: Sequence[str]) -> Iterator[Carried]:
        plan = self._source
        own, stages = plan.network.sharing, plan.space.blocks_per_stage
        named: list[tuple[str, Sharing, str]] = [("Original", own, plan.original)]
        named += [
            ("Full-SA" if sharing == "full" else "Full-Share", sharing, plan.full)
            for sharing in full_sharings(plan.network)
        ]
        more = [scheme_bits(parse_scheme(text, stages)) for text in schemes]
        named += [(TICKET, own, ticket), *(("", own, bits) for bits in more)]
        blocks = self._target.blocks
        known: set[str] = set()
        for name, sharing, bits in named:
            network = Carried(name, sharing, bits, bits[:blocks])
            # A ticket may be one of the three; it keeps its row. Others come once.
            if name or network.key not in known:
                known.add(network.key)
                yield network

    def source_training(self, sharing: Sharing) -> Training:
        """What networks are trained by on the source task."""
        return _sharing(self._source.training, sharing)

    def target_training(self, sharing: Sharing) -> Training:
        """What they are trained by on the target task, from the weights they have then."""
        start = Start(self.source_training(sharing), str(self._networks))
        return replace(_sharing(self._target.training, sharing), start=start)

    def description(self, workers: WorkerPool, command: str) -> Description:
        """What is known before anything runs."""
        target = self._target
        environment = target.environment(workers, command)
        trainings = {
            item.sharing: self.target_training(item.sharing).identity(target.task)
            for item in self.carried
        }
        return Description(
            experiment=content_hash(
                trainings=trainings,
                carried=[asdict(item) for item in self.carried],
                seeds=len(self._seeds),
                confidence=target.settings.confidence,
                smoke=target.settings.smoke,
            ),
            settings=target.settings.model_dump(mode="json"),
            facts=target.task.facts(),
            environment=environment,
            blocks_per_stage=list(self._source.space.blocks_per_stage),
            lanes=[],
            training="",
            machine=f"{environment['processor']}, torch {environment['torch']}",
        )

    def run(self, store: Store, cache: Store, workers: WorkerPool, progress: Progress) -> None:
        """Train on the source task, then on the target task, then measure costs."""
        if store.fact("finished", default=False):
            return
        for task, make, keep in (
            (self._source.task, self.source_training, self._networks),
            (self._target.task, self.target_training, None),
        ):
            total = len({item.key for item in self.carried}) * len(self._seeds)
            with progress.stage(f"Training on {task.name}", total, "networks") as advance:
                for sharing, schemes in self._by_sharing():
                    training = make(sharing)
                    identity = training.identity(task)
                    with closing(
                        train_all(
                            training,
                            schemes,
                            self._seeds,
                            identity=identity,
                            cache=cache,
                            workers=workers,
                            keep=keep,
                            skip=[] if keep is not None else self._failed(store, sharing),
                        )
                    ) as records:
                        for record in records:
                            store.add_standalone(identity, record)
                            advance(1)
        self._measure(store, progress)
        store.set_fact("finished", value=True)

    def _by_sharing(self) -> list[tuple[Sharing, list[str]]]:
        return [
            (sharing, list(dict.fromkeys(n.bits for n in self.carried if n.sharing == sharing)))
            for sharing in SHARINGS
            if any(item.sharing == sharing for item in self.carried)
        ]

    def _failed(self, store: Store, sharing: Sharing) -> list[tuple[str, int]]:
        """Schemes and seeds whose source training left no weights."""
        found = store.standalone(self.source_training(sharing).identity(self._source.task))
        return [cell for cell, record in found.items() if record.failure]

    def _measure(self, store: Store, progress: Progress) -> None:
        plan = self._target
        missing = {
            (item.sharing, item.used)
            for item in self.carried
            if item.used not in store.costs(self._machine(store, item.sharing))
        }
        with progress.stage("Measuring costs", len(missing), "networks") as advance:
            for sharing, bits in sorted(missing):
                cost = measure_costs(
                    replace(plan.network, sharing=sharing),
                    bits,
                    plan.task.image_shape,
                    device=plan.settings.device,
                    confidence=plan.settings.confidence,
                    **plan.timing(),
                )
                store.add_cost(self._machine(store, sharing), cost)
                advance(1)

    def _machine(self, store: Store, sharing: Sharing) -> str:
        return f"{store.fact('description')['machine']}, {sharing}"

    def records(self, store: Store) -> TransferRecords:
        """Networks and costs that the transfer's store holds so far."""
        known = store.fact("description")
        return TransferRecords(
            experiment=known["experiment"],
            settings=known["settings"],
            attention=attention_class(self._source.settings.attention).__name__,
            blocks_per_stage=self._source.space.blocks_per_stage,
            source=self._source.task.facts(),
            target=self._target.task.facts(),
            figures=self._target.figures or (FigureKind("accuracy", "%"),),
            environment=known["environment"],
            results=tuple(self._result(store, item) for item in self.carried),
        )

    def _result(self, store: Store, item: Carried) -> CarriedResult:
        def trained(training: Training, task: Task) -> tuple[StandaloneRecord, ...]:
            found = store.standalone(training.identity(task))
            wanted = ((item.bits, seed) for seed in self._seeds)
            return tuple(found[cell] for cell in wanted if cell in found)

        return CarriedResult(
            item,
            source=trained(self.source_training(item.sharing), self._source.task),
            target=trained(self.target_training(item.sharing), self._target.task),
            cost=store.costs(self._machine(store, item.sharing)).get(item.used),
        )


def _sharing(training: Training, sharing: Sharing) -> Training:
    return replace(training, network=replace(training.network, sharing=sharing))

"""A run's folder: one store with everything a report is made from, and the reports."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from benchmark.basics.errors import BenchmarkError, OtherExperimentError, StoreError, UsageError
from benchmark.basics.files import made_folder, replacing
from benchmark.records.run import (
    CamRecord,
    FigureKind,
    LaneKey,
    OracleAnswers,
    OracleRecord,
    RunRecords,
    StandaloneRecord,
)
from benchmark.records.schemes import bits_scheme
from benchmark.storage.calls import answer_arrays
from benchmark.storage.store import Store

OBJECTIVE_FACTS = "objective"
"""Under which fact a store keeps what `Objective.needs`."""
LOCK = "run.lock"
"""Held by the process that is at work in a folder."""


@dataclass(frozen=True)
class Description:
    """What is known of a run before it starts.

    Attributes:
        experiment: identity of the settings.
        settings: by name.
        facts: of the task's splits.
        environment: versions, machine, command.
        blocks_per_stage: shape of a scheme.
        lanes: keys in display order.
        training: identity of the stand-alone trainings.
        machine: where latencies are measured.
        figures: in which the task's field reports; none where that is accuracy.
    """

    experiment: str
    settings: dict[str, Any]
    facts: dict[str, Any]
    environment: dict[str, Any]
    blocks_per_stage: list[int]
    lanes: list[LaneKey]
    training: str
    machine: str
    figures: tuple[FigureKind, ...] = ()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have ``folder`` for this process alone.

    Raises:
        UsageError: another process is at work in it.
    """
    lock = folder / LOCK
    if lock.is_symlink():  # what it leads to would be emptied
        raise UsageError(f"{lock} is a link; delete it")
    try:
        held = FileLock(lock).acquire(timeout=0)
    except Timeout as error:
        raise UsageError(f"another process is running in {folder}") from error
    with held:
        yield


class RunFolder:
    """The folder of one experiment.

    Args:
        path: the folder; made by `claim`.
        holds: what it is the folder of, which is also its store's name.
    """

    def __init__(self, path: Path, *, holds: str = "run") -> None:
        self.path = path
        self._holds = holds
        self._store = f"{holds}.sqlite"

    def check(self, experiment: str) -> None:
        """Look whether `claim` would succeed; writes nothing.

        Raises:
            OtherExperimentError: the folder belongs to another experiment or to somebody else.
        """
        if self.path.is_file():
            raise OtherExperimentError(f"{self.path} is a file; choose a folder with --out")
        if (self.path / self._store).exists():
            owner = self._owner()
            if owner is not None and owner != experiment:
                raise OtherExperimentError(
                    f"{self.path} holds experiment {owner}, this is {experiment} (other settings, "
                    "data or code, or scored by other kernels); choose another folder with --out"
                )
        elif self.path.exists() and {path.name for path in self.path.iterdir()} - {LOCK}:
            raise OtherExperimentError(
                f"{self.path} is not empty and holds no {self._holds}; "
                "choose another folder with --out"
            )

    @contextmanager
    def claim(self, description: Description) -> Iterator[Store]:
        """Open the folder's store for this experiment, making both where they are missing.

        The folder is this process's alone until the context is left.

        Raises:
            OtherExperimentError: see `check`; or the run was begun on another machine.
            UsageError: another process is at work in the folder.
        """
        self.check(description.experiment)
        made_folder(self.path, option="--out")
        with alone_in(self.path), closing(Store(self.path / self._store)) as store:
            known = store.fact("description")
            if known is None:
                store.set_fact("description", asdict(description))
            elif known["machine"] != description.machine:
                raise OtherExperimentError(
                    f"{self.path} was begun on {known['machine']}, this is {description.machine}: "
                    "latencies must come from one machine, so choose another folder with --out"
                )
            yield store

    @contextmanager
    def change(self) -> Iterator[Store]:
        """Open the store of an existing run to add to it, alone.

        Raises:
            UsageError: there is none, or another process is at work in the folder.
        """
        store = self._existing()
        with alone_in(self.path), closing(Store(store)) as opened:
            yield opened

    def keep_names(self, file: str, names: Sequence[str]) -> None:
        """Write ``names`` beside the store, one a line, where there are any."""
        if names:
            text = "\n".join(names) + "\n"
            with replacing(self.path / file) as draft:
                draft.write_text(text, encoding="utf-8", errors="surrogateescape")

    def open(self) -> Store:
        """Open the store of an existing run.

        Raises:
            UsageError: there is none.
        """
        return Store(self._existing())

    def view(self) -> Store:
        """Look at the store of an existing run, which others may be writing.

        Raises:
            UsageError: there is none.
        """
        return Store(self._existing(), read_only=True)

    def _existing(self) -> Path:
        if not (self.path / self._store).is_file():
            raise UsageError(f"{self.path} holds no {self._holds} ({self._store} is missing)")
        return self.path / self._store

    def _owner(self) -> str | None:
        store = self.view()
        try:
            description = store.fact("description")
            return None if description is None else str(description["experiment"])
        finally:
            store.close()


def view_records(folder: Path) -> RunRecords:
    """Everything that the run in ``folder`` has left so far, whoever may be writing to it.

    Raises:
        UsageError: it holds no run, or one that never got as far as describing itself.
    """
    with closing(RunFolder(folder).view()) as store:
        return read_records(store)


def read_records(store: Store) -> RunRecords:
    """Everything that a run has left so far.

    Raises:
        UsageError: the run never got as far as describing itself.
        StoreError: what it left isn't what a run leaves.
    """
    known = store.fact("description")
    if known is None:
        raise UsageError(f"{store.path} holds no run yet; start it again")
    with intact(store.path):
        return _records(store, known)


_FORGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What comes of facts that have another form."""


@contextmanager
def intact(store: Path) -> Iterator[None]:
    """What is read inside is what a run leaves.

    Raises:
        StoreError: it has another form.
    """
    try:
        yield
    except BenchmarkError:
        raise
    except _FORGED as error:
        raise StoreError(f"{store} is damaged ({error!r}); start over in another folder") from error


def _records(store: Store, known: dict[str, Any]) -> RunRecords:
    lanes = [LaneKey(**key) for key in known["lanes"]]
    blocks = sum(known["blocks_per_stage"])
    oracles = [
        _oracle(store, known["blocks_per_stage"], values) for values in store.fact("oracles", [])
    ]
    return RunRecords(
        experiment=known["experiment"],
        settings=known["settings"],
        facts=known["facts"],
        environment=known["environment"],
        blocks_per_stage=tuple(known["blocks_per_stage"]),
        lanes=[store.lane_record(key, blocks) for key in lanes],
        oracles=oracles,
        standalone=list(store.standalone(known["training"]).values()),
        costs=list(store.costs(known["machine"]).values()),
        candidates={LaneKey(**key): schemes for key, schemes in store.fact("candidates", [])},
        finished=store.fact("finished", default=False),
        answers=[OracleAnswers(**values) for values in store.fact("answers", [])],
        outside=[StandaloneRecord(**values) for values in store.fact("outside", [])],
        outside_source=store.fact("outside source", ""),
        cams=[CamRecord(**values) for values in store.fact("gradcam", [])],
        figures=tuple(FigureKind(**values) for values in known.get("figures", [])),
        objective_facts=store.fact(OBJECTIVE_FACTS, {}),
    )


def _oracle(store: Store, blocks_per_stage: list[int], values: dict[str, Any]) -> OracleRecord:
    answers = store.answers(values["identity"])
    accuracy, _ = answer_arrays(list(answers.values()))
    schemes = np.array([bits_scheme(bits) for bits in answers], dtype=bool)
    return OracleRecord(
        **values,
        schemes=schemes.reshape(-1, sum(blocks_per_stage)),
        accuracy=accuracy,
    )

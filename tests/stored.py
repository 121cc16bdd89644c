"""Made-up runs as folders, as the benchmark itself leaves them."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from benchmark.records.run import RunRecords
from benchmark.records.schemes import scheme_bits
from benchmark.storage.calls import Call, bits_of
from benchmark.storage.store import Store


def store_run(records: RunRecords, folder: Path) -> Path:
    """Write ``records`` as a run in ``folder``; full answers only, one a request."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Store(folder / "run.sqlite")) as store, store.transaction():
        store.set_fact(
            "description",
            {
                "experiment": records.experiment,
                "settings": records.settings,
                "facts": records.facts,
                "environment": records.environment,
                "blocks_per_stage": list(records.blocks_per_stage),
                "lanes": [asdict(lane.key) for lane in records.lanes],
                "training": "training",
                "machine": "machine",
            },
        )
        _add_lanes(store, records)
        _add_oracles(store, records)
        for record in records.standalone:
            store.add_standalone("training", record)
        for cost in records.costs:
            store.add_cost("machine", cost)
        if records.candidates:
            store.set_fact(
                "candidates", [(asdict(key), bits) for key, bits in records.candidates.items()]
            )
        store.set_fact("finished", records.finished)
    return folder


def _add_lanes(store: Store, records: RunRecords) -> None:
    for lane in records.lanes:
        number = store.lane(lane.key)
        answers = zip(lane.accuracy.tolist(), lane.loss.tolist(), strict=True)
        for call, (scheme, answer) in enumerate(zip(lane.schemes, answers, strict=True)):
            store.add_call(number, call, Call([scheme_bits(scheme)], [answer]))
        if lane.state != "running":
            store.end_lane(number, lane.state, lane.message)


def _add_oracles(store: Store, records: RunRecords) -> None:
    known = []
    for oracle in records.oracles:
        values = asdict(oracle)
        del values["schemes"], values["accuracy"]
        known.append(values)
        answers = [(accuracy, 1 - accuracy) for accuracy in oracle.accuracy.tolist()]
        store.add_answers(oracle.identity, bits_of(oracle.schemes), answers, seconds=0.01)
    store.set_fact("oracles", known)

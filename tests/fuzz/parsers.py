"""Every parser of files and texts that come from elsewhere: those of data sets, and of our own."""

import json
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from benchmark.basics.identity import content_hash
from benchmark.basics.sizes import parse_size
from benchmark.oracle.answers_file import read_table
from benchmark.planning.settings import Settings
from benchmark.plugins.overrides import read_overrides
from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.pictures import decoded as picture
from benchmark.records.pictures import png
from benchmark.records.rules import RULES, Rule
from benchmark.records.schemes import parse_scheme
from benchmark.records.ticket import Ticket, read_ticket
from benchmark.records.ticket_check import self_check
from benchmark.standalone.kept_networks import read_weights
from benchmark.storage.folder import read_records
from benchmark.storage.store import Store
from benchmark.studies.chosen_schemes import listed_schemes
from benchmark.studies.ticket_rule import judged_by
from benchmark.supernet.file import SupernetFacts, read_supernet, weights_hash
from benchmark.training import Checkpoint
from benchmark.training.metrics import metrics
from benchmark.training.state import TrainingState
from benchmark.training.watch import Figures
from benchmark.watching.snapshots import look, may_start
from tests.benchmark.sample_tickets import REACHED, TICKET
from tests.benchmark.tables import closed_form_table
from tests.fuzz.data_sets import DATA_SETS
from tests.fuzz.parser import EXPECTED, Parser, Place, literal, of_file, of_text, written


def _ticket(content: bytes, place: Place) -> object:
    # The checksum is no secret: whoever forges a ticket forges that too.
    with suppress(ValueError, RecursionError):
        values = json.loads(content)
        if isinstance(values, dict):
            values.pop("checksum", None)
            content = json.dumps(values | {"checksum": content_hash(**values)}).encode()
    ticket = of_file(read_ticket)(content, place)
    assert isinstance(ticket, Ticket)
    for rule in map(Rule.read, RULES):
        judged_by(ticket, rule)
    return self_check(ticket)


def _supernet(content: bytes, place: Place) -> object:
    weights = {"a": torch.zeros(2)}
    with suppress(ValueError, RecursionError):
        values = json.loads(content)
        if isinstance(values, dict):
            content = json.dumps(values | {"weights": weights_hash(weights)}).encode()
    with suppress(UnicodeDecodeError):
        content = save(weights, {"supernet": content.decode()})
    return of_file(read_supernet)(content, place)


def _checkpoint(content: bytes, place: Place) -> object:
    path = place / "file"
    path.write_bytes(content)
    return Checkpoint(path, "tried").restore(training_state())


def training_state() -> TrainingState:
    """Of a small network before its first step."""
    network = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    return TrainingState(
        network=network,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.StepLR(optimizer, 1),
        scaler=torch.amp.GradScaler(enabled=False),
        generators={"draws": np.random.default_rng(0)},
    )


def _store(path: Path) -> object:
    with closing(Store(path)) as store:
        return read_records(store)


def _description(content: bytes, place: Place) -> object:
    """A whole store whose facts are forged."""
    path = place / "run.sqlite"
    path.unlink(missing_ok=True)
    with closing(Store(path)) as store:
        try:
            facts = json.loads(content)
        except (ValueError, RecursionError):
            return None
        for name, value in facts.items() if isinstance(facts, dict) else ():
            with suppress(UnicodeEncodeError):
                store.set_fact(name, value)
        return read_records(store)


def _watched(content: bytes, place: Place) -> object:
    """A whole store whose facts are forged, looked at while it is at work."""
    with suppress(*EXPECTED):
        _description(content, place)
    return may_start(place), look(place)


def _network(content: bytes, place: Place) -> object:
    """Weights under a header that is forged."""
    with suppress(UnicodeDecodeError):
        content = save({"a": torch.zeros(2)}, {"seconds": content.decode()})
    return of_file(read_weights)(content, place)


def _curves(content: bytes, place: Place) -> None:
    (place / "metrics.csv").write_bytes(content)
    with metrics(place) as watch:
        watch.resumed(1, 10)


def _supernet_seeds(_: Place) -> list[bytes]:
    facts = SupernetFacts({"seed": 0}, {"task": "x"}, "c0de", "2.15", 2, "", 1.5)
    return [json.dumps(asdict(facts) | {"format": 1}).encode()]


def _safetensors_seeds(_: Place) -> list[bytes]:
    header = {"supernet": _supernet_seeds(Path())[0].decode()}
    return [save({"a": torch.zeros(2)}, header), save({}, None)]


def _checkpoint_seeds(place: Place) -> list[bytes]:
    Checkpoint(place / "seed", "tried").save(training_state())
    return [(place / "seed").read_bytes()]


def _curve_seeds(place: Place) -> list[bytes]:
    with metrics(place) as watch:
        watch.epoch(Figures(1, 2, 10, 0.5, 0.1, 99.0, 1.5))
    return [(place / "metrics.csv").read_bytes()]


def _png_seeds(_: Place) -> list[bytes]:
    return [png(np.zeros((2, 2, 3), dtype=np.uint8)).encode()]


def _store_seeds(place: Place) -> list[bytes]:
    path = place / "seed.sqlite"
    with closing(Store(path)) as store:
        for name, value in json.loads(_description_seeds(Path())[0]).items():
            store.set_fact(name, value)
    return [path.read_bytes()]


def _description_seeds(_: Place) -> list[bytes]:
    lane = {"strategy": "ga", "strategy_seed": 0, "supernet_seed": 0}
    description = {
        "experiment": "x",
        "settings": {"task": "digits", "objective_weight": 0.02},
        "facts": {},
        "environment": {},
        "blocks_per_stage": [1, 1],
        "lanes": [lane],
        "training": "y",
        "machine": "z",
    }
    facts = {"description": description, "oracles": [], "candidates": [[lane, ["01"]]]}
    return [json.dumps(facts).encode()]


_EVIDENCE = Evidence("t", {"task": "digits"}, (2, 2), {"task": "x"}, {"code": "y"}, tuple(REACHED))


PARSERS = (
    *DATA_SETS,
    Parser("pictures in stores", of_text(picture), _png_seeds),
    Parser("tables", of_file(read_table), written(lambda path: closed_form_table().write(path))),
    Parser("stand-alone results", of_file(read_evidence), written(_EVIDENCE.write)),
    Parser("tickets", _ticket, written(TICKET.write)),
    Parser("supernets: description", _supernet, _supernet_seeds),
    Parser("supernets: file", of_file(read_supernet), _safetensors_seeds),
    Parser("checkpoints", _checkpoint, _checkpoint_seeds),
    Parser("stores", of_file(_store, "run.sqlite"), _store_seeds),
    Parser("stores: facts", _description, _description_seeds),
    Parser("stores: watched", _watched, _description_seeds),
    Parser("networks: file", of_file(read_weights), _safetensors_seeds),
    Parser("networks: header", _network, literal("1.5")),
    Parser("curves of trainings", _curves, _curve_seeds),
    Parser(
        "settings",
        of_file(Settings.from_toml),
        literal(
            'strategies = ["ga"]\nbudget = 5\n[set.ga]\npopulation = 8\n[supernet]\nepochs = 3',
            'recipe = "paper-resnet38-se"\nsmoke = true\ntask_options = { a = "b" }\n',
        ),
    ),
    Parser("lists of schemes", of_file(listed_schemes), literal("full # all\n1|0\n")),
    Parser(
        "schemes",
        of_text(lambda text: parse_scheme(text, (3, 4, 6, 3))),
        literal("(7,15,63,7)", "111|1111|000000|101", "full", "7,0,63,7"),
    ),
    Parser(
        "hyper-parameters",
        of_text(lambda text: read_overrides(tuple(text.split("\n")))),
        literal("ean.clip=0.2\nga.population=5"),
    ),
    Parser("sizes", of_text(parse_size), literal("2GiB", "512 MiB", "0.5KiB")),
)
"""One for each kind of file and text."""

"""Every parser of files and texts that come from elsewhere, as a function of bytes.

Each raises nothing but the errors that say what is wrong with a file: whatever else
comes out of one, a hang or more memory than a file of that size deserves is a finding.
"""

import json
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from benchmark.errors import BenchmarkError
from benchmark.explaining.png import decoded as picture
from benchmark.explaining.png import png
from benchmark.identity import content_hash
from benchmark.landscapes.race_journal import RaceJournal
from benchmark.landscapes.table import read_table
from benchmark.oracle.supernet_file import SupernetFacts, read_supernet, weights_hash
from benchmark.plugins.overrides import read_overrides
from benchmark.schemes import parse_scheme
from benchmark.settings import Settings
from benchmark.sizes import parse_size
from benchmark.standalone.chosen_schemes import listed_schemes
from benchmark.standalone.evidence import Evidence, read_evidence
from benchmark.standalone.kept_networks import read_weights
from benchmark.store.folder import read_records
from benchmark.store.records import RaceRecord, Rule
from benchmark.store.store import Store
from benchmark.tickets.check import self_check
from benchmark.tickets.rule import judged_by
from benchmark.tickets.ticket import Ticket, read_ticket
from benchmark.training import Checkpoint
from benchmark.training.metrics import metrics
from benchmark.training.state import TrainingState
from benchmark.training.watch import Figures
from benchmark.watching.watching import look, may_start
from strategies.base import StrategyError
from tasks.cifar_files import CifarFiles
from tasks.crowd.annotations import read_points
from tasks.crowd.writing import annotation_bytes
from tasks.decoding import decoded
from tasks.errors import DataError
from tasks.imagenet.index import Images, Index, cached_index
from tasks.imagenet.labels import labelled
from tasks.imagenet.layouts import recognised
from tasks.voc.masks import encoded, read_mask
from tasks.voc.reading import unreadable
from tasks.voc.sbd import read_sbd
from tasks.voc.tree import Scenes
from tasks.voc.tree import recognised as voc_tree_in
from tasks.voc.writing import sbd_file
from tests.benchmark.sample_tickets import REACHED, TICKET
from tests.benchmark.tables import closed_form_table
from tests.tasks.trees import cifar_content, devkit_files, jpeg, tar_of, write_pickle

EXPECTED = (BenchmarkError, DataError, StrategyError, sqlite3.Error)
"""What a parser may say of a file: all of them are one line on the command line."""

Place = Path
"""An empty folder that a parser may write to."""


@dataclass(frozen=True)
class Parser:
    """A parser and what it is tried on first.

    Attributes:
        name: of the kind of file.
        parse: reads bytes, in a folder of its own.
        seeds: makes small files that it reads well.
    """

    name: str
    parse: Callable[[bytes, Place], object]
    seeds: Callable[[Place], list[bytes]]

    def __call__(self, content: bytes, place: Place) -> None:
        """Read ``content``; errors that tell what is wrong with it are fine."""
        with suppress(*EXPECTED):
            self.parse(content, place)


def _file(read: Callable[[Path], object], name: str = "file") -> Callable[[bytes, Place], object]:
    def parse(content: bytes, place: Place) -> object:
        path = place / name
        path.write_bytes(content)
        return read(path)

    return parse


def _text(read: Callable[[str], object]) -> Callable[[bytes, Place], object]:
    return lambda content, _: read(content.decode("utf-8", "replace"))


def _cifar(name: str) -> Callable[[bytes, Place], object]:
    def parse(content: bytes, place: Place) -> object:
        folder = place / "cifar-100-python"
        folder.mkdir(exist_ok=True)
        for file in ("train", "test", "meta"):
            (folder / file).write_bytes(content if file == name else b"")
        files = CifarFiles(place)
        return files.names() if name == "meta" else files.images(name)

    return parse


def _train_tar(content: bytes, place: Place) -> object:
    (place / "ILSVRC2012_img_train.tar").write_bytes(content)
    (place / "val").mkdir(exist_ok=True)
    for name in ("a", "b"):
        (place / "val" / name).mkdir(exist_ok=True)
        (place / "val" / name / "x.jpeg").write_bytes(b"")
    index = recognised(place).index()
    return [index.training.read(place, row) for row in range(min(len(index.training), 3))]


def _labels(name: str) -> Callable[[bytes, Place], object]:
    def parse(content: bytes, place: Place) -> object:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return labelled(place, ["a", "b"])

    return parse


def _devkit(content: bytes, place: Place) -> object:
    data = place / "ILSVRC2012_devkit_t12" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "meta.mat").write_bytes(content)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n")
    return labelled(place, ["a", "b"])


def small_index() -> Index:
    """A small index."""
    rows = torch.zeros(2, dtype=torch.int64).numpy()
    images = Images(["a/x.jpeg", "b/y.jpeg"], ["a/x.jpeg", "b/y.jpeg"], rows, rows, rows)
    return Index("folders", ["a", "b"], images, images, [])


def _index(content: bytes, place: Place) -> object:
    cached_index(small_index, place, place, [], "")
    (path,) = (place / "indices").glob("*.npz")
    path.write_bytes(content)
    index = cached_index(small_index, place, place, [], "")
    assert not any(".." in Path(name).parts for name in index.training.paths)
    return index


def _voc_list(content: bytes, place: Path) -> object:
    lists = place / "ImageSets" / "Segmentation"
    for folder in (lists, place / "JPEGImages", place / "SegmentationClass"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("a", "b"):
        (place / "JPEGImages" / f"{name}.jpg").write_bytes(b"")
        (place / "SegmentationClass" / f"{name}.png").write_bytes(b"")
    (lists / "train.txt").write_bytes(content)
    scenes = voc_tree_in(place).listed("train")
    assert all(path.resolve().is_relative_to(place.resolve()) for path in scenes.images)
    return scenes


def _ticket(content: bytes, place: Place) -> object:
    # The checksum is no secret: whoever forges a ticket forges that too.
    with suppress(ValueError, RecursionError):
        values = json.loads(content)
        if isinstance(values, dict):
            values.pop("checksum", None)
            content = json.dumps(values | {"checksum": content_hash(**values)}).encode()
    ticket = _file(read_ticket)(content, place)
    assert isinstance(ticket, Ticket)
    for rule in get_args(Rule):
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
    return _file(read_supernet)(content, place)


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
    return _file(read_weights)(content, place)


def _curves(content: bytes, place: Place) -> None:
    (place / "metrics.csv").write_bytes(content)
    with metrics(place) as watch:
        watch.resumed(1, 10)


def _broken(content: bytes, place: Place) -> None:
    """A list of what can't be decoded, in the cache, of two scenes of which none can."""
    scenes = Scenes(["a", "b"], [place] * 2, [place] * 2, np.zeros((2, 2), dtype=np.int64))
    folder = place / "indices"
    if not folder.exists():
        unreadable(scenes, 21, str(place))
    (path,) = folder.glob("broken-*.json")
    path.write_bytes(content)
    assert set(unreadable(scenes, 21, str(place))) <= {0, 1}


def _supernet_seeds(_: Place) -> list[bytes]:
    facts = SupernetFacts({"seed": 0}, {"task": "x"}, "c0de", "2.15", 2, "", 1.5)
    return [json.dumps(asdict(facts) | {"format": 1}).encode()]


def _safetensors_seeds(_: Place) -> list[bytes]:
    header = {"supernet": _supernet_seeds(Path())[0].decode()}
    return [save({"a": torch.zeros(2)}, header), save({}, None)]


def _checkpoint_seeds(place: Place) -> list[bytes]:
    Checkpoint(place / "seed", "tried").save(training_state())
    return [(place / "seed").read_bytes()]


def _cifar_seeds(place: Place) -> list[bytes]:
    content = cifar_content(1, 1)
    few = content | {"data": content["data"][:2], "fine_labels": content["fine_labels"][:2]}
    few["filenames"] = few["filenames"][:2]
    write_pickle(place / "seed", few)
    return [(place / "seed").read_bytes(), pickle.dumps(few), pickle.dumps(few, protocol=2)]


def _meta_seeds(place: Place) -> list[bytes]:
    write_pickle(place / "seed", {"fine_label_names": [str(row) for row in range(100)]})
    return [(place / "seed").read_bytes()]


def _tar_seeds(_: Place) -> list[bytes]:
    inner = {f"{name}.tar": tar_of({f"{name}_1.JPEG": b"x" * 20}) for name in ("a", "b")}
    return [tar_of(inner), tar_of({"a.tar": b"", "b.tar": b"x" * 512})]


def _written(write: Callable[[Path], object]) -> Callable[[Place], list[bytes]]:
    def seeds(place: Place) -> list[bytes]:
        write(place / "seed")
        return [(place / "seed").read_bytes()]

    return seeds


def _meta_bin_seeds(place: Place) -> list[bytes]:
    names = ({"a": ("words",)}, ["a", "b"])
    torch.save(names, place / "seed")
    zipped = (place / "seed").read_bytes()
    torch.save(names, place / "seed", _use_new_zipfile_serialization=False)
    return [zipped, (place / "seed").read_bytes()]


def _journal_seeds(place: Place) -> list[bytes]:
    record = RaceRecord("ga", "additive", 0, np.array([0.5, 0.5, 0.0]), 1.0)
    RaceJournal(place / "seed").add({"a": 1}, record)
    return [(place / "seed").read_bytes()]


def _curve_seeds(place: Place) -> list[bytes]:
    with metrics(place) as watch:
        watch.epoch(Figures(1, 2, 10, 0.5, 0.1, 99.0, 1.5))
    return [(place / "metrics.csv").read_bytes()]


def _png_seeds(_: Place) -> list[bytes]:
    return [png(np.zeros((2, 2, 3), dtype=np.uint8)).encode()]


def _image_seeds(_: Place) -> list[bytes]:
    coloured, grey = BytesIO(), BytesIO()
    Image.new("P", (3, 3)).save(coloured, "PNG")
    Image.new("LA", (3, 3)).save(grey, "PNG")
    found = [jpeg(0, width=9, height=8), jpeg(1, width=9, height=8, mode="CMYK")]
    return [*found, coloured.getvalue(), grey.getvalue(), b"%!PS-Adobe-3.0 EPSF-3.0\n"]


def _mask() -> np.ndarray:
    return np.array([[0, 3, 255], [20, 0, 0]], dtype=np.uint8)


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


def _index_seeds(place: Place) -> list[bytes]:
    cached_index(small_index, place, place, [], "")
    return [path.read_bytes() for path in (place / "indices").glob("*.npz")]


def _literal(*texts: str) -> Callable[[Place], list[bytes]]:
    return lambda _: [text.encode() for text in texts]


_EVIDENCE = Evidence("t", {"task": "digits"}, (2, 2), {"task": "x"}, {"code": "y"}, tuple(REACHED))

PARSERS = (
    Parser("CIFAR100: images", _cifar("train"), _cifar_seeds),
    Parser("CIFAR100: names", _cifar("meta"), _meta_seeds),
    Parser("ImageNet: tar of tars", _train_tar, _tar_seeds),
    Parser("ImageNet: devkit's meta.mat", _devkit, lambda _: [devkit_files()["meta.mat"]]),
    Parser(
        "ImageNet: devkit as an archive",
        _labels("ILSVRC2012_devkit_t12.tar.gz"),
        lambda _: [
            tar_of({f"ILSVRC2012_devkit_t12/data/{name}": raw for name, raw in files.items()})
            for files in [devkit_files()]
        ],
    ),
    Parser("ImageNet: meta.bin", _labels("meta.bin"), _meta_bin_seeds),
    Parser(
        "ImageNet: Kaggle's list",
        _labels("LOC_val_solution.csv"),
        _literal("ImageId,PredictionString\na,n1 1 2 3 4\nb,n2 1 2 3 4\n"),
    ),
    Parser("ImageNet: index in the cache", _index, _index_seeds),
    Parser("images", lambda content, _: decoded(content, "x"), _image_seeds),
    Parser(
        "ShanghaiTech: annotations",
        _file(read_points),
        lambda _: [annotation_bytes(np.array([[1.5, 2.0], [3.0, 4.0]])[:rows]) for rows in (2, 0)],
    ),
    Parser(
        "VOC: masks",
        lambda content, _: read_mask(content, 21, "x"),
        lambda _: [encoded(_mask())],
    ),
    Parser(
        "VOC: masks of SBD",
        lambda content, _: read_sbd(content, 21, "x"),
        lambda _: [sbd_file(_mask())],
    ),
    Parser(
        "VOC: lists",
        _voc_list,
        _literal("a\nb\n", "/JPEGImages/a.jpg /SegmentationClass/a.png\n", "../b ../b\n"),
    ),
    Parser("pictures in stores", _text(picture), _png_seeds),
    Parser("tables", _file(read_table), _written(lambda path: closed_form_table().write(path))),
    Parser("stand-alone results", _file(read_evidence), _written(_EVIDENCE.write)),
    Parser("tickets", _ticket, _written(TICKET.write)),
    Parser("races", _file(RaceJournal), _journal_seeds),
    Parser("supernets: description", _supernet, _supernet_seeds),
    Parser("supernets: file", _file(read_supernet), _safetensors_seeds),
    Parser("checkpoints", _checkpoint, _checkpoint_seeds),
    Parser("stores", _file(_store, "run.sqlite"), _store_seeds),
    Parser("stores: facts", _description, _description_seeds),
    Parser("stores: watched", _watched, _description_seeds),
    Parser("networks: file", _file(read_weights), _safetensors_seeds),
    Parser("networks: header", _network, _literal("1.5")),
    Parser("curves of trainings", _curves, _curve_seeds),
    Parser("VOC: list of broken scenes", _broken, _literal("[0, 1]", "[]")),
    Parser(
        "settings",
        _file(Settings.from_toml),
        _literal(
            'strategies = ["ga"]\nbudget = 5\n[set.ga]\npopulation = 8\n[supernet]\nepochs = 3',
            'recipe = "paper-resnet38-se"\nsmoke = true\ntask_options = { a = "b" }\n',
        ),
    ),
    Parser("lists of schemes", _file(listed_schemes), _literal("full # all\n1|0\n")),
    Parser(
        "schemes",
        _text(lambda text: parse_scheme(text, (3, 4, 6, 3))),
        _literal("(7,15,63,7)", "111|1111|000000|101", "full", "7,0,63,7"),
    ),
    Parser(
        "hyper-parameters",
        _text(lambda text: read_overrides(tuple(text.split("\n")))),
        _literal("ean.clip=0.2\nga.population=5"),
    ),
    Parser("sizes", _text(parse_size), _literal("2GiB", "512 MiB", "0.5KiB")),
)
"""One for each kind of file and text."""

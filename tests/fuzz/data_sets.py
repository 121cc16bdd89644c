"""Parsers of data sets: archives, labels, images, annotations."""

import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tasks.cifar_files import CifarFiles
from tasks.crowd.annotations import read_points
from tasks.crowd.writing import annotation_bytes
from tasks.decoding import decoded
from tasks.imagenet.index import Images, Index, cached_index
from tasks.imagenet.labels import labelled
from tasks.imagenet.layouts import recognised
from tasks.voc.masks import encoded, read_mask
from tasks.voc.reading import unreadable
from tasks.voc.sbd import read_sbd
from tasks.voc.tree import Scenes
from tasks.voc.tree import recognised as voc_tree_in
from tasks.voc.writing import sbd_file
from tests.fuzz.parser import Parser, Place, literal, of_file
from tests.tasks.trees import cifar_content, devkit_files, jpeg, tar_of, write_pickle


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
        return labelled([place], ["1", "2"])

    return parse


def _devkit(content: bytes, place: Place) -> object:
    data = place / "ILSVRC2012_devkit_t12" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "meta.mat").write_bytes(content)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n")
    return labelled([place], ["1", "2"])


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


def _broken(content: bytes, place: Place) -> None:
    """A list of what can't be decoded, in the cache, of two scenes of which none can."""
    scenes = Scenes(["a", "b"], [place] * 2, [place] * 2, np.zeros((2, 2), dtype=np.int64))
    folder = place / "indices"
    if not folder.exists():
        unreadable(scenes, 21, str(place))
    (path,) = folder.glob("broken-*.json")
    path.write_bytes(content)
    assert set(unreadable(scenes, 21, str(place))) <= {0, 1}


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
    named = tar_of({"n" * 200: b"x"})  # its name lies in a header of its own
    return [tar_of(inner), tar_of({"a.tar": b"", "b.tar": b"x" * 512}), tar_of({"a.tar": named})]


def _meta_bin_seeds(place: Place) -> list[bytes]:
    names = ({"a": ("words",)}, ["a", "b"])
    torch.save(names, place / "seed")
    zipped = (place / "seed").read_bytes()
    torch.save(names, place / "seed", _use_new_zipfile_serialization=False)
    return [zipped, (place / "seed").read_bytes()]


def _image_seeds(_: Place) -> list[bytes]:
    coloured, grey = BytesIO(), BytesIO()
    Image.new("P", (3, 3)).save(coloured, "PNG")
    Image.new("LA", (3, 3)).save(grey, "PNG")
    found = [jpeg(0, width=9, height=8), jpeg(1, width=9, height=8, mode="CMYK")]
    return [*found, coloured.getvalue(), grey.getvalue()]


def _mask() -> np.ndarray:
    return np.array([[0, 3, 255], [20, 0, 0]], dtype=np.uint8)


def _index_seeds(place: Place) -> list[bytes]:
    cached_index(small_index, place, place, [], "")
    return [path.read_bytes() for path in (place / "indices").glob("*.npz")]


DATA_SETS = (
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
        literal("ImageId,PredictionString\n1,n1 1 2 3 4\n2,n2 1 2 3 4\n"),
    ),
    Parser("ImageNet: index in the cache", _index, _index_seeds),
    Parser("images", lambda content, _: decoded(content, "x"), _image_seeds),
    Parser(
        "ShanghaiTech: annotations",
        of_file(read_points),
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
        literal("a\nb\n", "/JPEGImages/a.jpg /SegmentationClass/a.png\n", "../b ../b\n"),
    ),
    Parser("VOC: list of broken scenes", _broken, literal("[0, 1]", "[]")),
)
